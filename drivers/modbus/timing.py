"""When to poll, how much of a line's time dead units may cost, when to open a line again.  Pure: times are given."""

from __future__ import annotations

import zlib

TICK_S = 2e-6
"""Event loops wake up to a clock tick early."""
GRID_S = 0.1
"""Polls begin on a common grid, so that hundreds of lines wake the process ten times a second."""
FIRST_WITHIN_S = 5.0
"""After the start."""
STRICT_SHARE = 0.04
"""Of the time of a busy line that waiting for silent units may take."""
LONE_SHARE = 0.5
USABLE = 0.9
SHORTEST_PERIOD_S = 0.001
MOST_DEBT = 4
"""In probes: a line whose units die together is not left unprobed for long."""


class Schedule:
    """The due times of one device: `phase + n * period`.  A time that passes while the line is busy is skipped.

    A device with a long period is also due soon after the start, so that nobody waits an hour for its first values.
    """

    __slots__ = ("_regular", "due", "period_s")

    def __init__(self, period_s: float, phase: float, now: float) -> None:
        """`phase` 0..1 is the place within the period; it is moved to the grid."""
        self.period_s = max(period_s, SHORTEST_PERIOD_S)
        self.due = _after(now, self.period_s, phase)
        self._regular: float | None = None
        if self.period_s > FIRST_WITHIN_S:
            early = _after(now, FIRST_WITHIN_S, phase)
            self._regular = self.due if self.due - early >= self.period_s / 2 else self.due + self.period_s
            self.due = early

    def take(self, now: float) -> int:
        """The device is polled now: moves `due` on; returns how many due times are skipped by that."""
        if self._regular is not None and now < self._regular:
            self.due, self._regular = self._regular, None
            return 0
        self._regular = None
        skipped = max(0, int((now - self.due) // self.period_s))
        self.due += (skipped + 1) * self.period_s
        return skipped


def _after(now: float, period_s: float, phase: float) -> float:
    """The first time after `now` at this place within the period."""
    slots = max(1, int(period_s / GRID_S))
    offset = int(phase * slots) * min(GRID_S, period_s)
    return offset + ((now - offset) // period_s + 1) * period_s


def phase_of(line: str, index: int, count: int) -> float:
    """Spreads the devices of a line over the period, and lines among each other; the same after every start."""
    return (zlib.crc32(line.encode()) / 2**32 + index / count) % 1.0


class Budget:
    """Time that waiting for silent units may still take: earned as a share of all time, paid in advance."""

    def __init__(self, now: float) -> None:
        self._credit_s = 0.0
        self._at = now
        self.probe_s = 0.0
        """The dearest probe of the line; more is never saved up."""

    def charge(self, spent_s: float) -> None:
        """A unit kept silent that long."""
        self._credit_s = max(self._credit_s - spent_s, -MOST_DEBT * max(self.probe_s, spent_s))

    def free_at(self, now: float, cost_s: float, share: float) -> float:
        """When a probe that may cost `cost_s` can be paid."""
        saved = self._credit_s + share * (now - self._at)
        self._credit_s = min(saved, max(self.probe_s, cost_s))
        self._at = now
        return now + max(0.0, cost_s - self._credit_s) / share


def share_for_silence(load: float, shortest_period_s: float | None, probe_s: float) -> float:
    """The share of line time that waiting may take.

    Strict when the line is busy or when a single wait would outlast half the shortest period of the units that
    answer; otherwise half of what they leave.  `shortest_period_s` None: no other unit answers.
    """
    if shortest_period_s is None:
        return LONE_SHARE
    if probe_s > shortest_period_s / 2:
        return STRICT_SHARE
    return max(STRICT_SHARE, (USABLE - load) / 2)


class Backoff:
    """Delays before opening a line again: doubling, jittered, bounded."""

    def __init__(self, longest_s: float, first_s: float = 0.5) -> None:
        self._first_s, self._longest_s = first_s, longest_s
        self._next_s = first_s

    def next_s(self, chance: float) -> float:
        """The next delay; `chance` is 0..1."""
        delay_s, self._next_s = self._next_s, min(2 * self._next_s, self._longest_s)
        return delay_s * (0.5 + chance / 2)

    def reset(self) -> None:
        self._next_s = self._first_s
