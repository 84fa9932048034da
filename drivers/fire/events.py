"""What any fire panel says, in one vocabulary.

A `PanelEvent` is one statement of a panel about one part of it.  Codes that no table knows become kind `unknown`
with their number; nothing is dropped.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from courtyard.drivers.base import Scalar, Severity, Signal, Text

Kind = Literal[
    "fire",
    "fire_prealarm",
    "fault",
    "isolate",
    "release",
    "start",
    "stop",
    "feedback",
    "supervisory",
    "mains_fault",
    "battery_fault",
    "bus_fault",
    "silence",
    "reset",
    "test",
    "other",
    "unknown",
]
Detector = Literal[
    "smoke",
    "heat",
    "flame",
    "combined",
    "gas",
    "manual",
    "hydrant",
    "electrical",
    "flow",
    "pressure",
    "module",
    "actuator",
    "sounder",
    "door",
    "lift",
    "panel",
    "other",
    "unknown",
]

Details: TypeAlias = dict[str, Scalar | None]

SEVERITY: Mapping[Kind, Severity] = {
    "fire": 1,
    "fire_prealarm": 2,
    "fault": 2,
    "mains_fault": 2,
    "battery_fault": 2,
    "bus_fault": 2,
    "supervisory": 2,
    "unknown": 2,
    "isolate": 3,
    "release": 3,
    "start": 3,
    "stop": 3,
    "feedback": 3,
    "silence": 3,
    "reset": 3,
    "test": 4,
    "other": 4,
}
ENDS: Mapping[Kind, Kind] = {"release": "isolate", "stop": "start"}
"""Kinds that end the condition of another kind."""
MOMENTARY: frozenset[Kind] = frozenset({"silence", "reset", "test", "other", "unknown"})
"""Kinds that happen and have no end of their own."""


class PanelTime(NamedTuple):
    """The panel's own clock: as sent, and as local time where it is a valid date.  Panels carry no time zone."""

    raw: str
    local: datetime.datetime | None

    @classmethod
    def of(cls, raw: str, *fields: int) -> PanelTime:
        """From year, month, day, hour, minute and second (the second may be missing)."""
        try:
            return cls(raw, datetime.datetime(*fields))  # type: ignore[arg-type]
        except ValueError:
            return cls(raw, None)

    def iso(self) -> str:
        """`2014-10-09T16:24:00`, or what was sent where that is no date."""
        return self.local.isoformat() if self.local else self.raw


class PanelEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One statement of a panel.

    `source` is the part it is about, as controller-loop-point or the panel's own code; empty for the panel as a
    whole.  `active` is False when the panel says that the condition is over.  `verified` is False where the
    protocol has nothing to prove the bytes with.
    """

    kind: Kind
    label: Text
    source: str = ""
    active: bool = True
    detector: Detector = "unknown"
    device: Text | None = None
    text: str = ""
    time: PanelTime | None = None
    raw_hex: str = ""
    verified: bool = True
    severity: Severity | None = None
    details: Details = {}

    @property
    def condition(self) -> Kind:
        """The condition that begins or ends: a release ends `isolate`, a stop ends `start`."""
        return ENDS.get(self.kind, self.kind)

    @property
    def begins(self) -> bool:
        """Whether the condition begins (or is repeated) rather than ends."""
        return self.active and self.kind not in ENDS

    @property
    def momentary(self) -> bool:
        return self.kind in MOMENTARY

    def signal(
        self, device: str, *, at_ms: int, mono_ms: int, zone: datetime.tzinfo | None = None, prefix: str = ""
    ) -> Signal:
        """As a signal of `device`; `zone` is the time zone of the panel's clock, `prefix` goes before the source."""
        details: Details = {
            "panel_kind": self.kind,
            "label_en": self.label.en,
            "label_zh": self.label.zh,
            "detector": self.detector,
            "verified": self.verified,
            "momentary": self.momentary,
            **self.details,
        }
        if self.device is not None:
            details |= {"device_en": self.device.en, "device_zh": self.device.zh}
        if self.time is not None:
            details["panel_time"] = self.time.iso()
        local = self.time.local if self.time and zone else None
        return Signal(
            device=device,
            kind=self.condition,
            at_ms=at_ms,
            mono_ms=mono_ms,
            active=self.begins,
            severity=self.severity or SEVERITY[self.condition],
            source=prefix + self.source,
            text=self.text,
            raw_hex=self.raw_hex,
            details=details,
            device_at_ms=int(local.replace(tzinfo=zone).timestamp() * 1000) if local else None,
        )

    def data(self) -> dict[str, object]:
        """As plain data, for `courtyard decode`."""
        return {
            "kind": self.kind,
            "active": self.active,
            "source": self.source,
            "detector": self.detector,
            "label": self.label.en,
            "text": self.text,
            "time": self.time.iso() if self.time else None,
            "verified": self.verified,
            **({"details": self.details} if self.details else {}),
        }
