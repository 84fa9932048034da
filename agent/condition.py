"""What rules and devices say to the alarm engine: a condition holds, or it no longer does."""

from __future__ import annotations

import msgspec

from courtyard.agent.records import Details
from courtyard.drivers.base import Severity, Text


class Condition(msgspec.Struct, frozen=True):
    """A condition of one device that is worth an alarm, at one instant.

    `alarm_class` and `source` name it within the device: `fire` at `1-1-2`, `threshold` of the rule `hot-water`.
    `needs_evidence`: once raised, only the device's own word or an operator ends it; severity 1 always does.
    `place` is the full place of that source; empty: where the device is.
    `evidence`: whether an end is the device's own word (a value, a frame), not a time-out or a removed device.
    """

    device: str
    alarm_class: str
    source: str
    severity: Severity
    active: bool
    at_ms: int
    mono_ms: int
    text: Text = Text("", "")
    details: Details = {}
    raw_hex: str = ""
    device_at_ms: int | None = None
    test: bool = False
    needs_evidence: bool = False
    evidence: bool = True
    place: str = ""

    @property
    def alarm_id(self) -> str:
        """`device:class:source`; a drill has an id of its own, so that it can never stand in for a real alarm."""
        return f"{self.device}:{self.alarm_class}:{self.source}{':test' if self.test else ''}"
