"""A driver's reading becomes a record: with place, clock quality and install number, and fit for the wire.

Fit means: every number is finite, zero has no sign, integers beyond 2**53 are decimal text (JSON numbers are doubles
to most readers), a point without a value is `bad` and a bad point has no value, texts are valid and bounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from courtyard.agent.records import ClockQuality, ReadingRecord, encode, instant
from courtyard.config.site import Site
from courtyard.drivers.base import Reading, Scalar, Signal

UNFIT: Final = "bad:decode"
EXACT: Final = 2**53
MAX_TEXT: Final = 256
CALLS: Final = frozenset({"sos", "fall"})
"""Signals of somebody who calls for help, wherever that is."""


class Installed(NamedTuple):
    """Where a device stands and the number of the apparatus there."""

    place: str
    install: int


class Places:
    """The site's places by device id; what the site does not list stands at the gateway's own place."""

    def __init__(self, site: Site, whereabouts: Callable[[str], str] = lambda device: "") -> None:
        """`whereabouts` says in which room a device is worn, relative to the gateway's place; empty: unknown."""
        self._whereabouts = whereabouts
        self.adjust(site)

    def adjust(self, site: Site) -> None:
        """From now on for this site."""
        self._gateway = gateway = site.gateway.place
        self._here = Installed(gateway, 1)
        self._devices = {
            device.id: Installed(f"{gateway}/{device.place}" if device.place else gateway, device.install)
            for device in site.installed
        }

    def of(self, device: str) -> Installed:
        """Place and install number of a device."""
        return self._devices.get(device, self._here)

    def part(self, signal: Signal) -> str:
        """Full place of the part of a device that speaks; of a call for help, the room that the wearer is in."""
        place = signal.place or (self._whereabouts(signal.device) if signal.kind in CALLS else "")
        return f"{self._gateway}/{place}" if place else self.place(signal.device)

    def place(self, device: str) -> str:
        """Full place of a device."""
        return self.of(device).place


def encode_reading(reading: Reading, installed: Installed, clock: ClockQuality) -> bytes:
    """The reading as a record for its lane."""
    values, quality = reading.values, reading.quality
    if quality or not _all_fit(values):
        values, quality = fit(values, quality)
    return encode(
        ReadingRecord(
            reading.device,
            installed.place,
            instant(reading.at_ms),
            reading.mono_ms,
            clock,
            values,
            quality,
            None if reading.device_at_ms is None else instant(reading.device_at_ms),
            installed.install,
        )
    )


def fit(
    values: Mapping[str, Scalar | None], quality: Mapping[str, str]
) -> tuple[dict[str, Scalar | None], dict[str, str]]:
    """Values and quality as the wire allows them; what is unfit becomes null and `bad:decode`."""
    fitting: dict[str, Scalar | None] = {}
    told = {point: reason for point, reason in quality.items() if point in values}
    for point, value in values.items():
        if told.get(point, "").startswith("bad:"):
            fitting[point] = None
            continue
        fitting[point] = _fit_one(value)
        if fitting[point] is None:
            told[point] = UNFIT
    return fitting, told


def _all_fit(values: Mapping[str, Scalar | None]) -> bool:
    """The common case, fast: nothing but finite floats without a negative zero, and small integers."""
    for value in values.values():
        if value.__class__ is float:
            if value - value or (not value and math.copysign(1.0, value) < 0.0):  # inf - inf is NaN, which is true
                return False
        elif value.__class__ is not int or not -EXACT <= value <= EXACT:
            return False
    return True


def _fit_one(value: Scalar | None) -> Scalar | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value + 0.0 if math.isfinite(value) else None
    if isinstance(value, int):
        return value if -EXACT <= value <= EXACT else str(value)[:MAX_TEXT]
    return value.encode("utf-8", "replace").decode()[:MAX_TEXT]
