"""What passes over a serial line: bursts of bytes, the silences between them, and the faults of the wire."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

Side = Literal["a", "b"]
OTHER: dict[Side, Side] = {"a": "b", "b": "a"}


class Station(Protocol):
    """Somebody on the line in this process."""

    def heard(self, data: bytes, start: float, end: float) -> None:
        """Bytes that took the line from `start` to `end` (monotonic), called when they have arrived."""


class Timer(Protocol):
    """Calls back at an absolute time; the latest setting wins."""

    def set(self, at: float) -> None: ...

    def close(self) -> None: ...


class Burst:
    """Bytes sent without a pause.  `start` moves when the line stalls."""

    __slots__ = ("asked", "damaged", "data", "on_damage", "overlaps", "position", "start", "told")

    def __init__(self, data: bytes, start: float, on_damage: Callable[[], None] | None) -> None:
        self.data = data
        self.asked = self.start = start
        self.position = 0
        self.told = False
        self.damaged = False
        self.overlaps: list[tuple[float, float]] = []
        """When the other side was sending too."""
        self.on_damage = on_damage

    def stop(self, char_s: float) -> float:
        """When the last byte has passed."""
        return self.start + len(self.data) * char_s

    def damage(self) -> None:
        if not self.damaged:
            self.damaged = True
            if self.on_damage is not None:
                self.on_damage()


class Heard(NamedTuple):
    """One burst as it stood on the wire; `gap_s` is the silence before it (negative: a collision)."""

    side: Side
    start: float
    end: float
    size: int
    gap_s: float
    turnaround: bool
    """The other side spoke before."""


@dataclass
class LineFaults:
    """Faults of the wire itself; probabilities are per byte."""

    echo: bool = False
    """End a hears what it sends."""
    noise: float = 0.0
    drop: float = 0.0
    late_s: float = 0.0
    late_share: float = 0.02
    """Probability that a byte is preceded by a pause of `late_s`."""


class Silences:
    """Every burst of a line in the order of beginning, the last 10,000 of them."""

    def __init__(self, char_s: float) -> None:
        self.heard: deque[Heard] = deque(maxlen=10_000)
        self._char_s = char_s
        self._quiet_since = 0.0
        self._last_side: Side | None = None

    def began(self, side: Side, start: float, stop: float, size: int) -> None:
        if self._last_side is not None:
            self.heard.append(Heard(side, start, stop, size, start - self._quiet_since, self._last_side != side))
        self._quiet_since = max(self._quiet_since, stop)
        self._last_side = side

    def stalled(self, seconds: float) -> None:
        """The burst that began last takes longer."""
        self._quiet_since += seconds

    def shortest_s(self, side: Side) -> float | None:
        """The shortest silence in front of a frame of `side`; None before the second frame.

        A pause of less than 1.5 characters between two bursts of one side is inside a frame and does not count.
        """
        inside = 1.5 * self._char_s
        gaps = (
            heard.gap_s for heard in self.heard if heard.side == side and (heard.turnaround or heard.gap_s > inside)
        )
        return min(gaps, default=None)
