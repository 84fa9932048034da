"""The minute that is being counted: every sample of every point, in memory.

Invariants
1. The increases of a counter's buckets add up to what it went on from its first to its last sample, whatever minutes
   they fall into; a counter that wraps goes on, one that was reset or replaced begins anew and adds nothing.
2. At most SERIES points are counted; samples of further ones are left out and counted in `left_out`.
3. Texts have no history.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from courtyard.agent.history.buckets import NAN, Bucket, fold
from courtyard.drivers.base import Reading

SERIES: Final = 20_000
MINUTE_MS: Final = 60_000
_MINUTE, _COUNT, _GOOD, _VALUED, _LOW, _HIGH, _TOTAL, _FIRST, _LAST, _INCREASE, _BEFORE, _MODULUS, _SERIES = range(13)
_NO_MODULUS: Final = 0.0
_GAUGE: Final = -1.0


class Gauges(NamedTuple):
    """What is known of one device: its install number and its counters, each with where it wraps (None: nowhere)."""

    install: int = 1
    counters: Mapping[str, float | None] = {}


class SeriesId(NamedTuple):
    """One point of one device."""

    device: str
    point: str


class Minutes:
    """Counts samples into buckets of a minute.  `series` gives a point its number; `before` a counter's last value."""

    def __init__(self, numbers: dict[SeriesId, int], before: Mapping[int, float]) -> None:
        self.numbers = numbers
        self.left_out = 0
        self._next = max(numbers.values(), default=0)
        self._before = before
        self._devices: dict[str, dict[str, list[float]]] = {}
        self._gauges: Mapping[str, Gauges] = {}
        self._closed: dict[int, list[tuple[int, Bucket]]] = {}

    def adjust(self, gauges: Mapping[str, Gauges]) -> None:
        """From now on with these counters.  A device with another install number is another meter."""
        for device, slots in self._devices.items():
            old, new = self._gauges.get(device, Gauges()), gauges.get(device, Gauges())
            if old == new:
                continue
            for point, slot in slots.items():
                slot[_MODULUS] = _modulus(new, point)
                if old.install != new.install:
                    slot[_BEFORE] = NAN
        self._gauges = gauges

    def take(self, reading: Reading) -> None:
        """Counts one reading."""
        minute, quality = reading.at_ms // MINUTE_MS, reading.quality
        slots = self._devices.get(reading.device)
        if slots is None:
            slots = self._devices[reading.device] = {}
        for point, value in reading.values.items():
            if value.__class__ is str:
                continue
            slot = slots.get(point)
            if slot is None:
                slot = self._slot(reading.device, point)
                if slot is None:
                    continue
                slots[point] = slot
            if slot[_MINUTE] != minute:
                self._close(slot)
                slot[_MINUTE] = minute
            slot[_COUNT] += 1
            told = quality.get(point) if quality else None
            if value is None or (told is not None and told.startswith("bad:")):
                continue
            number = float(value)  # booleans are 0 and 1
            if number - number:  # infinite or no number
                continue
            if told is None:
                slot[_GOOD] += 1
            if not slot[_VALUED]:
                slot[_LOW] = slot[_HIGH] = slot[_FIRST] = number
            elif number < slot[_LOW]:
                slot[_LOW] = number
            elif number > slot[_HIGH]:
                slot[_HIGH] = number
            slot[_VALUED] += 1
            slot[_TOTAL] += number
            slot[_LAST] = number
            modulus = slot[_MODULUS]
            if modulus >= 0.0:
                step = number - slot[_BEFORE]
                if step < 0.0 and told != "uncertain:reverse":
                    step = step + modulus if modulus and told is None else 0.0
                if step == step:  # not NaN: there was a sample before
                    slot[_INCREASE] += step
                slot[_BEFORE] = number

    def close(self, until_minute: int) -> dict[int, dict[int, Bucket]]:
        """Ends the minutes before `until_minute`: buckets by series, by minute.  They are forgotten here."""
        for slots in self._devices.values():
            for slot in slots.values():
                if slot[_MINUTE] < until_minute:
                    self._close(slot)
        closed = {minute: self._closed.pop(minute) for minute in sorted(self._closed) if minute < until_minute}
        batches: dict[int, dict[int, Bucket]] = {}
        for minute, buckets in closed.items():
            batch = batches[minute] = {}
            for series, bucket in buckets:
                batch[series] = fold((batch[series], bucket)) if series in batch else bucket
        return batches

    def forget(self, devices: Collection[str]) -> set[int]:
        """Drops everything of these devices; what they say from now on begins anew.  Returns their series."""
        gone = {number for key, number in self.numbers.items() if key.device in devices}
        for device in devices:
            self._devices.pop(device, None)
        for key in [key for key in self.numbers if key.device in devices]:
            del self.numbers[key]
        self._before = {series: value for series, value in self._before.items() if series not in gone}
        for minute, buckets in self._closed.items():
            self._closed[minute] = [item for item in buckets if item[0] not in gone]
        return gone

    def counters(self) -> set[int]:
        """The series that are counters."""
        slots = (slot for slots in self._devices.values() for slot in slots.values())
        return {int(slot[_SERIES]) for slot in slots if slot[_MODULUS] >= 0.0}

    def _slot(self, device: str, point: str) -> list[float] | None:
        key = SeriesId(device, point)
        series = self.numbers.get(key)
        if series is None:
            if len(self.numbers) >= SERIES:
                self.left_out += 1
                return None
            self._next += 1
            series = self.numbers[key] = self._next
        before = self._before.get(series, NAN)
        modulus = _modulus(self._gauges.get(device, Gauges()), point)
        return [-1, 0, 0, 0, NAN, NAN, 0.0, NAN, NAN, 0.0, before, modulus, series]

    def _close(self, slot: list[float]) -> None:
        if slot[_COUNT]:
            counts = (int(slot[_COUNT]), int(slot[_GOOD]), int(slot[_VALUED]))
            self._closed.setdefault(int(slot[_MINUTE]), []).append(
                (int(slot[_SERIES]), Bucket(*counts, *slot[_LOW : _INCREASE + 1]))
            )
        slot[_COUNT : _INCREASE + 1] = 0, 0, 0, NAN, NAN, 0.0, NAN, NAN, 0.0


def _modulus(gauges: Gauges, point: str) -> float:
    if point not in gauges.counters:
        return _GAUGE
    return gauges.counters[point] or _NO_MODULUS
