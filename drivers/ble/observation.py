"""What a packet of a wearable says, whatever its family: values of points, and events that care must know of."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from courtyard.drivers.base import Reading, Scalar, Severity, Signal
from courtyard.drivers.ble.ieee11073 import Number, Special
from courtyard.drivers.ble.points import PLAUSIBLE

SEVERITY: Mapping[str, Severity] = {
    "sos": 1,
    "fall": 1,
    "smoke": 1,
    "gas": 1,
    "leak": 2,
    "tamper": 3,
    "battery_low": 3,
    "not_worn": 3,
    "button": 4,
    "motion": 4,
    "door": 4,
}
"""Every kind of event, and how grave it is."""

NO_NUMBER, OUT_OF_RANGE, NO_CONTACT = "bad:decode", "bad:range", "bad:contact"
DOUBTFUL, WORTHLESS, STORED = "uncertain:unverified", "bad:unverified", "uncertain:stale"


class Event(msgspec.Struct, frozen=True):
    """A condition that begins or ends (`active`), or a moment that has no end (`momentary`).

    `source` tells several of one kind on one device apart.
    """

    kind: str
    active: bool = True
    source: str = ""
    momentary: bool = False
    details: dict[str, Scalar | None] = {}

    def signal(self, device: str, *, at_ms: int, mono_ms: int, raw_hex: str = "") -> Signal:
        """As a signal of `device`."""
        return Signal(
            device=device,
            kind=self.kind,
            at_ms=at_ms,
            mono_ms=mono_ms,
            active=self.active,
            severity=SEVERITY[self.kind],
            source=self.source,
            raw_hex=raw_hex,
            details={"momentary": self.momentary, **self.details},
        )


class Observation(msgspec.Struct, frozen=True):
    """One packet: points in the catalogue's units, the reasons of those that are not good, and events.

    `local_time` is the device's own clock, without a zone.  `details` is what no point stands for.
    """

    values: dict[str, Scalar | None] = {}
    quality: dict[str, str] = {}
    events: tuple[Event, ...] = ()
    local_time: datetime.datetime | None = None
    details: dict[str, Scalar | None] = {}

    def reading(self, device: str, *, at_ms: int, mono_ms: int, zone: datetime.tzinfo | None = None) -> Reading | None:
        """As a reading of `device`; None when there is no value.  `zone` is the time zone of the device's clock."""
        if not self.values:
            return None
        local = self.local_time.replace(tzinfo=zone) if self.local_time is not None and zone is not None else None
        device_at_ms = int(local.timestamp() * 1000) if local is not None else None
        return Reading(device, at_ms, mono_ms, dict(self.values), dict(self.quality), device_at_ms)


class Draft:
    """An observation in the making: whatever is put in comes out as a plausible number or as none, with the reason."""

    def __init__(self) -> None:
        self._values: dict[str, Scalar | None] = {}
        self._quality: dict[str, str] = {}
        self._events: list[Event] = []
        self.details: dict[str, Scalar | None] = {}

    def put(self, point: str, value: Number | int, doubt: str | None = None) -> None:
        """A number; `doubt` is the quality that the device itself gives it.  The first value of a point stays."""
        if point in self._values:
            return
        quality = doubt
        limits = PLAUSIBLE.get(point)
        if isinstance(value, Special):
            infinite = value in (Special.PLUS_INFINITY, Special.MINUS_INFINITY)
            quality = OUT_OF_RANGE if infinite else NO_NUMBER
        elif limits is not None and not limits.low <= value <= limits.high and not _bad(doubt):
            quality = OUT_OF_RANGE
        self._values[point] = None if isinstance(value, Special) or _bad(quality) else float(value)
        if quality is not None:
            self._quality[point] = quality

    def flag(self, point: str, value: bool) -> None:
        """Yes or no; several of one point are a yes when one of them is."""
        self._values[point] = value or bool(self._values.get(point))

    def worsen(self, quality: str, *points: str) -> None:
        """These points are in doubt together, where none of them is bad already."""
        for point in points:
            if point in self._values and not _bad(self._quality.get(point)):
                self._quality[point] = quality
                if _bad(quality):
                    self._values[point] = None

    def value(self, point: str) -> Scalar | None:
        return self._values.get(point)

    def tell(
        self, kind: str, active: bool = True, source: str = "", *, momentary: bool = False, **details: Scalar
    ) -> None:
        """An event."""
        self._events.append(Event(kind, active, source, momentary, dict(details)))

    def done(self, local_time: datetime.datetime | None = None) -> Observation:
        """The observation."""
        return Observation(self._values, self._quality, tuple(self._events), local_time, self.details)


def _bad(quality: str | None) -> bool:
    return quality is not None and quality.startswith("bad:")


def rounded(value: Decimal, places: int) -> Decimal:
    """To this many decimals, half to even."""
    return round(value, places) if value.adjusted() < 20 else value


def converted(value: Number, gain: Decimal, bias: Decimal = Decimal(0), places: int = 2) -> Number:
    """`(value + bias) * gain`, rounded; a special value stays what it is."""
    return value if isinstance(value, Special) else rounded((value + bias) * gain, places)
