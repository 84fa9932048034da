"""Reading and writing one device now; in virtual time."""

from __future__ import annotations

from typing import Any

import pytest
from pymodbus.pdu import ModbusPDU

from courtyard.drivers.base import Counts, DriverError, Reads, Write, Writes
from courtyard.drivers.lines.faults import line_fault
from courtyard.drivers.modbus.driver import ModbusDriver
from courtyard.drivers.modbus.settings import WriteTarget
from tests.modbus_rig import (
    TCP,
    LoopClock,
    Memory,
    Slave,
    VirtualLine,
    meter,
    poll,
    twenty_registers,
    virtual,
)

RELAY: dict[str, Any] = {
    "writes": (WriteTarget("siren", "coil", 3), WriteTarget("setpoint", "register", 100, minimum=10, maximum=20))
}


def relay() -> Slave:
    slave = twenty_registers()
    slave.registers[100] = 0
    slave.coils = {3: False}
    return slave


def test_it_is_what_the_agent_expects() -> None:
    async def main() -> None:
        driver = ModbusDriver(TCP, [], LoopClock())
        assert isinstance(driver, Reads)
        assert isinstance(driver, Writes)
        assert isinstance(driver, Counts)

    virtual(main)


def test_read_brings_one_device_now() -> None:
    async def script(driver: ModbusDriver, memory: Memory) -> None:
        reading = await driver.read("m1")
        assert reading.values["p3"] == 4.0
        frames = driver.frames("m1")
        assert [frame.direction for frame in frames] == ["sent", "received"]
        with pytest.raises(DriverError, match="no device"):
            await driver.read("elsewhere")

    memory = poll(VirtualLine({1: twenty_registers()}), [meter(1, every_s=3600)], script)
    assert memory.readings == []


def test_read_of_a_silent_device_says_so() -> None:
    async def script(driver: ModbusDriver, memory: Memory) -> None:
        with pytest.raises(DriverError) as error:
            await driver.read("m1")
        assert error.value.fault.code == "device.silent"

    poll(VirtualLine({}), [meter(1, every_s=3600)], script)


def test_read_works_without_run() -> None:
    line = VirtualLine({1: twenty_registers()})

    async def main() -> None:
        driver = ModbusDriver(line.settings, [meter(1)], LoopClock(), open_line=line.open)
        assert (await driver.read("m1")).values["p0"] == 1.0
        driver.close()
        line.fault = line_fault("line.open.busy", port="/dev/ttyV0")
        with pytest.raises(DriverError) as error:
            await driver.read("m1")
        assert error.value.fault.code == "line.open.busy"

    virtual(main)


def test_writes_are_confirmed_and_read_back() -> None:
    slave = relay()

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        await driver.write(Write("m1", "siren", True))
        await driver.write(Write("m1", "setpoint", 15))

    poll(VirtualLine({1: slave}), [meter(1, every_s=3600, **RELAY)], script)
    assert slave.coils[3]
    assert slave.registers[100] == 15
    assert [asked[1] for asked in slave.asked] == [5, 1, 6, 3]


@pytest.mark.parametrize(
    ("target", "value", "code"),
    [
        ("valve", 1, "device.write.unknown"),
        ("setpoint", 21, "device.write.value"),
        ("setpoint", -1, "device.write.value"),
        ("setpoint", "15", "device.write.value"),
        ("setpoint", 15.5, "device.write.value"),
        ("siren", 2, "device.write.value"),
    ],
)
def test_what_the_profile_does_not_allow_never_reaches_the_line(target: str, value: Any, code: str) -> None:
    line = VirtualLine({1: relay()})

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        with pytest.raises(DriverError) as error:
            await driver.write(Write("m1", target, value))
        assert error.value.fault.code == code

    poll(line, [meter(1, every_s=3600, **RELAY)], script)
    assert line.sent == []


def test_a_device_without_single_writes_gets_multiple_ones() -> None:
    slave = relay()
    slave.functions = (1, 3, 15, 16)

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        await driver.write(Write("m1", "setpoint", 12))
        await driver.write(Write("m1", "siren", True))

    poll(VirtualLine({1: slave}), [meter(1, every_s=3600, **RELAY)], script)
    assert slave.registers[100] == 12
    assert slave.coils[3]


def test_a_write_that_does_not_take_is_an_error() -> None:
    slave = relay()

    def stuck(request: ModbusPDU, right: ModbusPDU) -> list[tuple[float, ModbusPDU]]:
        slave.coils[3] = False
        return [(0.005, right)]

    slave.replies = stuck  # type: ignore[assignment]

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        with pytest.raises(DriverError) as error:
            await driver.write(Write("m1", "siren", True))
        assert error.value.fault.code == "device.write.unconfirmed"

    poll(VirtualLine({1: slave}), [meter(1, every_s=3600, **RELAY)], script)


def test_an_echo_is_not_taken_for_the_confirmation_of_a_write() -> None:
    line = VirtualLine({1: Slave(dead=True)}, echo=True)

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        with pytest.raises(DriverError):
            await driver.write(Write("m1", "siren", True))

    poll(line, [meter(1, every_s=3600, **RELAY)], script)
