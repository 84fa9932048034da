"""Devices and lines that fail and come back; in virtual time."""

from __future__ import annotations

import asyncio

import msgspec
from pymodbus.pdu import ModbusPDU

from courtyard.drivers.lines.faults import line_fault
from courtyard.drivers.lines.settings import LineSettings
from courtyard.drivers.lines.wire import Listener, Wire
from courtyard.drivers.modbus.driver import ModbusDriver
from tests.modbus_rig import (
    SERIAL,
    TCP,
    Memory,
    VirtualLine,
    elapse,
    for_seconds,
    meter,
    poll,
    twenty_registers,
)


def test_an_unreachable_device_says_so_once_and_recovers_again_and_again() -> None:
    slave = twenty_registers()
    line = VirtualLine({1: slave, 2: twenty_registers()})

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        for _ in range(3):
            slave.dead = False
            await elapse(60)
            assert memory.state("m1") is None
            before = len(memory.of("m1"))
            slave.dead = True
            await elapse(100)
            assert memory.state("m1") == "device.silent"
            bad = [reading for reading in memory.of("m1")[before:] if reading.quality]
            assert len(bad) == 3
            assert all(value is None for reading in bad for value in reading.values.values())
            assert memory.state("m2") is None

    poll(line, [meter(1, every_s=5), meter(2, every_s=5)], script)


def test_a_lost_frame_on_an_idle_line_is_asked_for_again_at_once() -> None:
    slave = twenty_registers()
    lost = [True]

    def lose_one(request: ModbusPDU, right: ModbusPDU) -> list[tuple[float, ModbusPDU]]:
        return [] if lost and lost.pop() else [(0.005, right)]

    slave.replies = lose_one  # type: ignore[assignment]
    memory = poll(
        VirtualLine({1: slave, 2: twenty_registers()}), [meter(1, every_s=10), meter(2, every_s=10)], for_seconds(30)
    )
    assert [reading.quality for reading in memory.of("m1")] == [{}] * 3


def test_a_battery_meter_may_lose_the_first_request_of_every_poll() -> None:
    slave = twenty_registers()
    heard = [-100.0]

    def asleep(request: ModbusPDU, right: ModbusPDU) -> list[tuple[float, ModbusPDU]]:
        now = asyncio.get_running_loop().time()
        awake = now - heard[0] < 5
        heard[0] = now
        return [(0.3, right)] if awake else []

    slave.replies = asleep  # type: ignore[assignment]
    device = meter(1, every_s=60, timeout_s=1.5, retries=0, wake=True)
    memory = poll(VirtualLine({1: slave}), [device], for_seconds(600))
    assert [reading.quality for reading in memory.readings] == [{}] * 10


def test_a_line_that_cannot_be_opened_names_itself_and_is_tried_again() -> None:
    line = VirtualLine({1: twenty_registers()})
    line.fault = line_fault("line.open.missing", port="/dev/ttyV0")

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        await elapse(10)
        assert memory.state("bus") == "line.open.missing"
        assert memory.state("m1") == "device.line"
        assert len(memory.readings) == 3
        line.fault = None
        await elapse(5)
        assert memory.state("bus") is None
        assert memory.state("m1") is None

    memory = poll(line, [meter(1)], script)
    assert len([reading for reading in memory.readings if not reading.quality]) >= 3


def test_a_line_that_is_lost_and_found_loses_no_poll() -> None:
    line = VirtualLine({1: twenty_registers()}, TCP)

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        await elapse(5.5)
        for _ in range(3):
            line.unplug()
            await elapse(2)

    memory = poll(line, [meter(1)], script)
    assert line.opened == 4
    assert [reading.quality for reading in memory.readings] == [{}] * 11
    assert memory.state("endpoint") is None


def test_an_unplugged_line_comes_back_again_and_again() -> None:
    line = VirtualLine({1: twenty_registers(), 2: twenty_registers()})

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        for _ in range(3):
            await elapse(10)
            assert memory.state("bus") is None
            line.unplug(line_fault("line.open.missing", port="/dev/ttyV0"))
            await elapse(10)
            assert memory.state("bus") == "line.open.missing"
            line.fault = None
        await elapse(10)
        assert memory.state("m2") is None

    poll(line, [meter(1), meter(2)], script)


def test_a_serial_line_on_which_nobody_answers_is_at_fault_itself() -> None:
    line = VirtualLine({})
    memory = poll(line, [meter(1, every_s=5), meter(2, every_s=5)], for_seconds(120))
    assert memory.state("bus") == "line.silent"


def test_a_connection_without_life_is_made_anew() -> None:
    slave = twenty_registers()
    line = VirtualLine({1: slave}, TCP)

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        await elapse(5)
        assert line.wire is not None
        line.wire.deliver = lambda frame: None  # type: ignore[method-assign]
        await elapse(20)

    memory = poll(line, [meter(1)], script)
    assert line.opened == 2
    assert memory.state("m1") is None
    assert memory.readings[-1].quality == {}


def test_an_announced_echo_is_taken_off() -> None:
    line = VirtualLine({1: twenty_registers()}, msgspec.structs.replace(SERIAL, echo=True), echo=True)
    memory = poll(line, [meter(1)], for_seconds(5))
    assert [reading.quality for reading in memory.readings] == [{}] * 5


def test_an_echo_that_nobody_announced_is_noticed() -> None:
    line = VirtualLine({1: twenty_registers()}, echo=True)

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        await elapse(5)
        assert driver.counters()["bus"]["echoes"] > 0

    memory = poll(line, [meter(1)], script)
    assert [reading.quality for reading in memory.readings] == [{}] * 5


def test_waiting_rightly_is_progress() -> None:
    """For what is due in an hour, for a silent unit, for a line that cannot be opened."""
    slave = twenty_registers()
    line = VirtualLine({1: slave})

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        for trouble in (None, "dead", "unplugged"):
            slave.dead = trouble == "dead"
            if trouble == "unplugged":
                line.unplug(line_fault("line.open.missing", port="/dev/ttyV0"))
            for _ in range(200):
                await elapse(17)
                assert driver.on_time()

    poll(line, [meter(1, every_s=3600)], script)
    poll(line, [meter(1, every_s=0.5, timeout_s=20.0)], script)


def test_a_line_whose_opening_or_driver_hangs_is_not_on_time() -> None:
    async def script(driver: ModbusDriver, memory: Memory) -> None:
        await elapse(25)
        assert driver.on_time()
        await elapse(10)
        assert not driver.on_time()

    class Hanging(VirtualLine):
        async def open(self, settings: LineSettings, listener: Listener) -> Wire:
            await asyncio.get_running_loop().create_future()
            raise AssertionError("never")

    poll(Hanging({1: twenty_registers()}), [meter(1)], script)
