"""The wire contract, native format v1, as types; JSON Schema and AsyncAPI are generated from here.

Records are encoded once, without their sequence number; `batch` splices it in, so that a record is never
decoded on its way from disk to platform.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from courtyard.drivers.base import Scalar, Severity

ClockQuality = Literal["synced", "rtc", "unsynced"]
Lane = Literal["alarm", "event", "reading"]


class ReadingRecord(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The values of one device at one instant."""

    device: str
    place: str
    at: str
    mono_ms: int
    clock: ClockQuality
    values: dict[str, Scalar | None]
    quality: dict[str, str] = {}
    device_at: str | None = None
    install: int = 1


class EventRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that happened to the box or to a device; `event` is a dotted name such as `clock.synced`."""

    event: str
    at: str
    mono_ms: int
    clock: ClockQuality
    device: str | None = None
    place: str | None = None
    details: dict[str, Scalar | None] = {}


AlarmState = Literal["raised", "acknowledged", "returned", "cleared"]


class AlarmRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change in the life of one alarm; the greatest (occurrence, change) wins, whatever the order of arrival."""

    alarm_id: str
    occurrence: int
    change: int
    state: AlarmState
    severity: Severity
    alarm_class: str = msgspec.field(name="class")
    device: str
    place: str
    at: str
    mono_ms: int
    clock: ClockQuality
    raised_at: str
    returned_at: str | None = None
    acknowledged_at: str | None = None
    acknowledged_by: str | None = None
    cleared_at: str | None = None
    reason: str | None = None
    text_en: str = ""
    text_zh: str = ""
    details: dict[str, Scalar | None] = {}
    raw: str | None = None
    test: bool = False
    durable: bool = True


class GapRecord(msgspec.Struct, frozen=True):
    """Records of a lane that this uplink will never get, and why."""

    lane: Lane
    first: int = msgspec.field(name="from")
    last: int = msgspec.field(name="to")
    count: int
    since: str
    until: str
    reason: str


def instant(wall_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds: 2026-11-22T06:30:15.412Z.  Any integer gives a valid instant; years clamp to 1970..9999."""
    import datetime

    clamped = min(max(wall_ms, 0), 253402300799999)
    stamp = datetime.datetime.fromtimestamp(clamped // 1000, datetime.UTC)
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{clamped % 1000:03d}Z"
