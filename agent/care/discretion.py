"""What of a resident's health data leaves memory.

Invariants
1. Without the resident's consent no vital sign and no room is judged, recorded or summed up; calls for help go through
   always.
2. With it, a raw vital sign is never recorded: a summary of a minute is, or a value that changed noticeably, or
   nothing, as the site says.  A value without good quality is in neither.
3. What is held in memory is one sum per device and point, and at most a minute old.
4. The room that a resident is in is recorded when it changes, unless the site wants alarms only.
5. Readings of other devices, and points that are no vital signs, pass as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from courtyard.config.care import PRESENCE, VITAL, Resident, personal
from courtyard.drivers.base import Reading, Scalar

MINUTE_MS: Final = 60_000
DECIMALS: Final = 2
NOTICEABLE: Final[Mapping[str, float]] = {
    "vital.heart_rate": 5.0,
    "vital.pulse_rate": 5.0,
    "vital.spo2": 2.0,
    "vital.perfusion": 2.0,
    "vital.temperature": 0.3,
    "vital.pressure.systolic": 5.0,
    "vital.pressure.diastolic": 5.0,
    "vital.pressure.mean": 5.0,
    "vital.weight": 0.5,
}
"""A step of at least so much, in the point's unit, is a change worth a record; of other points any step is."""


class _Sum:
    """The values of one point within a minute."""

    __slots__ = ("count", "high", "low", "total")

    def __init__(self, value: float) -> None:
        self.count, self.total, self.low, self.high = 1, value, value, value

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        self.low, self.high = min(self.low, value), max(self.high, value)

    def summary(self, point: str) -> dict[str, Scalar | None]:
        mean = round(self.total / self.count, DECIMALS)
        return {f"{point}.minute_mean": mean, f"{point}.minute_min": self.low, f"{point}.minute_max": self.high}


class _Minute:
    """What a device gave since the minute began."""

    __slots__ = ("began_ms", "sums")

    def __init__(self, mono_ms: int) -> None:
        self.began_ms = mono_ms
        self.sums: dict[str, _Sum] = {}


class Discretion:
    """Used from the event loop only.  `consents` says whether a resident agrees at this moment."""

    def __init__(self, residents: Iterable[Resident], consents: Callable[[str], bool]) -> None:
        self._consents = consents
        self._minutes: dict[str, _Minute] = {}
        self._told: dict[tuple[str, str], float] = {}
        self.adjust(residents)

    def adjust(self, residents: Iterable[Resident]) -> None:
        """From now on for these residents.  What was summed up for devices that are no longer theirs is dropped."""
        self._owner = {device: resident for resident in residents for device in resident.devices}
        self._minutes = {device: minute for device, minute in self._minutes.items() if device in self._owner}
        self._told = {key: value for key, value in self._told.items() if key[0] in self._owner}

    def concerns(self, device: str) -> bool:
        """Whether this device belongs to a resident."""
        return device in self._owner

    def owner_of(self, device: str) -> str:
        """The pseudonym of the resident that this device belongs to; empty: nobody's."""
        owner = self._owner.get(device)
        return owner.id if owner is not None else ""

    def judged(self, reading: Reading) -> Reading | None:
        """What rules and charts on this box may see of a reading: without consent at least that there was one, since
        a wearable that is heard is not lost."""
        owner = self._owner.get(reading.device)
        if owner is None or self._consents(owner.id):
            return reading
        self._forget(reading.device)
        return _only(reading, lambda point: not personal(point)) or Reading(
            reading.device, reading.at_ms, reading.mono_ms, {}
        )

    def recorded(self, reading: Reading) -> Reading | None:
        """What may be recorded of a reading now; a summary may follow with `due`."""
        owner = self._owner.get(reading.device)
        if owner is None:
            return reading
        telling = owner.report if self._consents(owner.id) else "alarms"
        if telling == "alarms":
            self._forget(reading.device)
        elif telling == "minutes":
            self._sum_up(reading)
        return _only(
            reading,
            lambda point: (
                not personal(point)
                or (point == PRESENCE and telling != "alarms")
                or (point != PRESENCE and telling == "changes" and self._changed(reading, point))
            ),
        )

    def due(self, wall_ms: int, mono_ms: int) -> list[Reading]:
        """The summaries of the minutes that are over."""
        over = [device for device, minute in self._minutes.items() if mono_ms - minute.began_ms >= MINUTE_MS]
        said = []
        for device in over:
            minute = self._minutes.pop(device)
            if self._consents(self._owner[device].id):
                values = {
                    name: value for point, each in minute.sums.items() for name, value in each.summary(point).items()
                }
                said.append(Reading(device, wall_ms, mono_ms, values))
        return said

    def _sum_up(self, reading: Reading) -> None:
        for point in reading.values:
            value = _good(reading, point)
            if value is None or not point.startswith(VITAL):
                continue
            minute = self._minutes.setdefault(reading.device, _Minute(reading.mono_ms))
            if point in minute.sums:
                minute.sums[point].add(value)
            else:
                minute.sums[point] = _Sum(value)

    def _changed(self, reading: Reading, point: str) -> bool:
        value, key = _good(reading, point), (reading.device, point)
        if value is None:
            return False
        told = self._told.get(key)
        if told is not None and (value == told or abs(value - told) < NOTICEABLE.get(point, 0.0)):
            return False
        self._told[key] = value
        return True

    def _forget(self, device: str) -> None:
        """Nothing of what this device gave is kept."""
        self._minutes.pop(device, None)
        self._told = {key: value for key, value in self._told.items() if key[0] != device}


def _good(reading: Reading, point: str) -> float | None:
    value = reading.values[point]
    if value is None or isinstance(value, bool | str) or point in reading.quality:
        return None
    return float(value)


def _only(reading: Reading, wanted: Callable[[str], bool]) -> Reading | None:
    """The reading with the points that are wanted; None when there are none."""
    values = {point: value for point, value in reading.values.items() if wanted(point)}
    if len(values) == len(reading.values):
        return reading
    quality = {point: reason for point, reason in reading.quality.items() if point in values}
    return msgspec.structs.replace(reading, values=values, quality=quality) if values else None
