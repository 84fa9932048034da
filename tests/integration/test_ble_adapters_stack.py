"""Two adapters on a simulated stack: connections on both, one that fails, one that cannot connect while it scans."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from courtyard.drivers.ble.bluez.radio import BluezRadio
from courtyard.drivers.ble.driver import BleDriver
from courtyard.drivers.ble.settings import BleDevice
from tests.blestack_rig import BUTTON, Collected, RealClock, Stack, band, bluetooth, meeting, wearable

BANDS = 4
RATE = "vital.heart_rate"
SOS = wearable("plain", "C0:FF:EE:01:00:02", BUTTON)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    options = ("--residents", str(BANDS), "--adverts", "5", "--beats", "4", "--adapters", "2")
    with bluetooth(tmp_path_factory.mktemp("bluez"), *options) as stack:
        for number in range(1, BANDS + 1):
            stack("device", f"HR-{number:03d}", "counting")
        with meeting(stack):
            yield stack


@asynccontextmanager
async def driving(*devices: BleDevice, slots: int = 3) -> AsyncIterator[tuple[BleDriver, Collected]]:
    sink = Collected()
    radios = {name: BluezRadio(name) for name in ("hci0", "hci1")}
    driver = BleDriver("ble-1", devices, radios, RealClock(), slots=slots)
    running = asyncio.ensure_future(driver.run(sink))
    try:
        yield driver, sink
    finally:
        running.cancel()
        await asyncio.wait((running,))
        assert running.cancelled(), running.exception()


async def ask(stack: Stack, *words: object) -> dict[str, dict[str, int]]:
    answer: dict[str, dict[str, int]] = await asyncio.to_thread(stack, *words)
    return answer


def calls(sink: Collected) -> list[bool]:
    return [signal.active for signal in sink.signals if signal.kind == "sos"]


def rates(stack: Stack, number: int) -> list[int]:
    """The heart rates that a band has sent, by its own list."""
    return [int(value[2:4], 16) for uuid, value in stack("told", f"HR-{number:03d}") if uuid == 0x2A37]


def heard(sink: Collected, number: int) -> list[int]:
    """Those that have arrived."""
    return sink.values(f"band-{number}", RATE)


@pytest.mark.parametrize(
    ("away", "back", "code"),
    [
        ("unplug", "plug", "ble.no_adapter"),
        ("off", "on", None),
        ("block", "unblock", "ble.rfkill"),
    ],
)
def test_one_adapter_fails_and_the_other_goes_on(stack: Stack, away: str, back: str, code: str | None) -> None:
    skips = {number: len(rates(stack, number)) for number in range(1, BANDS + 1)}

    async def run() -> None:
        bands = [band(number) for number in range(1, BANDS + 1)]
        async with driving(*bands, SOS) as (_, sink):
            await sink.until(lambda: all(len(sink.values(each.id, RATE)) >= 2 for each in bands))
            links = (await ask(stack, "stats"))["links"]
            assert sum(links.values()) == BANDS
            assert min(links.values()) >= 1
            await ask(stack, "adapter", "hci1", away)
            if code is not None:  # an adapter that is only off is switched on again at once
                await sink.until(lambda: ("ble-1", code) in sink.said)
            before = calls(sink).count(True)  # of a press that is still repeated from before
            await ask(stack, "press", "BTH-002")
            await sink.until(lambda: calls(sink).count(True) > before)
            await ask(stack, "adapter", "hci1", back)
            counts = {each.id: len(sink.values(each.id, RATE)) for each in bands}
            await sink.until(lambda: all(len(sink.values(id, RATE)) >= count + 2 for id, count in counts.items()))
            await sink.until(lambda: sink.faults["ble-1"] is None)
            assert calls(sink).count(True) == before + 1
            for number, skip in skips.items():
                sent = (await asyncio.to_thread(rates, stack, number))[skip:]
                await sink.until(lambda number=number, sent=sent: len(heard(sink, number)) >= len(sent))  # type: ignore[misc]
                assert heard(sink, number)[: len(sent)] == sent

    asyncio.run(run())


def test_an_adapter_that_cannot_connect_while_it_scans_pauses_its_scan(stack: Stack) -> None:
    async def run() -> None:
        for name in ("hci0", "hci1"):
            await ask(stack, "adapter", name, "clumsy")
        try:
            async with driving(band(1), SOS) as (driver, sink):
                await sink.until(lambda: len(sink.values("band-1", RATE)) >= 2)
                assert 2 <= driver.counters()["band-1"]["connect_failures"] <= 4
                assert (await ask(stack, "stats"))["scanning"] == 2
                before = calls(sink).count(True)
                await ask(stack, "press", "BTH-002")
                await sink.until(lambda: calls(sink).count(True) > before)
        finally:
            for name in ("hci0", "hci1"):
                await ask(stack, "adapter", name, "deft")

    asyncio.run(run())
