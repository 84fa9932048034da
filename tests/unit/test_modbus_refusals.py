"""What the driver makes of exceptions and empty answers; in virtual time."""

from __future__ import annotations

import pytest
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse

from courtyard.drivers.modbus.driver import ModbusDriver
from tests.modbus_rig import (
    TCP,
    Memory,
    Slave,
    VirtualLine,
    elapse,
    for_seconds,
    meter,
    poll,
    register,
    twenty_registers,
)


def test_a_refused_range_is_split_once_and_costs_no_other_point() -> None:
    slave = Slave({address: address for address in range(40) if address != 7})
    points = [register(f"p{address}", address) for address in (0, 5, 7, 9, 12)]
    memory = poll(VirtualLine({1: slave}), [meter(1, points)], for_seconds(10))
    for reading in memory.readings:
        assert reading.values == {"p0": 0, "p5": 5, "p7": None, "p9": 9, "p12": 12}
        assert reading.quality == {"p7": "bad:comm"}
    assert len(memory.readings) == 10
    first = [asked for asked in slave.asked if asked[0] < memory.readings[0].mono_ms / 1000]
    assert len(first) <= 9
    assert len(slave.asked) - len(first) == 9 * 2  # two ranges around the hole from then on
    fault = [fault for subject, fault in memory.faults if subject == "m1"][-1]
    assert fault is not None
    assert fault.code == "device.refused"
    assert "p7" in fault.what.en
    assert "p7" in fault.what.zh


def test_a_range_that_exists_again_is_found_again() -> None:
    slave = Slave({address: address for address in range(40) if address != 7})
    points = [register(f"p{address}", address) for address in (5, 7, 9)]

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        await elapse(100)
        slave.registers[7] = 7
        await elapse(1800)
        slave.asked.clear()
        await elapse(60)

    memory = poll(VirtualLine({1: slave}), [meter(1, points, every_s=10)], script)
    assert memory.readings[-1].values == {"p5": 5, "p7": 7, "p9": 9}
    assert len(slave.asked) == 6
    assert memory.state("m1") is None


def test_an_empty_answer_counts_as_a_range_that_does_not_exist() -> None:
    slave = Slave({address: address for address in range(40) if address != 7})

    def empty(request: ModbusPDU, right: ModbusPDU) -> list[tuple[float, ModbusPDU]]:
        refused = isinstance(right, ExceptionResponse)
        return [(0.005, ReadHoldingRegistersResponse(registers=[]) if refused else right)]

    slave.replies = empty  # type: ignore[assignment]
    memory = poll(VirtualLine({1: slave}), [meter(1, [register("a", 5), register("b", 7)])], for_seconds(3))
    assert memory.readings[-1].values == {"a": 5, "b": None}


def test_a_device_that_refuses_by_silence_is_split_too() -> None:
    slave = Slave({address: address for address in range(200)})

    def silent_about(request: ModbusPDU, right: ModbusPDU) -> list[tuple[float, ModbusPDU]]:
        overlaps = request.address <= 107 < request.address + request.count
        return [] if overlaps else [(0.005, right)]

    slave.replies = silent_about  # type: ignore[assignment]
    points = [register("a", 5), register("b", 105), register("c", 109)]
    memory = poll(VirtualLine({1: slave}), [meter(1, points, timeout_s=0.1)], for_seconds(60))
    assert memory.readings[-1].values == {"a": 5, "b": 105, "c": 109}
    assert memory.state("m1") is None


@pytest.mark.parametrize(("code", "fault"), [(4, "device.failure"), (8, "device.memory"), (0x55, "device.failure")])
def test_trouble_of_the_device_is_told_and_ends_with_the_next_good_poll(code: int, fault: str) -> None:
    slave = twenty_registers()
    slave.exceptions = [code]
    memory = poll(VirtualLine({1: slave}), [meter(1)], for_seconds(3))
    assert [said.code if said else None for subject, said in memory.faults if subject == "m1"] == [fault, None]
    assert memory.readings[0].quality == {f"p{i}": "bad:comm" for i in range(10)}
    assert memory.readings[1].quality == {}


@pytest.mark.parametrize("code", [5, 6])
def test_a_busy_device_is_left_alone_for_a_second_or_more(code: int) -> None:
    slave = twenty_registers()
    slave.exceptions = [code, code]
    memory = poll(VirtualLine({1: slave}), [meter(1, every_s=60)], for_seconds(70))
    times = [asked[0] for asked in slave.asked]
    assert times[1] - times[0] >= 1.0
    assert times[2] - times[1] >= 2.0
    assert len(memory.readings) == 1
    assert memory.readings[0].quality == {}


def test_a_device_that_stays_busy_is_unreachable_after_three_polls() -> None:
    slave = twenty_registers()
    slave.exceptions = [6] * 100
    memory = poll(VirtualLine({1: slave}), [meter(1, every_s=10)], for_seconds(60))
    assert memory.state("m1") == "device.busy"
    assert len(memory.readings) == 3


def test_a_gateway_that_gets_no_answer_counts_as_silence() -> None:
    slave = twenty_registers()
    slave.exceptions = [0x0B] * 1000
    memory = poll(VirtualLine({1: slave}, TCP), [meter(1)], for_seconds(30))
    assert memory.state("m1") == "device.gateway.silent"
    assert len(memory.readings) == 3
    assert memory.state("endpoint") is None


def test_a_device_that_refuses_everything_is_asked_once_a_minute_and_a_device_without_points_never() -> None:
    slave, relays = Slave({}), Slave({}, coils={0: False})
    memory = poll(VirtualLine({1: slave, 2: relays}), [meter(1), meter(2, [])], for_seconds(200))
    assert len({int(asked[0] // 30) for asked in slave.asked}) == 4  # at the start and after each minute
    assert memory.state("m1") == "device.refused"
    assert relays.asked == []
    assert memory.state("m2") == "untold"


@pytest.mark.parametrize(
    ("code", "fault", "en", "zh"),
    [
        (1, "device.refused", "function", "function"),
        (2, "device.refused", "counts from 0", "从 0 开始"),
        (3, "device.refused", "max_registers", "max_registers"),
        (4, "device.failure", "display", "显示"),
    ],
)
def test_a_refusal_takes_the_value_away_and_names_its_own_cure(code: int, fault: str, en: str, zh: str) -> None:
    """The device answers, so it is not silent; what it refuses was not read, so there is no value to call uncertain."""
    slave = Slave({0: 7, 50: 8})

    def refuse(request: ModbusPDU, right: ModbusPDU) -> list[tuple[float, ModbusPDU]]:
        refused = request.address == 50
        return [(0.005, ExceptionResponse(request.function_code, code) if refused else right)]

    slave.replies = refuse  # type: ignore[assignment]
    memory = poll(VirtualLine({1: slave}), [meter(1, [register("a", 0), register("b", 50)])], for_seconds(5))
    last = memory.readings[-1]
    assert (last.values, last.quality) == ({"a": 7, "b": None}, {"b": "bad:comm"})
    told = [each for subject, each in memory.faults if subject == "m1"][-1]
    assert told is not None
    assert (told.code, f"exception {code:02X}" in told.what.en, f"异常码 {code:02X}" in told.what.zh) == (
        fault,
        True,
        True,
    )
    assert en in told.cure.en
    assert zh in told.cure.zh
