"""Answers and rooms on a simulated stack with two adapters: real D-Bus, real Bluetooth client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import pytest

from courtyard.agent.identification import Identification
from courtyard.drivers.base import Alert, DriverError
from courtyard.drivers.ble.bluez.radio import BluezRadio
from courtyard.drivers.ble.driver import BleDriver
from courtyard.drivers.ble.presence import Terms
from courtyard.drivers.ble.rooms import ROOM, Rooms
from courtyard.drivers.ble.settings import BleDevice
from tests.blestack_rig import BUTTON, Collected, RealClock, Stack, bluetooth, meeting, wearable

TAG = wearable("sos-2", "C0:FF:EE:01:00:02", msgspec.structs.replace(BUTTON, alerts=True))
LINES = {"flat": "hci0", "hall": "hci1"}
PLACES = {"flat": "b03/u02/f06/r601", "hall": "b03/x-hall"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    options = ("--residents", "2", "--adverts", "10", "--adapters", "2")
    with bluetooth(tmp_path_factory.mktemp("bluez"), *options) as stack, meeting(stack):
        yield stack


@asynccontextmanager
async def running(*tasks: asyncio.Task[None]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@asynccontextmanager
async def house(*devices: BleDevice) -> AsyncIterator[tuple[BleDriver, Collected]]:
    """Two lines with an adapter each, of which only the first has devices."""
    sink, rooms = Collected(), Rooms(RealClock())
    rooms.adjust(PLACES, Terms(6.0, 1.0, 10.0), {device.address: device.id for device in devices})
    drivers = [
        BleDriver(line, devices if line == "flat" else (), {adapter: BluezRadio(adapter)}, RealClock(), rooms=rooms)
        for line, adapter in LINES.items()
    ]
    async with AsyncExitStack() as exit_stack:
        tasks = [asyncio.ensure_future(driver.run(sink)) for driver in drivers]
        await exit_stack.enter_async_context(running(*tasks, asyncio.ensure_future(rooms.run(sink))))
        await sink.until(lambda: any(reading.device == TAG.id for reading in sink.readings))
        yield drivers[0], sink


def test_an_answered_call_buzzes_the_button_itself_and_no_link_loss(stack: Stack) -> None:
    async def run() -> None:
        async with house(TAG) as (driver, sink):
            await asyncio.to_thread(stack, "press", "BTH-002")
            await sink.until(lambda: any(signal.kind == "sos" for signal in sink.signals))
            await driver.alert("sos-2", Alert("high", 0.3))
            assert await asyncio.to_thread(stack, "alerts", "BTH-002") == [2, 0]
            await driver.alert("sos-2", Alert("mild", 0.3, stop=False))
            await asyncio.to_thread(stack, "fault", "Connect", "error", "Failed", "times", 3)
            with pytest.raises(DriverError) as caught:
                await driver.alert("sos-2", Alert("high", 0.3))
            assert caught.value.fault.code == "device.alert_unanswered"
            assert await asyncio.to_thread(stack, "alerts", "BTH-002") == [2, 0, 1, 0]

    asyncio.run(run())


def test_a_button_that_is_looked_for_buzzes_and_falls_silent_by_itself(stack: Stack) -> None:
    async def run() -> None:
        async with house(TAG) as (driver, _):
            before = await asyncio.to_thread(stack, "alerts", "BTH-002")
            await Identification(lambda device: driver).show("sos-2")
            assert await asyncio.to_thread(stack, "alerts", "BTH-002") == [*before, 2, 0]

    asyncio.run(run())


def test_somebody_who_walks_is_in_the_other_room_soon(stack: Stack) -> None:
    def strength(flat_dbm: int, hall_dbm: int) -> None:
        stack("device", "BTH-002", "range", flat_dbm, "hci0")
        stack("device", "BTH-002", "range", hall_dbm, "hci1")

    async def run() -> None:
        await asyncio.to_thread(strength, -50, -85)
        async with house(TAG) as (_, sink):
            await sink.until(lambda: sink.values("sos-2", ROOM) == [PLACES["flat"]])
            await asyncio.to_thread(strength, -85, -50)
            await sink.until(lambda: sink.values("sos-2", ROOM) == [PLACES["flat"], PLACES["hall"]])

    asyncio.run(run())
