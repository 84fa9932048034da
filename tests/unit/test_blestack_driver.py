"""The driver of wearables on a radio in virtual time: calls for help, slots, silence, radios that fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from courtyard.drivers.base import Signal
from courtyard.drivers.ble.driver import BleDriver
from courtyard.drivers.ble.faults import adapter_fault
from courtyard.drivers.ble.setup import Setup
from tests.ble_radio import bthome, bthome_sealed
from tests.blestack_radio import HEART_RATE, FakeRadio
from tests.blestack_rig import BUTTON, CUFF, Collected, LoopClock, band, octets, wearable
from tests.gateway_rig import elapse, settle, virtual

ADDRESS = "C0:FF:EE:01:00:01"
BTHOME = 0xFCD2
KEY = bytes(range(16))
SOS = wearable("sos-1", ADDRESS, BUTTON)
SEALED = msgspec.structs.replace(SOS, setup=Setup(octets(ADDRESS), key=KEY, calls=dict(BUTTON.calls)))


class Notes:
    """A notebook that remembers."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def recall(self, prefix: str) -> dict[str, bytes]:
        return {name: value for name, value in self.kept.items() if name.startswith(prefix)}

    async def note(self, name: str, value: bytes) -> None:
        self.kept[name] = value


@asynccontextmanager
async def driving(*devices: Any, **more: Any) -> AsyncIterator[tuple[BleDriver, FakeRadio, Collected]]:
    radio, sink = FakeRadio(), Collected()
    driver = BleDriver("ble-1", devices, {"hci0": radio}, LoopClock(), **more)
    running = asyncio.ensure_future(driver.run(sink))
    await settle()
    try:
        yield driver, radio, sink
    finally:
        running.cancel()
        await asyncio.wait((running,))
        assert running.cancelled(), running.exception()
        assert not radio.links


def run(test: Callable[[], Awaitable[None]]) -> None:
    virtual(test)


def press(number: int, way: int = 1) -> dict[int, bytes]:
    return {BTHOME: bthome(bytes((0x00, number, 0x01, 90, 0x3A, way)))}


def kinds(sink: Collected) -> list[tuple[str, bool]]:
    return [(signal.kind, signal.active) for signal in sink.signals]


def test_a_press_is_told_once_and_the_next_one_again() -> None:
    async def test() -> None:
        async with driving(SOS) as (driver, radio, sink):
            for _ in range(30):
                radio.advertise(ADDRESS, press(1))
                await elapse(0.2)
            assert kinds(sink) == [("sos", True)]
            await elapse(40)
            assert kinds(sink) == [("sos", True), ("sos", False)]
            radio.advertise(ADDRESS, press(2))
            await settle()
            assert kinds(sink)[2:] == [("sos", True)]
            assert driver.counters()["sos-1"]["signals"] == 3
            assert sink.signals[0].severity == 1

    run(test)


def test_a_fall_is_a_call_of_its_own() -> None:
    async def test() -> None:
        async with driving(SOS) as (_, radio, sink):
            radio.advertise(ADDRESS, press(1, way=4))
            await settle()
            assert kinds(sink) == [("fall", True)]

    run(test)


def test_a_signal_that_waits_for_the_disk_holds_up_nobody_else() -> None:
    async def test() -> None:
        other = wearable("sos-2", "C0:FF:EE:01:00:02", BUTTON)
        async with driving(SOS, other) as (_, radio, sink):
            gate, keep = asyncio.Event(), sink.signal

            async def slow(signal: Signal) -> None:
                if signal.device == "sos-1":
                    await gate.wait()
                await keep(signal)

            sink.signal = slow  # type: ignore[method-assign]
            radio.advertise(ADDRESS, press(1))
            radio.advertise(other.address, press(1))
            await settle()
            assert [signal.device for signal in sink.signals] == ["sos-2"]
            gate.set()
            await settle()
            assert [signal.device for signal in sink.signals] == ["sos-2", "sos-1"]

    run(test)


def test_a_recording_is_refused_after_a_restart_too() -> None:
    async def test() -> None:
        notes = Notes()
        packet = {BTHOME: bthome_sealed(bytes((0x3A, 1)), KEY, octets(ADDRESS), 7)}
        async with driving(SEALED, notebook=notes) as (_, radio, sink):
            radio.advertise(ADDRESS, packet)
            await settle()
            assert kinds(sink) == [("sos", True)]
        async with driving(SEALED, notebook=notes) as (driver, radio, sink):
            radio.advertise(ADDRESS, packet)
            await settle()
            assert kinds(sink) == []
            assert driver.counters()["sos-1"]["refused_replayed"] == 1

    run(test)


