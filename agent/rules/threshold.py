"""A value outside its limits, with hysteresis and duration; of what is yes or no, yes is 1 and no is 0.

Above `above` or below `below` for at least `for`; over when the value is back inside by `hysteresis`.  A value in the
band between changes nothing.  Bad, missing and stale values are no evidence: they neither raise nor end anything; nor
does a vital sign that the device itself doubts.
"""

from __future__ import annotations

import math

from courtyard.agent.condition import Condition
from courtyard.agent.rules.evaluator import Edge, Watch, number
from courtyard.drivers.base import Reading, Text


class Threshold:
    """Raises ValueError when the rule names no point or no limit."""

    __slots__ = ("_above", "_back_above", "_back_below", "_below", "_edge", "_point", "_watch")

    def __init__(self, watch: Watch) -> None:
        rule = watch.rule
        if rule.point is None or (rule.above is None and rule.below is None):
            raise ValueError(f"rule {rule.name}: a threshold needs a point, and above or below")
        self._watch, self._point = watch, rule.point
        self._above = math.inf if rule.above is None else rule.above
        self._below = -math.inf if rule.below is None else rule.below
        self._back_above, self._back_below = self._above - rule.hysteresis, self._below + rule.hysteresis
        self._edge = Edge(rule.for_s, watch.every_s)

    def observe(self, reading: Reading) -> Condition | None:
        value = number(reading, self._point)
        if value is None or (self._watch.care is not None and self._point in reading.quality):
            return None
        outside = value > self._above or value < self._below
        if not outside and not self._back_below <= value <= self._back_above:
            if not self._edge.active:
                return None
            outside = True
        if not self._edge.update(outside, reading.mono_ms):
            return None
        rule, active = self._watch.rule, outside
        limit = self._below if value < self._back_below or math.isinf(self._above) else self._above
        return Condition(
            reading.device,
            self._watch.alarm_class,
            rule.name,
            rule.severity,
            active,
            reading.at_ms,
            reading.mono_ms,
            text=Text(
                f"{self._point} is {value:g}, {'outside' if active else 'inside'} its limits ({limit:g}).",
                f"{self._point} 当前值 {value:g}，{'超出' if active else '已恢复到'}限值（{limit:g}）。",
            ),
            details={**self._watch.details, "point": self._point, "value": value, "limit": limit},
        )
