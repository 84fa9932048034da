"""Points that are alarms by themselves: smoke, gas, a detector that is taken off its base or wants service.

Invariants
1. What a point says is taken as said when it is on disk; what is not kept is said again with the next poll.
2. A value that is missing or bad says nothing: what was said before stays.
3. The first poll says both what holds and what does not, so that what ended while nobody polled ends too.
4. A detector of smoke or gas that does not answer is an alarm by itself, and so ends no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from courtyard.drivers.base import Clock, NotKept, Scalar, Severity, Signal, Sink

ALARMS: Final[Mapping[str, tuple[str, Severity]]] = {
    "smoke.detected": ("smoke", 1),
    "gas.detected": ("gas", 1),
    "device.tamper": ("tamper", 3),
    "detector.service": ("fault", 3),
}
"""Yes/no point of the catalogue to the class of its alarm, and how grave it is."""
LIFE: Final = frozenset(point for point, (_, severity) in ALARMS.items() if severity == 1)
SILENT: Final[tuple[str, Severity]] = ("detector_silent", 2)


class Signals:
    """What one device says by its points."""

    __slots__ = ("_device", "_kept", "_points", "supervised")

    def __init__(self, device: str, points: Iterable[str]) -> None:
        self._device = device
        self._points = {point: ALARMS[point] for point in points if point in ALARMS}
        self.supervised = not LIFE.isdisjoint(self._points)
        """Whether its silence is an alarm."""
        self._kept: dict[str, bool] = {}

    def __bool__(self) -> bool:
        """Whether any of its points is an alarm."""
        return bool(self._points)

    async def answered(self, sink: Sink, values: Mapping[str, Scalar | None], clock: Clock, raw_hex: str) -> None:
        """Says what changed with a poll; `raw_hex` is the last answer of that poll."""
        if self.supervised:
            await self._say(sink, SILENT, False, clock)
        for point, alarm in self._points.items():
            value = values.get(point)
            if isinstance(value, bool):
                await self._say(sink, alarm, value, clock, raw_hex)

    async def silent(self, sink: Sink, clock: Clock) -> None:
        """Says that it does not answer."""
        if self.supervised:
            await self._say(sink, SILENT, True, clock)

    async def _say(
        self, sink: Sink, alarm: tuple[str, Severity], active: bool, clock: Clock, raw_hex: str = ""
    ) -> None:
        kind, severity = alarm
        if self._kept.get(kind) is active:
            return
        signal = Signal(
            self._device, kind, clock.wall_ms(), clock.mono_ms(), active=active, severity=severity, raw_hex=raw_hex
        )
        try:
            await sink.signal(signal)
        except NotKept:
            return
        self._kept[kind] = active
