"""When devices are polled, and what dead ones cost the others; in virtual time."""

from __future__ import annotations

from itertools import pairwise

import pytest

from courtyard.drivers.modbus.driver import ModbusDriver
from courtyard.drivers.modbus.settings import Fraction
from tests.modbus_rig import (
    PAUSE_S,
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
