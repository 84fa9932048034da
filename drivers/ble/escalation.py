"""When a radio falls silent: scan anew, then switch the adapter off and on, but not for ever.

Every sign of life, an advert of anybody or a notification, starts it from the beginning.  Power cycles are limited:
they cut every connection, and an adapter that two of them did not mend wants a person.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

Step = Literal["wait", "scan", "power"]

RESCAN_S = 30.0
CYCLE_S = 60.0
MOST_CYCLES = 3
CYCLES_WITHIN_S = 3600.0
FAILURES = 6
"""So many attempts to connect in a row, of several devices, fail before the adapter is taken for stuck."""


class Escalation:
    """`now_s` is the monotonic clock."""

    def __init__(self, now_s: float) -> None:
        self._sign_s = self._scan_s = now_s
        self._cycles: deque[float] = deque(maxlen=MOST_CYCLES)
        self._failed: list[str] = []

    def sign(self, now_s: float) -> None:
        """Something was heard."""
        self._sign_s = now_s

    def opened(self, now_s: float) -> None:
        """A scan has begun."""
        self._scan_s = now_s

    def connected(self) -> None:
        """A device took a connection."""
        self._failed.clear()

    def refused(self, device: str) -> None:
        """A device did not."""
        self._failed = [*self._failed, device][-FAILURES:]

    def next(self, now_s: float) -> Step:
        """What to do now; a power cycle counts as done."""
        stuck = len(self._failed) == FAILURES and len(set(self._failed)) > 1
        if (stuck or now_s - self._sign_s >= CYCLE_S) and self._may_cycle(now_s):
            self._cycles.append(now_s)
            self._failed.clear()
            return "power"
        if now_s - max(self._sign_s, self._scan_s) >= RESCAN_S:
            self._scan_s = now_s
            return "scan"
        return "wait"

    @property
    def deaf(self) -> bool:
        """Whether it was switched off and on since it was last heard from."""
        return bool(self._cycles) and self._cycles[-1] > self._sign_s

    def _may_cycle(self, now_s: float) -> bool:
        if self._cycles and now_s - self._cycles[-1] < CYCLE_S:
            return False
        return len(self._cycles) < MOST_CYCLES or now_s - self._cycles[0] >= CYCLES_WITHIN_S
