"""Conditions in, alarms out.

Invariants
1. Raising is idempotent per occurrence: a repeat of an active condition writes nothing, unless it is more severe or
   the first record reached only memory.
2. An alarm of severity 1, or one that needs evidence, ends only by the device's own word or by an operator.
3. Whatever comes and goes too fast stays active until it is quiet: nothing is hidden, and records stay bounded.  At
   severity 1 an acknowledged alarm that comes back while it is kept active calls again.
4. When no further alarm can be known, conditions become one alarm that says so, at their severity.
"""

from __future__ import annotations

import asyncio

from courtyard.agent.alarms.alarm import QUIET_MS, Alarm, said
from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.alarms.table import Event, step
from courtyard.agent.condition import Condition
from courtyard.agent.recorder import Moment, entry_of_alarm
from courtyard.agent.records import instant, parse_instant
from courtyard.buffer import Appended
from courtyard.drivers.base import Text

DRILL_MS = 3_600_000
"""A drill's alarm ends by itself after an hour."""
LONGEST_SHELF_MS = 7 * 86_400_000
SYNC_CHUNK = 100


class AlarmEngine:
    """Used from the event loop only."""

    def __init__(self, book: AlarmBook, *, gateway: str) -> None:
        self._book, self._gateway = book, gateway

    def apply(self, condition: Condition) -> asyncio.Future[Appended] | None:
        """Takes a condition; returns the append that keeps what is known of it, None when that is on disk already.

        Raises JournalError when the journal cannot take the change: then nothing has changed.
        """
        alarm = self._book.get(condition.alarm_id)
        if not condition.active:
            return self._ends(alarm, condition) if alarm else None
        if alarm is None:
            if self._book.has_room(condition.severity) or condition.alarm_class == "overflow":
                return self._book.raise_(None, condition)
            return self.apply(self._overflow(condition))
        if not alarm.active:
            return self._book.raise_(alarm, condition)
        return self._holds(alarm, condition)

    def lapse(self, alarm: Alarm) -> None:
        """Nothing watches this any more (a removed device or rule): ends it, unless it needs evidence."""
        if step(alarm.state, "lapse", needs_evidence=alarm.needs_evidence):
            now = self._book.recorder.now()
            self._book.change(alarm, "return", now, returned_at=instant(now.wall_ms), flapping=False)

    def tick(self) -> None:
        """Ends shelves, drills and flapping when their time has come; called about once a second."""
        now = self._book.recorder.now()
        for alarm_id in tuple(self._book.timed):
            alarm = self._book.get(alarm_id)
            if alarm is not None:
                self._pass_time(alarm, now)

    async def sync(self) -> int:
        """Sends every alarm that is not cleared again, the most urgent first; returns how many."""
        alarms = self._book.open()
        for start in range(0, len(alarms), SYNC_CHUNK):
            wall_ms = self._book.recorder.clock.wall_ms()
            entries = [entry_of_alarm(alarm.record, wall_ms) for alarm in alarms[start : start + SYNC_CHUNK]]
            await asyncio.shield(self._book.recorder.put(entries))
        return len(alarms)

    def _holds(self, alarm: Alarm, condition: Condition) -> asyncio.Future[Appended] | None:
        withheld = alarm.quiet_since_ms is not None
        at = Moment(condition.at_ms, condition.mono_ms)
        if withheld and alarm.state == "acknowledged" and alarm.record.severity == 1:
            written: asyncio.Future[Appended] | None = self._book.raise_(alarm, condition)
        elif condition.severity < alarm.record.severity:
            needs_evidence = (condition.needs_evidence or condition.severity == 1) and not condition.test
            members = {"severity": condition.severity, **said(condition)}
            written = self._book.change(alarm, "escalate", at, needs_evidence=needs_evidence, **members)
        elif not alarm.durable and self._book.recorder.journal.durable:
            written = self._book.change(alarm, "repeat", at)
        else:
            written = alarm.written
        alarm.quiet_since_ms = None
        return written

    def _ends(self, alarm: Alarm, condition: Condition) -> asyncio.Future[Appended] | None:
        event: Event = "return" if condition.evidence else "lapse"
        if step(alarm.state, event, needs_evidence=alarm.needs_evidence) is None:
            return alarm.written
        if alarm.record.flapping:
            alarm.quiet_since_ms = condition.mono_ms
            return alarm.written
        at = Moment(condition.at_ms, condition.mono_ms)
        return self._book.change(alarm, "return", at, returned_at=instant(condition.at_ms))

    def _pass_time(self, alarm: Alarm, now: Moment) -> None:
        record, at = alarm.record, instant(now.wall_ms)
        if alarm.quiet_since_ms is not None and now.mono_ms - alarm.quiet_since_ms >= QUIET_MS:
            self._book.change(alarm, "return", now, returned_at=at, flapping=False)
            alarm.quiet_since_ms = None
        elif record.shelved_until and not 0 < parse_instant(record.shelved_until) - now.wall_ms <= LONGEST_SHELF_MS:
            self._book.change(alarm, "unshelve", now, shelved_until=None, shelved_by=None)
        elif record.test and not 0 <= now.wall_ms - parse_instant(record.raised_at) < DRILL_MS:
            self._book.change(alarm, "clear", now, reason="drill")

    def _overflow(self, condition: Condition) -> Condition:
        return Condition(
            self._gateway,
            "overflow",
            "alarms",
            condition.severity,
            True,
            condition.at_ms,
            condition.mono_ms,
            text=Text(
                f"More alarms than can be kept; not kept: {condition.alarm_id}.",
                f"报警数量超出上限，未能保存：{condition.alarm_id}。",
            ),
            needs_evidence=True,
        )
