"""Frames as they were on the wire, for people who look.

Invariant: a frame keeps the time that it was first told with, until the wall clock is set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Literal, NamedTuple

from courtyard.drivers.base import Clock
from courtyard.drivers.modbus.link import Frame

SET_MS: Final = 50.0
"""When wall time and loop time differ by so much more than before, somebody has set the clock."""


class RawFrame(NamedTuple):
    """A frame as it was on the wire, for the status page and `read --raw`."""

    at_ms: int
    direction: Literal["sent", "received"]
    hex: str


class RawFrames:
    """Tells frames, whose times are those of the loop, with times of the wall clock."""

    def __init__(self, clock: Clock, loop_s: Callable[[], float]) -> None:
        self._clock, self._loop_s = clock, loop_s
        self._ahead_ms: float | None = None
        """Wall time less loop time."""

    def of(self, frames: Iterable[Frame]) -> list[RawFrame]:
        """The frames in their order, times in Unix milliseconds."""
        ahead_ms = self._clock.wall_ms() - self._loop_s() * 1000
        if self._ahead_ms is None or abs(ahead_ms - self._ahead_ms) > SET_MS:
            self._ahead_ms = ahead_ms
        known_ms = self._ahead_ms
        return [
            RawFrame(round(frame.at * 1000 + known_ms), "sent" if frame.sent else "received", frame.data.hex(" "))
            for frame in frames
        ]
