"""The driver as a whole, in virtual time: schedule, faults of devices and lines, refusals, commands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse

from courtyard.drivers.base import Counts, DriverError, Reads, Write, Writes
from courtyard.drivers.lines.faults import line_fault
from courtyard.drivers.modbus.driver import ModbusDriver
from courtyard.drivers.modbus.settings import Fraction, ModbusDevice, WriteTarget
from tests.modbus_rig import (
    PAUSE_S,
    SERIAL,
    TCP,
    LoopClock,
    Memory,
    Slave,
    VirtualLine,
    elapse,
    meter,
    register,
    run_virtually,
    twenty_registers,
)

Script = Callable[[ModbusDriver, Memory], Awaitable[None]]


def poll(line: VirtualLine, devices: list[ModbusDevice], script: Script) -> Memory:
    """Runs the driver beside a script, then cancels it."""

    async def main() -> Memory:
        memory = Memory()
        driver = ModbusDriver(line.settings, devices, LoopClock(), open_line=line.open, chance=lambda: 0.5)
        running = asyncio.create_task(driver.run(memory))
        await elapse(0)
        await script(driver, memory)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert line.wire is None or not line.wire.is_open
        return memory

    return run_virtually(main)


def for_seconds(seconds: float) -> Script:
    async def script(driver: ModbusDriver, memory: Memory) -> None:
        await elapse(seconds)

    return script


def test_it_is_what_the_agent_expects() -> None:
    async def main() -> None:
        driver = ModbusDriver(TCP, [], LoopClock())
        assert isinstance(driver, Reads)
        assert isinstance(driver, Writes)
        assert isinstance(driver, Counts)

    run_virtually(main)


@pytest.mark.parametrize("settings", ["serial", "tcp"])
def test_one_reading_per_device_and_period(settings: str) -> None:
    slaves = {unit: twenty_registers() for unit in (1, 2, 3)}
    line = VirtualLine(slaves) if settings == "serial" else VirtualLine(slaves, TCP)
    memory = poll(line, [meter(1), meter(2), meter(3, every_s=2.0)], for_seconds(20))
    for unit, period_ms in ((1, 1000), (2, 1000), (3, 2000)):
        times = [reading.mono_ms for reading in memory.of(f"m{unit}")]
        assert len(times) in (20_000 // period_ms, 20_000 // period_ms - 1)  # a due time may be the very last instant
        assert all(abs(later - earlier - period_ms) <= 150 for earlier, later in pairwise(times))
    assert memory.readings[0].values == {f"p{i}": float(i + 1) for i in range(10)}
    assert memory.readings[0].quality == {}
    assert {memory.state(subject) for subject in ("m1", "m2", "m3", line.settings.name)} == {None}


def test_requests_keep_the_legal_silence() -> None:
    line = VirtualLine({unit: twenty_registers() for unit in (1, 2)})
    poll(line, [meter(1, every_s=0.05), meter(2, every_s=0.05)], for_seconds(5))
    assert len(line.silences) > 60
    assert min(line.silences) >= PAUSE_S - 1e-9


def test_a_busy_line_skips_and_counts_instead_of_queueing() -> None:
    line = VirtualLine({1: twenty_registers(), 2: twenty_registers()})

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        await elapse(10)
        counters = driver.counters()
        for device in ("m1", "m2"):
            polls, skipped = counters[device]["polls"], counters[device]["overdue_skipped"]
            assert polls + skipped == pytest.approx(200, abs=6)
            assert polls == pytest.approx(68, abs=3)  # half of what 73 ms a transaction allow

    poll(line, [meter(1, every_s=0.05), meter(2, every_s=0.05)], script)


def test_several_requests_of_a_device_make_one_reading() -> None:
    slave = Slave({address: address for address in [*range(0, 10), *range(500, 510)]})
    points = [register("low", 0), register("high", 505)]
    memory = poll(VirtualLine({1: slave}), [meter(1, points)], for_seconds(3))
    assert [reading.values for reading in memory.readings] == [{"low": 0, "high": 505}] * 3
    assert len(slave.asked) == 6


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


def rate(slaves: dict[int, Slave], every_s: float, seconds: float, warm_s: float = 0.0) -> int:
    """Readings of the living units in a time."""
    line = VirtualLine(slaves)

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        await elapse(warm_s)
        memory.readings.clear()
        await elapse(seconds)

    memory = poll(line, [meter(unit, every_s=every_s) for unit in slaves], script)
    return sum(not reading.quality for reading in memory.readings)


@pytest.mark.parametrize("every_s", [0.1, 1.0])
@pytest.mark.parametrize("seconds", [20, 40])
def test_one_dead_slave_costs_the_others_at_most_five_percent(every_s: float, seconds: float) -> None:
    units = range(1, 11)
    healthy = rate({unit: twenty_registers() for unit in units if unit != 4}, every_s, seconds)
    with_dead = rate({unit: Slave(dead=True) if unit == 4 else twenty_registers() for unit in units}, every_s, seconds)
    assert with_dead >= 0.95 * healthy


def test_many_dead_slaves_cost_the_others_at_most_five_percent_in_the_long_run() -> None:
    living, dead = range(1, 5), range(5, 31)
    healthy = rate({unit: twenty_registers() for unit in living}, 0.25, 60, 90)
    slaves = {unit: twenty_registers() for unit in living} | {unit: Slave(dead=True) for unit in dead}
    assert rate(slaves, 0.25, 60, 90) >= 0.95 * healthy


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


# Commands


RELAY: dict[str, Any] = {
    "writes": (WriteTarget("siren", "coil", 3), WriteTarget("setpoint", "register", 100, minimum=10, maximum=20))
}


def relay() -> Slave:
    slave = twenty_registers()
    slave.registers[100] = 0
    slave.coils = {3: False}
    return slave


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

    run_virtually(main)


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


def test_adjust_keeps_what_did_not_change() -> None:
    line = VirtualLine({1: twenty_registers(), 2: twenty_registers(), 3: twenty_registers()})

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        await elapse(10)
        driver.adjust([meter(1), meter(3, every_s=0.5)])
        await elapse(10)
        assert driver.counters()["m1"]["polls"] == 20
        assert "m2" not in driver.counters()

    memory = poll(line, [meter(1), meter(2)], script)
    assert [len(memory.of(f"m{unit}")) for unit in (1, 2, 3)] == [20, 10, 20]


def test_a_device_that_cannot_be_polled_does_not_stop_the_rest() -> None:
    apart = register("total", 0, "uint32", fraction=Fraction(90, "uint32"))
    devices = [meter(248), meter(2, [apart], max_registers=22), meter(1)]
    memory = poll(VirtualLine({1: twenty_registers()}), devices, for_seconds(3))
    assert memory.state("m248") == "device.address"
    assert memory.state("m2") == "device.profile"
    assert len(memory.of("m1")) == 3
