"""Occurrence numbers that only grow, also over a lost disk.

A consumer keeps the greatest (occurrence, change) of an alarm.  Were occurrences counted from 1, a gateway whose
disk was replaced would raise its next fire as occurrence 1, and every consumer would take it for old.  So numbers
count from a floor: the seconds since 2025 at the first raise of this journal's life.  No alarm occurs once a second
for years, so a later life always begins above an earlier one.  Alarms that are forgotten for want of room leave
their number in the floor too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

KEY = "alarm-floor"
BEGIN_S = 1_735_689_600
"""2025-01-01.  A wall clock before it is not set; the floor then waits for a better one."""


class Numbering:
    """`stored` is the journal's state; `state` goes with every raise."""

    def __init__(self, stored: Mapping[str, bytes], wall_ms: Callable[[], int]) -> None:
        self._wall_ms = wall_ms
        text = stored.get(KEY, b"")
        self._floor = int(text) if text.isdigit() else 0

    def next(self, previous: int) -> int:
        """The number of the occurrence that follows `previous` (0: none is known)."""
        if self._floor == 0:
            self.lift()
        return max(previous, self._floor) + 1

    def lift(self) -> None:
        """Raises the floor to the present second."""
        self.cover(self._wall_ms() // 1000 - BEGIN_S)

    def cover(self, occurrence: int) -> None:
        """Raises the floor so that later alarms are numbered above this one."""
        self._floor = max(self._floor, occurrence)

    def state(self) -> dict[str, bytes]:
        """What the journal must keep."""
        return {KEY: b"%d" % self._floor}
