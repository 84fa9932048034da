"""What the Modbus driver costs by itself: transactions a second, CPU a transaction, share of the wire on RS-485.

    python -m bench.modbus_rates            the TCP rates, the cost of 200 devices polled once a second
    python -m bench.modbus_rates serial     the share of a 9600 baud line (run as root: the line then keeps time)

The driver has core 0 for itself; the simulator answers on core 1.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench.process import python, running
from courtyard.drivers.base import Fault, Reading, Signal
from courtyard.drivers.lines.settings import LineSettings, SerialLine, TcpLine
from courtyard.drivers.modbus.driver import ModbusDriver
from courtyard.drivers.modbus.settings import ModbusDevice, ModbusPoint, ModbusProfile, RegisterPoint
from hw_sim.control import Client

DRIVER_CORE, SIMULATOR_CORE = 0, 1
ENDPOINTS = 200
SETTLE_S, MEASURE_S = 2.0, 8.0
REQUEST_BYTES, ANSWER_BYTES, CHARACTER_S = 8, 45, 11 / 9600
WIRE_LIMIT_S = (REQUEST_BYTES + ANSWER_BYTES + 2 * 3.5) * CHARACTER_S
"""Of one transaction with 20 registers, both silences included."""


class Clock:
    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def mono_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000


class Counter:
    """A Sink that counts."""

    def __init__(self) -> None:
        self.readings = self.points = self.bad = 0
        self.faults: list[tuple[str, Fault]] = []

    def reading(self, reading: Reading) -> None:
        self.readings += 1
        self.points += len(reading.values)
        self.bad += len(reading.quality)

    async def signal(self, signal: Signal) -> None:
        raise AssertionError

    def health(self, subject: str, fault: Fault | None) -> None:
        if fault is not None:
            self.faults.append((subject, fault))


class Rate(NamedTuple):
    """Of one run."""

    readings_s: float
    transactions_s: float
    points_s: float
    core_share: float

    @property
    def cpu_us(self) -> float:
        return 1e6 * self.core_share / self.transactions_s


def load_profile(registers: int) -> ModbusProfile:
    """Two counters and floats in the rest; 200 registers are 98 floats in two requests."""
    floats = tuple(RegisterPoint(f"v{i:03d}", 4 + 2 * i, "float32") for i in range((registers - 4) // 2))
    counters = (RegisterPoint("poll", 0, "uint32"), RegisterPoint("tick", 2, "uint32"))
    return ModbusProfile("load", "负载", points=(*counters, *floats))


def tcp_rate(registers: int, every_s: float) -> Rate:
    """200 endpoints, each polled every `every_s`."""
    command = python("-m", "hw_sim", "fixed", "--endpoints", str(ENDPOINTS), "--registers", str(registers))
    with running(command, core=SIMULATOR_CORE, stdout=-1) as simulator:
        assert simulator.stdout is not None
        ports = json.loads(simulator.stdout.readline())["ports"]
        lines: list[tuple[LineSettings, int]] = [(TcpLine(f"t{port}", "127.0.0.1", port), 1) for port in ports]
        return asyncio.run(_measure(lines, load_profile(registers), every_s))


def serial_share() -> tuple[float, float]:
    """Share of the wire limit that the driver attains, and the shortest silence before a request in characters."""
    realtime = ["--realtime"] if os.geteuid() == 0 else []
    with TemporaryDirectory() as name:
        folder = Path(name)
        spec = {
            "lines": [{"name": "bus", "path": str(folder / "bus"), "baud": 9600}],
            "devices": [{"id": f"u{unit}", "model": "load", "line": "bus", "address": unit} for unit in (1, 2, 3)],
        }
        (folder / "spec.json").write_text(json.dumps(spec))
        command = python("-m", "hw_sim", "fleet", str(folder / "spec.json"), "--folder", name, *realtime)
        with running(command, core=SIMULATOR_CORE, stdout=-1) as simulator:
            assert simulator.stdout is not None
            ready = json.loads(simulator.stdout.readline())
            line = SerialLine("bus", str(folder / "bus"), baud=9600, stop_bits=2)
            rate = asyncio.run(_measure([(line, unit) for unit in (1, 2, 3)], load_profile(20), 0.01))
            control = Client(Path(ready["control"]))
            silence_s = float(control("line bus silence"))
            control.close()
    return rate.transactions_s * WIRE_LIMIT_S, silence_s / CHARACTER_S


async def _measure(lines: list[tuple[LineSettings, int]], profile: ModbusProfile, every_s: float) -> Rate:
    points = tuple(ModbusPoint(register, 1.0, 0.0) for register in profile.points)
    by_line: dict[str, tuple[LineSettings, list[ModbusDevice]]] = {}
    for line, unit in lines:
        device = ModbusDevice(f"{line.name}-{unit}", unit, profile, points, every_s)
        by_line.setdefault(line.name, (line, []))[1].append(device)
    drivers = [ModbusDriver(line, devices, Clock()) for line, devices in by_line.values()]
    counter = Counter()
    tasks = [asyncio.create_task(driver.run(counter)) for driver in drivers]
    await asyncio.sleep(SETTLE_S)
    readings, values, cpu_s, began = counter.readings, counter.points, time.process_time(), time.monotonic()
    await asyncio.sleep(MEASURE_S)
    seconds = time.monotonic() - began
    share = (time.process_time() - cpu_s) / seconds
    readings, values = counter.readings - readings, counter.points - values
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if counter.faults or counter.bad:
        raise SystemExit(f"{counter.bad} bad values; {counter.faults[:3]}")
    requests = -(-max(register.address + 2 for register in profile.points) // 125)
    return Rate(readings / seconds, requests * readings / seconds, values / seconds, share)


def main(arguments: list[str]) -> None:
    """Prints one line per measurement."""
    os.sched_setaffinity(0, {DRIVER_CORE})
    if arguments == ["serial"]:
        share, silence = serial_share()
        print(f"RTU, 9600 baud, 20 registers: {share:.3f} of the wire limit, shortest silence {silence:.2f} characters")
        return
    for registers, every_s in ((20, 0.001), (104, 0.001), (200, 0.001), (20, 1.0)):
        rate = tcp_rate(registers, every_s)
        print(
            f"TCP, {ENDPOINTS} devices x {registers} registers every {every_s:g} s: {rate.readings_s:,.0f} readings/s, "
            f"{rate.transactions_s:,.0f} transactions/s, {rate.points_s:,.0f} points/s, "
            f"{100 * rate.core_share:.1f} % of a core, {rate.cpu_us:.0f} us a transaction"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
