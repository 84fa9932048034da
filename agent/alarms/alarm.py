"""One alarm: its latest record, what must survive a crash beside it, and what need not."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

import msgspec

from courtyard.agent.alarms.table import ACTIVE
from courtyard.agent.condition import Condition
from courtyard.agent.recorder import Moment
from courtyard.agent.records import AlarmAction, AlarmBrief, AlarmRecord, AlarmState, ClockQuality, Details, instant
from courtyard.buffer import Appended

FLAP_LIMIT = 5
"""So many raises within FLAP_WINDOW_MS, and the alarm flaps: it stays active until it was quiet for QUIET_MS."""
FLAP_WINDOW_MS = 600_000
QUIET_MS = 600_000
MAX_TEXT = 500
MAX_RAW = 4096
MAX_DETAILS = 32


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the journal's state holds of one alarm."""

    record: AlarmRecord
    needs_evidence: bool = False


class Receipts(msgspec.Struct, frozen=True):
    """Which uplinks confirmed an occurrence, and when.  Kept apart: a receipt must never overwrite a change."""

    occurrence: int = 0
    by: dict[str, str] = {}


NO_RECEIPTS: Final = Receipts()
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Kept).decode
_decode_receipts = msgspec.json.Decoder(Receipts).decode


class Alarm:
    """`record` is the latest change."""

    __slots__ = ("needs_evidence", "quiet_since_ms", "raises_ms", "receipts", "record", "written")

    def __init__(self, kept: Kept, receipts: Receipts = NO_RECEIPTS) -> None:
        self.take(kept)
        self.receipts = receipts
        self.raises_ms: deque[int] = deque(maxlen=FLAP_LIMIT)
        self.quiet_since_ms: int | None = None
        self.written: asyncio.Future[Appended] | None = None
        """The latest change on its way to disk; None when it came from there."""

    @classmethod
    def restored(cls, value: bytes, receipts: bytes | None) -> Alarm:
        """From the journal's state.  Raises msgspec.MsgspecError."""
        return cls(_decode(value), NO_RECEIPTS if receipts is None else _decode_receipts(receipts))

    def take(self, kept: Kept) -> None:
        """Stands where this says."""
        self.record, self.needs_evidence = kept.record, kept.needs_evidence

    @property
    def received(self) -> dict[str, str]:
        """Uplinks that confirmed the present occurrence, and when."""
        return self.receipts.by if self.receipts.occurrence == self.record.occurrence else {}

    @property
    def state(self) -> AlarmState:
        return self.record.state

    @property
    def active(self) -> bool:
        """Whether the condition holds, as far as the gateway knows."""
        return self.record.state in ACTIVE

    @property
    def calls(self) -> bool:
        """Whether it asks for somebody now: active, not acknowledged, not shelved, no drill."""
        return self.record.state == "raised" and self.record.shelved_until is None and not self.record.test

    @property
    def durable(self) -> bool:
        """Whether the latest change is on disk or still on its way there."""
        if self.written is None or not self.written.done():
            return True
        return self.written.exception() is None and self.written.result().durable

    def flaps(self, mono_ms: int) -> bool:
        """Counts a raise; whether there have been too many."""
        self.raises_ms.append(mono_ms)
        return len(self.raises_ms) == FLAP_LIMIT and mono_ms - self.raises_ms[0] <= FLAP_WINDOW_MS

    def brief(self) -> AlarmBrief:
        """As the status lists it."""
        record = self.record
        return AlarmBrief(
            record.alarm_id,
            record.occurrence,
            record.change,
            record.state,
            record.severity,
            record.alarm_class,
            record.device,
            record.raised_at,
            record.shelved_until,
            record.test,
        )


def kept(what: Kept | Receipts) -> bytes:
    """As a value of the journal's state."""
    return _encode(what)


def opened(condition: Condition, *, place: str, occurrence: int, clock: ClockQuality) -> AlarmRecord:
    """The first change of a new occurrence; texts, details and raw bytes are cut to what a record may hold."""
    at = instant(condition.at_ms)
    return AlarmRecord(
        condition.alarm_id,
        occurrence,
        1,
        "raise",
        "raised",
        condition.severity,
        condition.alarm_class,
        condition.device,
        place,
        at,
        max(condition.mono_ms, 0),
        clock,
        at,
        source=condition.source,
        test=condition.test,
        **said(condition),
    )


def said(condition: Condition) -> dict[str, Any]:
    """What the condition itself tells, as members of a record."""
    details: Details = dict(list(condition.details.items())[:MAX_DETAILS])
    return {
        "text_en": condition.text.en[:MAX_TEXT],
        "text_zh": condition.text.zh[:MAX_TEXT],
        "details": details,
        "raw": condition.raw_hex[:MAX_RAW] or None,
        "device_at": None if condition.device_at_ms is None else instant(condition.device_at_ms),
    }


def changed(
    record: AlarmRecord, action: AlarmAction, state: AlarmState, at: Moment, clock: ClockQuality, **members: Any
) -> AlarmRecord:
    """The next change of the same occurrence; `members` are what it sets besides."""
    when = {"at": instant(at.wall_ms), "mono_ms": max(at.mono_ms, 0), "clock": clock}
    return msgspec.structs.replace(record, change=record.change + 1, action=action, state=state, **(when | members))
