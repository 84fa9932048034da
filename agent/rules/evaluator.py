"""What every rule kind shares: the evaluator's interface, and durations turned into edges."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from courtyard.agent.condition import Condition
from courtyard.agent.records import Details
from courtyard.config.rule import Rule
from courtyard.drivers.base import Fault, Reading, Scalar

HOLE_PERIODS = 3
"""Readings further apart than this many periods do not prove that a condition held in between."""


class Watch(NamedTuple):
    """One rule on one device, with what the evaluator needs to know of the site.

    `care` names the class of the alarm where the rule serves the care of `resident`; else it is the rule's kind.
    """

    rule: Rule
    device: str
    every_s: float
    install: int
    timezone: ZoneInfo
    care: str | None = None
    resident: str | None = None

    @property
    def alarm_class(self) -> str:
        return self.care or self.rule.kind

    @property
    def details(self) -> Details:
        """What every alarm of this rule tells."""
        return {"resident": self.resident} if self.resident else {"rule": self.rule.name}


class Evaluator(Protocol):
    """One rule watching one device."""

    def observe(self, reading: Reading) -> Condition | None:
        """Looks at a reading of the device; says something only when the answer changes."""


@runtime_checkable
class Supervises(Protocol):
    """An evaluator that also has something to say when nothing arrives."""

    def tick(self, wall_ms: int, mono_ms: int) -> Condition | None: ...
    def health(self, fault: Fault | None) -> None: ...


class Edge:
    """Whether a condition is active, from 'it holds' or 'it does not' at instants.

    It becomes active when it held without interruption for `for_s` (at once when that is 0) and inactive at the
    first instant at which it does not.  Instants more than `HOLE_PERIODS` periods apart are an interruption.
    """

    __slots__ = ("_for_ms", "_hole_ms", "_seen_ms", "_since_ms", "active")

    def __init__(self, for_s: float, every_s: float) -> None:
        self._for_ms, self._hole_ms = round(for_s * 1000), round(max(every_s, 1.0) * 1000 * HOLE_PERIODS)
        self._since_ms: int | None = None
        self._seen_ms = 0
        self.active: bool | None = None

    def update(self, holds: bool, mono_ms: int) -> bool:
        """Whether `active` changed (from unknown, too)."""
        if not holds:
            self._since_ms = None
            changed, self.active = self.active is not False, False
            return changed
        if self._since_ms is None or mono_ms - self._seen_ms > self._hole_ms:
            self._since_ms = mono_ms
        self._seen_ms = mono_ms
        if self.active or mono_ms - self._since_ms < self._for_ms:
            return False
        self.active = True
        return True


def number(reading: Reading, point: str) -> float | None:
    """The point's value as evidence: None when it is missing, bad, stale or no finite number; yes is 1 and no is 0."""
    value: Scalar | None = reading.values.get(point)
    if value is None or isinstance(value, str) or not math.isfinite(value):
        return None
    if reading.quality and reading.quality.get(point, "").endswith(":stale"):
        return None
    return value
