"""The driver on a paced pseudo terminal with simulated meters: silence, noise, echo, late answers, unplugging."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from courtyard.drivers.base import Reading
from courtyard.drivers.lines.settings import SerialLine
from courtyard.drivers.modbus.driver import ModbusDriver
from courtyard.drivers.modbus.scan import scan
from hw_sim.boards import LoadMeter
from hw_sim.line import Line
from hw_sim.served import Served
from hw_sim.slave import Bus, RtuStation
from hw_sim.slave import Unit as SimulatedUnit
from tests.modbus_rig import LoopClock, Memory, meter, register

BAUD = 38400
POINTS = [register("poll", 0, "uint32"), register("v0", 4, "float32"), register("v7", 18, "float32")]


class Rig(NamedTuple):
    wire: Line
    station: RtuStation
    bus: Bus
    driver: ModbusDriver
    memory: Memory


@asynccontextmanager
async def rig(
    folder: Path, *, units: int = 2, echo: bool = False, every_s: float = 0.05, timeout_s: float = 5.0
) -> AsyncIterator[Rig]:
    """Load meters 1 to `units`."""
    simulated = [SimulatedUnit(unit, f"m{unit}", LoadMeter(0.0)) for unit in range(1, units + 1)]
    bus = Bus(simulated, Served(), time.monotonic)
    wire = Line(folder / "bus", baud=BAUD, fifo=8).open()
    station = RtuStation(bus, wire)
    wire.attach(station)
    line = SerialLine("bus", str(wire.path), baud=BAUD, stop_bits=2, echo=echo)
    devices = [meter(unit, POINTS, every_s=every_s, timeout_s=timeout_s, late_s=0.5) for unit in range(1, units + 1)]
    driver, memory = ModbusDriver(line, devices, LoopClock()), Memory()
    running = asyncio.create_task(driver.run(memory))
    try:
        yield Rig(wire, station, bus, driver, memory)
    finally:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        wire.close()


def polls(readings: list[Reading]) -> list[int]:
    """The poll numbers that arrived; a meter counts its answers."""
    return [value for reading in readings if isinstance(value := reading.values["poll"], int)]


def test_every_request_keeps_the_silence_and_no_value_is_mixed_up(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as on:
            await on.memory.next_good("m1", 30)
            shortest_s = on.wire.shortest_silence_s()
            assert shortest_s is not None
            assert shortest_s >= 0.00175  # above 19200 baud
            assert on.station.hurried == 0
            for device in ("m1", "m2"):
                numbers = polls(on.memory.of(device))
                assert numbers == list(range(1, len(numbers) + 1))
                assert all(
                    reading.values["v0"] == 2 + number % 1000  # as the simulator defines it
                    for reading, number in zip(on.memory.of(device), numbers, strict=True)
                )

    asyncio.run(main())


@pytest.mark.parametrize("announced", [True, False])
def test_an_adapter_that_echoes(tmp_path: Path, announced: bool) -> None:
    async def main() -> None:
        async with rig(tmp_path, echo=announced) as on:
            on.wire.faults.echo = True
            await on.memory.next_good("m1", 10)
            if not announced:
                assert on.driver.counters()["bus"]["echoes"] > 0

    asyncio.run(main())


def test_noise_and_late_answers_never_make_a_wrong_value(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path, every_s=0.1, timeout_s=0.05) as on:
            await on.memory.next_good("m1")
            on.bus.units[1].device.faults.set("late", 100, times=6)
            await on.memory.until(lambda: on.driver.counters()["m1"].get("late_replies", 0) >= 1)
            on.wire.faults.noise = 0.002
            await on.memory.next_good("m1", 15)
            await on.memory.next_good("m2", 15)
            on.wire.faults.noise = 0.0
            for device in ("m1", "m2"):
                numbers = polls(on.memory.of(device))
                assert numbers == sorted(set(numbers))
                for reading in on.memory.of(device):
                    number = reading.values["poll"]
                    if isinstance(number, int):
                        assert reading.values["v0"] == 2 + number % 1000
                        assert reading.values["v7"] == 9 + number % 1000

    asyncio.run(main())


def test_an_adapter_that_is_unplugged_and_plugged_in_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as on:
            for _ in range(3):
                await on.memory.next_good("m2", 3)
                on.wire.unplug()
                await on.memory.until(lambda: on.memory.state("bus") == "line.open.missing")
                on.wire.replug()
                await on.memory.until(lambda: on.memory.state("bus") is None)

    asyncio.run(main())


def test_scan_tries_speeds_and_finds_what_is_there(tmp_path: Path) -> None:
    async def main() -> None:
        bus = Bus([SimulatedUnit(3, "m3", LoadMeter(0.0))], Served(), time.monotonic)
        wire = Line(tmp_path / "bus", baud=BAUD, fifo=8).open()
        wire.attach(RtuStation(bus, wire))
        line = SerialLine("bus", str(wire.path), baud=BAUD)
        try:
            found = [unit async for unit in scan(line, units=range(1, 5), parities=("N", "E"), timeout_s=0.5)]
        finally:
            wire.close()
        assert [(unit.unit, unit.line.parity) for unit in found] == [(3, "N"), (3, "E")]  # a pty has no parity

    asyncio.run(main())
