"""The one way into the journal: stamps, encodes and submits records, and keeps their order when the journal is busy.

Invariants
1. What `put` accepted is submitted in the order in which it was put; only alarms, which the journal always takes,
   overtake what waits.
2. `offer` never overtakes what waits, and never waits itself.
3. At most `max_waiting` puts wait; the next one raises JournalBusy, and its caller must not act as if it were kept.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple, Protocol

from courtyard.agent.records import AlarmRecord, ClockQuality, Details, EventRecord, encode, instant, not_durable
from courtyard.buffer import Appended, Entry, JournalBusy, JournalError
from courtyard.drivers.base import Clock

MAX_WAITING = 4096
RETRY_S = 0.02

State = Mapping[str, bytes | None]


class Journal(Protocol):
    """What producers need of `courtyard.buffer.Journal`; see there."""

    @property
    def durable(self) -> bool: ...
    def submit(self, entries: Sequence[Entry], state: State = ...) -> asyncio.Future[Appended]: ...
    def state(self, prefix: str = ...) -> dict[str, bytes]: ...


class GatewayClock(Clock, Protocol):
    """A clock that knows what its wall time is worth."""

    @property
    def quality(self) -> ClockQuality: ...


class Moment(NamedTuple):
    """An instant on both clocks of the gateway: Unix time and time since boot, in milliseconds."""

    wall_ms: int
    mono_ms: int


class Also(NamedTuple):
    """What else must be kept together with a change, or not at all: further records and state of the caller's."""

    entries: tuple[Entry, ...] = ()
    state: State = MappingProxyType({})


NOTHING = Also()


class _Waiting(NamedTuple):
    entries: Sequence[Entry]
    state: State
    done: asyncio.Future[Appended]


class Recorder:
    """Producers put records here; all of them share one.  Used from the event loop only."""

    def __init__(
        self, journal: Journal, clock: GatewayClock, place: Callable[[str], str], *, max_waiting: int = MAX_WAITING
    ) -> None:
        """`place` maps a device id to its full place."""
        self.journal, self.clock, self.place = journal, clock, place
        self.events_dropped = 0
        self._waiting: deque[_Waiting] = deque()
        self._max_waiting = max_waiting
        self._room: list[Callable[[], None]] = []
        self._last: asyncio.Future[Appended] | None = None  # the latest submission
        self._retrying = False

    def now(self) -> Moment:
        """The present instant."""
        return Moment(self.clock.wall_ms(), self.clock.mono_ms())

    def put(self, entries: Sequence[Entry], state: State = NOTHING.state) -> asyncio.Future[Appended]:
        """Keeps the entries, after everything put before.  Raises JournalBusy when too much waits already."""
        if any(entry.lane == "alarm" for entry in entries):
            return self._submit(entries, state)
        if not self._waiting:
            try:
                return self._submit(entries, state)
            except JournalBusy:
                pass  # waits below, in order
        if len(self._waiting) >= self._max_waiting:
            raise JournalBusy
        done: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(entries, state, done))
        self._retry_later()
        return done

    def offer(self, entries: Sequence[Entry]) -> asyncio.Future[Appended]:
        """Submits entries that may be dropped.  Raises JournalBusy at once when the journal is busy."""
        if self._waiting:
            raise JournalBusy
        return self._submit(entries, NOTHING.state)

    def when_room(self, call: Callable[[], None]) -> None:
        """Calls once when the journal may take something again."""
        self._room.append(call)
        self._retry_later()

    def event(
        self, name: str, details: Details, *, device: str | None = None, test: bool = False, also: Also = NOTHING
    ) -> asyncio.Future[Appended] | None:
        """Records something that happened, if it can: never raises, so that no act fails for want of its audit.

        None when the journal cannot take it at all (too much waits, closed); the event is then dropped and counted.
        """
        try:
            return self.put((self.event_entry(name, details, device=device, test=test), *also.entries), also.state)
        except JournalError:
            self.events_dropped += 1
            return None

    def event_entry(self, name: str, details: Details, *, device: str | None = None, test: bool = False) -> Entry:
        """An event of now as a journal entry."""
        now, place = self.now(), self.place(device) if device is not None else None
        at, quality = instant(now.wall_ms), self.clock.quality
        record = EventRecord(name, at, now.mono_ms, quality, device=device, place=place, details=details, test=test)
        return entry_of_event(record, now.wall_ms)

    async def drained(self) -> None:
        """Returns when nothing waits any more; what was put is then on its way to the disk."""
        while self._waiting:
            await asyncio.wait((self._waiting[-1].done,))

    def _submit(self, entries: Sequence[Entry], state: State) -> asyncio.Future[Appended]:
        self._last = self.journal.submit(entries, state)
        return self._last

    def _retry_later(self) -> None:
        if self._retrying:
            return
        self._retrying = True
        if self._last is not None and not self._last.done():
            self._last.add_done_callback(self._drain)
        else:
            asyncio.get_running_loop().call_later(RETRY_S, self._drain)

    def _drain(self, _: object = None) -> None:
        self._retrying = False
        while self._waiting:
            entries, state, done = self._waiting[0]
            try:
                self._submit(entries, state).add_done_callback(partial(_pass_on, done))
            except JournalBusy:
                return self._retry_later()
            except JournalError as error:
                done.set_exception(error)
            self._waiting.popleft()
        calls, self._room = self._room, []
        for call in calls:
            call()


def entry_of_alarm(record: AlarmRecord, wall_ms: int) -> Entry:
    """An alarm change as a journal entry, with the body that says so when only memory could keep it."""
    body = encode(record)
    return Entry("alarm", wall_ms, body, not_durable(body))


def entry_of_event(record: EventRecord, wall_ms: int) -> Entry:
    """An event as a journal entry."""
    body = encode(record)
    return Entry("event", wall_ms, body, not_durable(body))


def _pass_on(target: asyncio.Future[Appended], source: asyncio.Future[Appended]) -> None:
    if target.done():
        return
    if source.cancelled():
        target.cancel()
    elif error := source.exception():
        target.set_exception(error)
    else:
        target.set_result(source.result())