def test_a_wrong_key_is_named() -> None:
    async def test() -> None:
        async with driving(SEALED) as (driver, radio, sink):
            for number in range(6):
                radio.advertise(ADDRESS, {BTHOME: bthome_sealed(bytes((0x3A, 1)), bytes(16), octets(ADDRESS), number)})
                await elapse(1)
            await elapse(2)
            fault = sink.faults["sos-1"]
            assert fault is not None
            assert fault.code == "device.key"
            assert driver.counters()["sos-1"]["refused_key"] == 6
            assert kinds(sink) == []

    run(test)


def test_silence_is_told_and_its_end() -> None:
    async def test() -> None:
        quiet = wearable("sos-1", ADDRESS, msgspec.structs.replace(BUTTON, silent_s=60.0))
        async with driving(quiet) as (_, radio, sink):
            radio.advertise(ADDRESS, press(1))
            await elapse(55)
            assert sink.faults["sos-1"] is None
            await elapse(10)
            assert sink.said[-1] == ("sos-1", "device.silent")
            radio.advertise(ADDRESS, press(2))
            await elapse(2)
            assert sink.said[-1] == ("sos-1", None)

    run(test)


def test_slots_are_bounded_shared_and_given_up_to_the_more_important() -> None:
    async def test() -> None:
        bands = [band(number) for number in range(1, 5)]
        cuff = wearable("cuff", "C0:FF:EE:03:00:01", CUFF)
        async with driving(*bands, cuff, slots=2) as (driver, radio, _):
            held: dict[str, int] = {}
            for second in range(600):
                for each in bands:
                    if each.address not in {link.address for link in radio.links}:
                        radio.advertise(each.address)
                for link in radio.links:
                    link.notify(HEART_RATE, bytes((0x06, 60 + second % 60)))
                    held[link.address] = held.get(link.address, 0) + 1
                await elapse(1)
            assert (radio.most_links, radio.most_at_once) == (2, 1)
            assert min(held.values()) >= 0.7 * max(held.values())
            radio.advertise(cuff.address)
            await elapse(2)
            link = next(link for link in radio.links if link.address == cuff.address)
            assert [uuid for uuid, _ in link.written] == [0x2A2B]
            assert driver.counters()["cuff"]["clocks_set"] == 1

    run(test)


def test_a_connection_that_says_nothing_is_made_anew() -> None:
    async def test() -> None:
        async with driving(band(1)) as (driver, radio, _):
            radio.advertise(band(1).address)
            await elapse(1)
            (first,) = radio.links
            await elapse(6)
            assert first.closed
            radio.advertise(band(1).address)
            await elapse(1)
            assert radio.links
            assert driver.counters()["band-1"]["stale_sessions"] == 1

    run(test)


def test_a_device_that_takes_no_connection_is_asked_less_and_less_and_named() -> None:
    async def test() -> None:
        async with driving(band(1)) as (driver, radio, sink):
            radio.refuses.add(band(1).address)
            for _ in range(600):
                radio.advertise(band(1).address)
                await elapse(1)
            fault = sink.faults["band-1"]
            assert fault is not None
            assert fault.code == "device.no_connection"
            assert 8 <= driver.counters()["band-1"]["connect_failures"] <= 25

    run(test)


@pytest.mark.parametrize("code", ["no_bus", "no_stack", "no_adapter", "rfkill", "no_permission", "bluez_old"])
def test_a_radio_that_cannot_be_opened_is_named_and_tried_again(code: str) -> None:
    async def test() -> None:
        async with driving(SOS) as (_, radio, sink):
            radio.go_down(code, for_good=True)
            await elapse(28)
            fault = sink.faults["ble-1"]
            assert fault == adapter_fault(code, "hci0")
            radio.come_back()
            await elapse(0.1)
            assert sink.faults["ble-1"] is None
            radio.advertise(ADDRESS, press(1))
            await settle()
            assert kinds(sink) == [("sos", True)]

    run(test)


def test_a_deaf_radio_is_scanned_anew_then_switched_off_and_on_but_not_for_ever() -> None:
    async def test() -> None:
        async with driving(SOS) as (driver, radio, sink):
            await elapse(3000)
            assert radio.cycles == 3
            assert driver.counters()["ble-1"]["rescans"] > 0
            fault = sink.faults["ble-1"]
            assert fault is not None
            assert fault.code == "ble.deaf"
            radio.advertise(ADDRESS, press(1))
            await elapse(1)
            assert sink.faults["ble-1"] is None

    run(test)


def test_new_devices_come_and_old_ones_go_while_the_rest_keeps_its_connection() -> None:
    async def test() -> None:
        async with driving(band(1), band(2)) as (driver, radio, sink):
            for number in (1, 2):
                radio.advertise(band(number).address)
            await elapse(1)
            kept = next(link for link in radio.links if link.address == band(1).address)
            driver.adjust([band(1), SOS])
            await elapse(1)
            assert radio.links == {kept}
            radio.advertise(ADDRESS, press(1))
            await settle()
            assert kinds(sink) == [("sos", True)]

    run(test)
