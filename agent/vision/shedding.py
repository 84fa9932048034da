"""Which camera is looked at next, when there is more to see than a core can.

Invariants
1. No moving camera gets more than FULL_HZ looks a second in the mean, and all that move get the same share.  A look
   that came late, by CATCH_UP of a pause at most, does not make the next one late.
2. While the budget covers LEAST_HZ for each, nobody gets less; when it does not, `overloaded` says so.
3. Of two cameras that are due, the one that is overdue for longer goes first: none starves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

FULL_HZ: Final = 5.0
LEAST_HZ: Final = 3.0
CATCH_UP: Final = 0.5


def share_hz(moving: int, budget_hz: float) -> float:
    """Looks a second for each of so many moving cameras, of what can be done in a second."""
    return FULL_HZ if moving == 0 else min(FULL_HZ, budget_hz / moving)


def overloaded(moving: int, budget_hz: float) -> bool:
    """Whether some camera must get less than it may."""
    return share_hz(moving, budget_hz) < LEAST_HZ


class Turns:
    """Times are seconds of one monotonic clock."""

    def __init__(self, budget_hz: float) -> None:
        """`budget_hz`: inferences a second that the core can do, as measured."""
        self.budget_hz = budget_hz
        self._last_s: dict[str, float] = {}

    def next(self, at_s: float, moving: Iterable[str], ready: Iterable[str] | None = None) -> str | None:
        """The camera to look at now, or None when none is due; counts as looked at.

        `ready` are those that have a new picture; otherwise all have.
        """
        cameras = set(moving)
        candidates = cameras if ready is None else cameras & set(ready)
        self._last_s = {name: last_s for name, last_s in self._last_s.items() if name in cameras}
        pause_s = 1.0 / share_hz(len(cameras), self.budget_hz)
        due = [name for name in candidates if at_s - self._last_s.get(name, float("-inf")) >= pause_s]
        if not due:
            return None
        chosen = min(due, key=lambda name: (self._last_s.get(name, float("-inf")), name))
        late_s = at_s - self._last_s.get(chosen, at_s - pause_s) - pause_s
        self._last_s[chosen] = at_s - min(max(late_s, 0.0), CATCH_UP * pause_s)
        return chosen
