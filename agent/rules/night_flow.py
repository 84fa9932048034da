"""Water that never stops at night: a leak, a cistern, a tap.

Within the night (the rule's `start` to `end` in the site's time zone; 02:00 to 05:00 by default) the flow must come
to rest at least once in every `for` (2 hours when that is 0); if it does not, the alarm is raised, and it ends with
the first rest that is seen.  Rest is a flow of at most `above` (0 by default), or a total that did not grow over half
an hour: small leaks turn the total slowly, so shorter looks would mistake a leak for rest.  The rule watches its
`point`, else the total where the device has one, else the flow.

Readings further apart than half an hour prove nothing about the time between; the streak begins again, as it does
with a restart.  While the wall clock is not set (before 2025) there is no night.
"""

from __future__ import annotations

from typing import Final

from courtyard.agent.condition import Condition
from courtyard.agent.rules.evaluator import Watch, number
from courtyard.config.nights import NIGHT_FLOW_FOR_S, night_after
from courtyard.drivers.base import Reading, Text

TOTAL = "water.volume.total"
FLOW = "water.flow"
STEP_MS: Final = 1_800_000
EARLIEST_MS: Final = 1_735_689_600_000


class NightFlow:
    """A night is the half-open wall-clock interval [start, end); daylight saving changes its length, not its ends."""

    __slots__ = (
        "_active",
        "_counter",
        "_ends_ms",
        "_for_ms",
        "_known_ms",
        "_point",
        "_seen_ms",
        "_since_ms",
        "_starts_ms",
        "_step_ms",
        "_step_total",
        "_watch",
    )

    def __init__(self, watch: Watch) -> None:
        self._watch, self._point = watch, watch.rule.point
        self._counter = self._point is not None and ".volume" in self._point
        self._for_ms = round((watch.rule.for_s or NIGHT_FLOW_FOR_S) * 1000)
        self._known_ms = self._starts_ms = self._ends_ms = 0  # from _known_ms on, this night is the next to end
        self._since_ms: int | None = None  # when the present streak without rest began (monotonic)
        self._seen_ms = 0
        self._step_ms, self._step_total = 0, 0.0  # when and at what total the present half hour began
        self._active: bool | None = None

    def observe(self, reading: Reading) -> Condition | None:
        if not self._is_night(reading.at_ms):
            self._since_ms = None
            return None
        if self._point is None:
            self._point, self._counter = (TOTAL, True) if TOTAL in reading.values else (FLOW, False)
        value = number(reading, self._point)
        if value is None:
            return None
        now_ms = reading.mono_ms
        if self._since_ms is None or now_ms - self._seen_ms > STEP_MS:
            self._begin(now_ms, value)
        self._seen_ms = now_ms
        if self._rests(now_ms, value):
            self._begin(now_ms, value)
            return self._say(False, reading)
        if self._since_ms is not None and now_ms - self._since_ms >= self._for_ms:
            return self._say(True, reading)
        return None

    def _begin(self, now_ms: int, value: float) -> None:
        self._since_ms = self._step_ms = now_ms
        self._step_total = value

    def _rests(self, now_ms: int, value: float) -> bool:
        if not self._counter:
            return value <= (self._watch.rule.above or 0.0)
        if now_ms - self._step_ms < STEP_MS:
            return False
        rested = value <= self._step_total
        self._step_ms, self._step_total = now_ms, value
        return rested

    def _say(self, active: bool, reading: Reading) -> Condition | None:
        if self._active is active:
            return None
        self._active = active
        rule, hours = self._watch.rule, self._for_ms / 3_600_000
        return Condition(
            reading.device,
            "night_flow",
            rule.name,
            rule.severity,
            active,
            reading.at_ms,
            reading.mono_ms,
            text=Text(f"Water has not stopped for {hours:g} h at night.", f"夜间已连续 {hours:g} 小时用水不停。")
            if active
            else Text("Water comes to rest at night again.", "夜间用水已有停歇。"),
            details={"rule": rule.name, "point": self._point, "hours": hours},
        )

    def _is_night(self, at_ms: int) -> bool:
        if at_ms < EARLIEST_MS:
            return False
        if not self._known_ms <= at_ms < self._ends_ms:
            rule = self._watch.rule
            self._starts_ms, self._ends_ms = night_after(at_ms, rule.start, rule.end, self._watch.timezone)
            self._known_ms = at_ms
        return self._starts_ms <= at_ms < self._ends_ms
