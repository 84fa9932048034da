"""A simulated serial line in virtual time, with an ear or meters at its far end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hw_sim import rtu
from hw_sim.boards import LoadMeter
from hw_sim.line import Line
from hw_sim.served import Served
from hw_sim.slave import Bus, RtuStation, Unit
from hw_sim.wire import Side

BAUD, BITS = 9600, 11
CHAR = BITS / BAUD
GAP = 3.5 * CHAR
NOWHERE: Path | None = None


class Time:
    """A clock and one timer that ring when they are advanced."""

    def __init__(self) -> None:
        self.now = 100.0
        self.at: float | None = None
        self.callback: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        return self.now

    def timer(self, callback: Callable[[], None]) -> Time:
        self.callback = callback
        return self

    def set(self, at: float) -> None:
        self.at = at

    def close(self) -> None:
        self.at = None

    def advance(self, seconds: float, late_s: float = 0.0) -> None:
        """Lets time pass; every ring comes `late_s` too late."""
        until = self.now + seconds
        while self.at is not None and self.at + late_s <= until:
            self.now, self.at = max(self.now, self.at + late_s), None
            self.callback()
        self.now = until


class Ear:
    """Hears, byte by byte, with the time at which each chunk was handed over."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.data = bytearray()
        self.chunks: list[tuple[float, float, float]] = []

    def heard(self, data: bytes, start: float, end: float) -> None:
        self.data += data
        self.chunks.append((start, end, self.time.now))


class Rig:
    """A line with an ear at each end, or with meters at end b."""

    def __init__(self, units: int = 0, *, strict: bool = True) -> None:
        self.time = Time()
        self.line = Line(NOWHERE, baud=BAUD, bits=BITS, now=self.time, timer=self.time.timer).open()
        self.a, self.b = Ear(self.time), Ear(self.time)
        self.line.attach(self.a, "a")
        self.served = Served()
        self.devices = [LoadMeter(0.0) for _ in range(units)]
        bus = Bus([Unit(i + 1, f"m{i + 1}", device) for i, device in enumerate(self.devices)], self.served, self.time)
        self.station = RtuStation(bus, self.line, strict=strict)
        self.line.attach(self.station if units else self.b)

    def say(self, data: bytes, side: Side = "a") -> None:
        self.line.transmit(data, side=side)

    def ask(self, unit: int, count: int = 4) -> None:
        self.say(rtu.frame(unit, bytes([3, 0, 0, 0, count])))
