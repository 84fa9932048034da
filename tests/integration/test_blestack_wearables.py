"""Wearables of all families on a simulated stack: calls for help, meters that wake up, what a stack remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from courtyard.drivers.ble.adverts.beacon_rule import BeaconRule, Identity
from courtyard.drivers.ble.bluez.radio import BluezRadio
from courtyard.drivers.ble.driver import BleDriver
from courtyard.drivers.ble.settings import BleDevice, WearableProfile
from tests.blestack_rig import BUTTON, CUFF, Collected, RealClock, Stack, bluetooth, meeting, wearable

SPACE = bytes.fromhex("00112233445566778899aabbccddeeff")
KEY = bytes((1, *range(1, 16)))
PLAIN = WearableProfile("Beacon", "信标")


def beacon(name: str, address: str, space: bytes, normal: bytes, alarm: bytes) -> BleDevice:
    return wearable(name, address, PLAIN, rule=BeaconRule(Identity(space, normal), Identity(space, alarm)))


BUTTONS = {
    "BTH-001": wearable("sealed", "C0:FF:EE:01:00:01", BUTTON, key=KEY),
    "BTH-002": wearable("plain", "C0:FF:EE:01:00:02", BUTTON),
    "SOS-003": beacon("ibeacon", "C0:FF:EE:01:00:03", SPACE, b"\0\3\0\1", b"\0\3\0\2"),
    "EDY-004": beacon("eddystone", "C0:FF:EE:01:00:04", SPACE[:10], b"\0\0\0\0\4\1", b"\0\0\0\0\4\2"),
    "BUP-005": wearable("blueup", "C0:FF:EE:01:00:05", PLAIN),
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with bluetooth(tmp_path_factory.mktemp("bluez"), "--adverts", "10", "--beats", "5") as stack, meeting(stack):
        yield stack


@asynccontextmanager
async def driving(*devices: BleDevice) -> AsyncIterator[tuple[BleDriver, Collected]]:
    sink = Collected()
    driver = BleDriver("ble-1", devices, {"hci0": BluezRadio()}, RealClock())
    running = asyncio.ensure_future(driver.run(sink))
    try:
        yield driver, sink
    finally:
        running.cancel()
        await asyncio.wait((running,))
        assert running.cancelled(), running.exception()


def calls(sink: Collected) -> list[tuple[str, bool]]:
    return [(signal.device, signal.active) for signal in sink.signals if signal.kind == "sos"]


@pytest.mark.parametrize("name", BUTTONS)
def test_every_family_calls_for_help(stack: Stack, name: str) -> None:
    async def run() -> None:
        device = BUTTONS[name]
        async with driving(device) as (_, sink):
            await sink.until(lambda: sink.faults)
            await asyncio.to_thread(stack, "press", name)
            await sink.until(lambda: (device.id, True) in calls(sink))
            assert calls(sink).count((device.id, True)) == 1
            assert sink.signals[-1].severity == 1
        if name[:3] in ("SOS", "EDY", "BUP"):
            await asyncio.to_thread(stack, "press", name, "end")

    asyncio.run(run())


def test_a_fall_is_told(stack: Stack) -> None:
    async def run() -> None:
        async with driving(BUTTONS["BTH-002"]) as (_, sink):
            await sink.until(lambda: sink.faults)
            await asyncio.to_thread(stack, "press", "BTH-002", "fall")
            await sink.until(lambda: [signal for signal in sink.signals if signal.kind == "fall" and signal.active])

    asyncio.run(run())


def test_meters_are_read_when_they_wake_up_and_get_the_time(stack: Stack) -> None:
    async def run() -> None:
        cuff = wearable("cuff", "C0:FF:EE:03:00:01", CUFF)
        async with driving(cuff) as (driver, sink):
            await sink.until(lambda: sink.faults)
            for _ in range(2):
                seen = len(sink.readings)
                await asyncio.to_thread(stack, "press", "BPM-001", "measure")
                await sink.until(
                    lambda seen=seen: [r for r in sink.readings[seen:] if "vital.pressure.systolic" in r.values]  # type: ignore[misc]
                )
                await sink.until(lambda: driver.counters()["ble-1"]["connected"] == 0 or sink.readings)
            reading = next(each for each in sink.readings if "vital.pressure.systolic" in each.values)
            assert 90 <= float(reading.values["vital.pressure.systolic"] or 0) <= 180
        clocks = (await asyncio.to_thread(stack, "stats"))["clocks"]
        assert len(bytes.fromhex(clocks["BPM-001"])) == 10

    asyncio.run(run())


def test_a_press_that_the_stack_remembers_is_not_told_again(stack: Stack) -> None:
    """A daemon that starts minutes after a press meets its packet in the memory of bluetoothd."""

    async def run() -> None:
        device = BUTTONS["BTH-002"]
        async with driving(device) as (_, sink):
            await sink.until(lambda: sink.faults)
            await asyncio.to_thread(stack, "press", "BTH-002")
            await sink.until(lambda: (device.id, True) in calls(sink))
            await asyncio.to_thread(stack, "device", "BTH-002", "off")
        async with driving(device) as (driver, sink):
            await sink.until(lambda: driver.counters()["ble-1"].get("strangers", 0) > 20)
            assert calls(sink) == []
        await asyncio.to_thread(stack, "device", "BTH-002", "on")

    asyncio.run(run())


def test_a_connect_that_is_never_answered_does_not_hold_up_the_radio(stack: Stack) -> None:
    async def run() -> None:
        cuff = wearable("cuff", "C0:FF:EE:03:00:02", CUFF)
        async with driving(cuff, BUTTONS["BTH-002"]) as (driver, sink):
            await sink.until(lambda: sink.faults)
            await asyncio.to_thread(stack, "fault", "Connect", "hang", "at", "C0:FF:EE:03:00:02")
            await asyncio.to_thread(stack, "press", "BPM-002", "measure")
            await sink.until(lambda: driver.counters()["ble-1"]["connected"])
            await asyncio.to_thread(stack, "press", "BTH-002")
            await sink.until(lambda: ("plain", True) in calls(sink))
            assert "connect_failures" not in driver.counters()["cuff"], "it is told while the other is still tried"
            await sink.until(lambda: [each for each in sink.readings if "vital.pressure.systolic" in each.values])
            assert driver.counters()["cuff"]["connect_failures"] == 1

    asyncio.run(run())
