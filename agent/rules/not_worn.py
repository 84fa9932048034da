"""A wearable that is heard but touches no skin, for so long that it was taken off.

What says so is the reason of a missing vital sign, `bad:contact`; sensors that cannot tell never say it.  A moment
without contact is none of this: bands slip at every turn of a wrist.
"""

from __future__ import annotations

from typing import Final

from courtyard.agent.condition import Condition
from courtyard.agent.rules.evaluator import Edge, Watch
from courtyard.config.care import VITAL
from courtyard.drivers.base import Reading, Text

NO_CONTACT: Final = "bad:contact"


class NotWorn:
    """Active when one of its sensors has had no contact for the rule's `for`; over when that sensor measures again."""

    __slots__ = ("_edge", "_off", "_watch")

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._edge = Edge(watch.rule.for_s, watch.every_s)
        self._off: set[str] = set()

    def observe(self, reading: Reading) -> Condition | None:
        told = False
        for point, value in reading.values.items():
            if not point.startswith(VITAL):
                continue
            if reading.quality.get(point) == NO_CONTACT:
                self._off.add(point)
            elif value is not None:
                self._off.discard(point)
            else:
                continue
            told = True
        if not told or not self._edge.update(bool(self._off), reading.mono_ms):
            return None
        rule, active, device = self._watch.rule, bool(self._off), reading.device
        text = Text(f"{device} is not worn.", f"{device} 未佩戴。")
        if not active:
            text = Text(f"{device} is worn.", f"{device} 已佩戴。")
        return Condition(
            device,
            self._watch.alarm_class,
            rule.name,
            rule.severity,
            active,
            reading.at_ms,
            reading.mono_ms,
            text=text,
            details=self._watch.details,
        )
