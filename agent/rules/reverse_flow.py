"""Water that flows backwards through a meter: a negative flow, a falling total, a growing reverse total.

A flow counts as backwards below minus `hysteresis`.  A total counts when it falls without a reason for it (reset,
replaced) and to no less than half: a counter that wrapped or was zeroed has not flowed back.  The condition must hold
for `for`; it ends with the first reading that shows no backward flow.
"""

from __future__ import annotations

from courtyard.agent.condition import Condition
from courtyard.agent.rules.evaluator import Edge, Watch, number
from courtyard.drivers.base import Reading, Text

FLOW = "water.flow"
TOTAL = "water.volume.total"
REVERSE_TOTAL = "water.volume.reverse"
_EXPLAINED = ("reset", "replaced")


class ReverseFlow:
    """`point` of the rule replaces the flow point."""

    __slots__ = ("_edge", "_flow", "_reverse_total", "_total", "_watch")

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._flow = watch.rule.point or FLOW
        self._edge = Edge(watch.rule.for_s, watch.every_s)
        self._total: float | None = None
        self._reverse_total: float | None = None

    def observe(self, reading: Reading) -> Condition | None:
        signs = (self._by_flow(reading), self._by_total(reading), self._by_reverse_total(reading))
        backwards = True in signs
        if not backwards and False not in signs:
            return None
        if not self._edge.update(backwards, reading.mono_ms):
            return None
        rule = self._watch.rule
        return Condition(
            reading.device,
            "reverse_flow",
            rule.name,
            rule.severity,
            backwards,
            reading.at_ms,
            reading.mono_ms,
            text=Text("Water flows backwards.", "水表出现倒流。")
            if backwards
            else Text("Water no longer flows backwards.", "水表倒流已停止。"),
            details={"rule": rule.name, "flow": number(reading, self._flow), "total": number(reading, TOTAL)},
        )

    def _by_flow(self, reading: Reading) -> bool | None:
        flow = number(reading, self._flow)
        return None if flow is None else flow < -self._watch.rule.hysteresis

    def _by_total(self, reading: Reading) -> bool | None:
        before, now = self._total, number(reading, TOTAL)
        if now is None:
            return None
        self._total = now
        if before is None or (reading.quality and reading.quality.get(TOTAL, "").endswith(_EXPLAINED)):
            return None
        return before / 2 < now < before

    def _by_reverse_total(self, reading: Reading) -> bool | None:
        before, now = self._reverse_total, number(reading, REVERSE_TOTAL)
        if now is None:
            return None
        self._reverse_total = now
        return None if before is None else now > before
