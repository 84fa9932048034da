"""Every alarm that the gateway knows: kept, numbered, listed, and told to those who listen.

Invariants
1. A change and the state that follows from it are one append, and nothing else writes that state: after a crash the
   alarm stands where its last record on disk says, and goes on counting from there.
2. When the journal cannot take a change (JournalError), nothing has changed here either.
3. For one alarm (occurrence, change) only grows, also when the journal lost its state: see `numbering`.
4. What is known is bounded: the cleared alarms that changed longest ago go first, and leave their number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from courtyard.agent.alarms.alarm import Alarm, Kept, Receipts, changed, kept, opened
from courtyard.agent.alarms.numbering import KEY, Numbering
from courtyard.agent.alarms.table import step
from courtyard.agent.condition import Condition
from courtyard.agent.recorder import NOTHING, Also, Moment, Recorder, entry_of_alarm
from courtyard.agent.records import MAX_STATUS_ALARMS, ActiveAlarms, AlarmAction, Details, instant, parse_instant
from courtyard.buffer import Appended

CAPACITY = 10_000
"""Alarms known at once; severity 1 may use as many again."""
PREFIX, RECEIPTS = "alarm/", "alarm-received/"

Listener = Callable[[Alarm], None]


class AlarmBook:
    """Used from the event loop only; restores itself from the journal's state."""

    def __init__(self, recorder: Recorder, *, capacity: int = CAPACITY) -> None:
        self.recorder = recorder
        self.timed: set[str] = set()
        """Ids of alarms on which time has an effect: shelved, flapping, drills."""
        self._capacity = capacity
        self._alarms: dict[str, Alarm] = {}
        self._idle: dict[str, Alarm] = {}  # cleared and not shelved; the one that changed longest ago first
        self._listeners: list[Listener] = []
        self._numbering = Numbering(recorder.journal.state(KEY), recorder.clock.wall_ms)
        self._restore()

    def get(self, alarm_id: str) -> Alarm | None:
        """The alarm, if it is known."""
        return self._alarms.get(alarm_id)

    def __iter__(self) -> Iterator[Alarm]:
        return iter(tuple(self._alarms.values()))

    def open(self) -> list[Alarm]:
        """Alarms that are not cleared, the most severe first, then those nobody has acknowledged, then the latest."""
        alarms = [alarm for alarm in self._alarms.values() if alarm.state != "cleared"]
        alarms.reverse()
        return sorted(alarms, key=lambda alarm: (alarm.record.severity, alarm.state != "raised"))

    def urgent(self) -> ActiveAlarms:
        """What the status lists: severity 1 and 2, counted in full, at most MAX_STATUS_ALARMS named."""
        urgent = [alarm for alarm in self.open() if alarm.record.severity <= 2]
        return ActiveAlarms(len(urgent), tuple(alarm.brief() for alarm in urgent[:MAX_STATUS_ALARMS]))

    def listen(self, listener: Listener) -> None:
        """Calls soon after every change and receipt; first for every alarm that is not cleared."""
        self._listeners.append(listener)
        for alarm in self.open():
            asyncio.get_running_loop().call_soon(listener, alarm)

    def renumber(self) -> None:
        """The journal found itself older than what platforms have seen: later occurrences must be beyond that."""
        self._numbering.lift()

    def has_room(self, severity: int) -> bool:
        """Whether one more alarm may become known, if need be in the place of a cleared one."""
        limit = self._capacity * 2 if severity == 1 else self._capacity
        return len(self._alarms) < limit or self._evictable() is not None

    def raise_(self, alarm: Alarm | None, condition: Condition) -> asyncio.Future[Appended]:
        """Opens a new occurrence.  Raises JournalError."""
        clock, previous = self.recorder.clock, alarm.record if alarm else None
        evicted = self._evictable() if alarm is None and len(self._alarms) >= self._capacity else None
        if evicted:
            self._numbering.cover(evicted.record.occurrence)
        record = opened(
            condition,
            place=condition.place or self.recorder.place(condition.device),
            occurrence=self._numbering.next(previous.occurrence if previous else 0),
            clock=clock.quality,
        )
        if previous and previous.shelved_until and record.severity > 1:
            shelf = {"shelved_until": previous.shelved_until, "shelved_by": previous.shelved_by}
            record = msgspec.structs.replace(record, **shelf)
        following = Kept(record, (condition.needs_evidence or record.severity == 1) and not record.test)
        alarm = alarm or Alarm(following)
        if alarm.flaps(condition.mono_ms):
            following = msgspec.structs.replace(following, record=msgspec.structs.replace(record, flapping=True))
        state: dict[str, bytes | None] = {**self._numbering.state()}
        if evicted:
            state |= dict.fromkeys((PREFIX + evicted.record.alarm_id, RECEIPTS + evicted.record.alarm_id))
        written = self._write(alarm, following, Also(state=state))
        if evicted:
            del self._alarms[evicted.record.alarm_id], self._idle[evicted.record.alarm_id]
        return written

    def change(
        self,
        alarm: Alarm,
        action: AlarmAction,
        at: Moment,
        *,
        needs_evidence: bool = False,
        also: Also = NOTHING,
        **members: Any,
    ) -> asyncio.Future[Appended]:
        """Keeps the next change of the present occurrence; the table must know it.  Raises JournalError."""
        following = step(alarm.state, action)
        assert following is not None, (alarm.state, action)
        if following.state == "cleared" and alarm.state != "cleared":
            members["cleared_at"] = instant(at.wall_ms)
        record = changed(alarm.record, action, following.state, at, self.recorder.clock.quality, **members)
        return self._write(alarm, Kept(record, alarm.needs_evidence or needs_evidence), also)

    def receipt(self, alarm: Alarm, by: str, also: Also) -> asyncio.Future[Appended]:
        """Keeps that a platform has the present occurrence; no change of the alarm.  Raises JournalError."""
        record = alarm.record
        at = alarm.received.get(by, instant(self.recorder.clock.wall_ms()))
        details: Details = {"alarm_id": record.alarm_id, "occurrence": record.occurrence, "by": by}
        entry = self.recorder.event_entry("alarm.received", details, device=record.device, test=record.test)
        receipts = Receipts(record.occurrence, {**alarm.received, by: at})
        written = self.recorder.put((entry, *also.entries), {RECEIPTS + record.alarm_id: kept(receipts), **also.state})
        alarm.receipts = receipts
        self._tell(alarm)
        return written

    def _write(self, alarm: Alarm, following: Kept, also: Also) -> asyncio.Future[Appended]:
        record = following.record
        state = {PREFIX + record.alarm_id: kept(following), **also.state}
        entry = entry_of_alarm(record, parse_instant(record.at))
        written = alarm.written = self.recorder.put((entry, *also.entries), state)
        alarm.take(following)
        self._file(alarm)
        self._tell(alarm)
        return written

    def _file(self, alarm: Alarm) -> None:
        """Puts it where it belongs, behind the ones that changed before."""
        record = alarm.record
        self._alarms.pop(record.alarm_id, None)
        self._alarms[record.alarm_id] = alarm
        self._idle.pop(record.alarm_id, None)
        if record.state == "cleared" and record.shelved_until is None:
            self._idle[record.alarm_id] = alarm
        timed = record.shelved_until or record.flapping or (record.test and record.state != "cleared")
        (self.timed.add if timed else self.timed.discard)(record.alarm_id)

    def _tell(self, alarm: Alarm) -> None:
        for listener in self._listeners:
            asyncio.get_running_loop().call_soon(listener, alarm)

    def _evictable(self) -> Alarm | None:
        return next(iter(self._idle.values()), None)

    def _restore(self) -> None:
        alarms, unreadable = [], []
        receipts = self.recorder.journal.state(RECEIPTS)
        for key, value in self.recorder.journal.state(PREFIX).items():
            alarm_id = key.removeprefix(PREFIX)
            try:
                alarms.append(Alarm.restored(value, receipts.get(RECEIPTS + alarm_id)))
            except msgspec.MsgspecError:
                unreadable.append(alarm_id)
        alarms.sort(key=lambda alarm: alarm.record.at)
        for alarm in alarms:
            self._file(alarm)
        if unreadable:
            self._numbering.lift()
            for alarm_id in unreadable:
                self.recorder.event("alarm.state.unreadable", {"alarm_id": alarm_id})
