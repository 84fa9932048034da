"""What waits for the disk, when it goes there, and what is done when the disk does not answer.

One transaction is under way at a time; what is submitted meanwhile makes up the next one.  Everything here runs in
the event loop; the transaction itself is the writer's.

Invariants:

- an append answers once: with numbers of the disk's epoch after the commit, or with numbers of the memory epoch,
  `durable` False.  Memory takes appends of the first lane that have waited `commit_timeout_s`, and every append
  while the disk refuses or has not answered for `disk_timeout_s`;
- a transaction that commits late never makes a second record out of one: an append that memory took over while
  its transaction was under way keeps its memory identity.  Should the transaction have stored it after all,
  those numbers are settled for every consumer without being served, and nothing else ever gets them;
- a transaction that failed in doubt is never repeated: its records are taken into memory, the database is opened
  again, and its heads say whether the transaction had committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, TypeAlias, TypeVar

from courtyard.buffer.composer import Composed, Composer
from courtyard.buffer.database import Database
from courtyard.buffer.disk import Worker
from courtyard.buffer.faults import DiskFault, classify
from courtyard.buffer.ledger import Epoch, random_epoch
from courtyard.buffer.opening import Opened, open_database
from courtyard.buffer.refuge import Append, Refuge
from courtyard.buffer.timers import Timers
from courtyard.buffer.transaction import Receipt
from courtyard.buffer.types import Appended, Entry, JournalClosed
from courtyard.buffer.waiting import Waiting

Mode: TypeAlias = Literal["durable", "stalled", "memory"]
T = TypeVar("T")
_KEPT_OPEN = ("disk.full", "disk.busy")
"""After these the transaction is known not to have committed, and the connection is still good."""


class Committer:
    """Owns the queue.  `changed` is called when there may be something new to read, `told` when a fault comes or goes,
    `reopened` when the database was opened again."""

    def __init__(
        self,
        database: Database,
        composer: Composer,
        refuge: Refuge,
        wall_ms: Callable[[], int],
        changed: Callable[[], None],
        told: Callable[[DiskFault | None], None],
        reopened: Callable[[Opened], bool],
        fault: DiskFault | None,
    ) -> None:
        self._database, self._composer, self._refuge = database, composer, refuge
        self._options, self._wall_ms = database.options, wall_ms
        self._changed, self._told, self._reopened = changed, told, reopened
        self._waiting = Waiting(self._options, database.budget)
        self._index = 0
        self._composed: Composed | None = None
        self._doubtful: Composed | None = None
        self._renewal: tuple[str, asyncio.Future[None]] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timers = Timers()
        self._kick_scheduled = self._closed = self._draining = self._flush = self._due = False
        self._at_once = self._options.reading_commit_s <= 0
        self._last_rank = len(self._options.lanes) - 1
        self._delay_s = self._options.retry_s[0]
        self.mode: Mode = "durable" if fault is None else "memory"
        self.fault = fault
        self.busy = False
        self.transactions = 0

    def start(self, loop: asyncio.AbstractEventLoop, worker: Worker) -> None:
        """From now on there is a loop to run in; if there was a fault, the disk is tried again later."""
        self._loop, self._worker = loop, worker
        self._timers.start(loop)
        if self.fault is not None:
            self._timers.after("retry", self._delay_s, self._retry)

    def submit(self, entries: Sequence[Entry], state: Mapping[str, bytes | None]) -> asyncio.Future[Appended]:
        """See Journal.submit."""
        if self._closed:
            raise JournalClosed("the journal is closed")
        size, highest = self._waiting.weigh(entries, state)
        self._index += 1
        append = Append(tuple(entries), dict(state) if state else state, self._loop.create_future(), self._index, size)
        if self.mode != "durable" and (not highest or self.mode == "memory"):
            self._refuge.take(append)
            self._changed()
            return append.future
        self._waiting.put(append)
        if not highest:
            append.timer = self._loop.call_later(self._options.commit_timeout_s, self._overdue, append)
        urgent = self._at_once or highest < self._last_rank or not entries
        if urgent or self._waiting.is_half_full:
            self._due = True
            if not self.busy and not self._kick_scheduled:
                self._kick_scheduled = True
                self._loop.call_soon(self._kick)
        else:
            self._timers.after("reading", self._options.reading_commit_s, self.flush)
        return append.future

    def touch(self) -> None:
        """There is progress to make durable, with the next commit or within `progress_s`."""
        self._timers.after("flush", self._options.progress_s, self._flush_progress)

    def flush(self) -> None:
        """Makes durable what there is, now."""
        self._due = self._flush = True
        self._kick()

    def _flush_progress(self) -> None:
        self._flush = True
        self._kick()

    async def renew(self, reason: str) -> None:
        """Begins a new epoch; returns when it is on disk, or at once while the disk does not answer."""
        if self._renewal is None:
            self._renewal = reason, self._loop.create_future()
        self._kick()
        while self.mode == "durable" and self._renewal is not None:
            await self._turn()

    async def drain(self) -> None:
        """Returns when nothing is under way or waiting, or the disk does not answer."""
        self._draining = True
        self.flush()
        while self.mode == "durable" and (self.busy or self._waiting or self._refuge.waiting):
            await self._turn()
            self._kick()

    def close(self) -> None:
        """Nothing is taken from now on; whoever still waits is told."""
        self._closed = True
        self._timers.close()
        group = self._composed.group if self._composed is not None else ()
        for append in (*group, *self._waiting.take_all()):
            append.refuse(JournalClosed("closed before the disk had it"))

    def damaged(self, detail: str) -> None:
        """A reader came upon damage: the database is to be salvaged."""
        if self.mode == "durable" and not self.busy and not self._closed:
            self._failed(DiskFault("disk.damaged", detail))

    # --- going to the disk

    def _kick(self) -> None:
        self._kick_scheduled = False
        if self.busy or self._closed or self.mode == "memory":
            return
        if self._database.log_fill > 1:
            self._begin(self._database.checkpoint, self._checkpointed)
        elif self._renewal is not None:
            self._commit(self._composer.compose((), Epoch(random_epoch(), self._wall_ms(), self._renewal[0])))
        elif self._wanted():
            self._commit(self._composer.compose(self._take_group()))
        elif self._database.log_fill > 0.5:
            self._begin(self._database.checkpoint, self._checkpointed)

    def _wanted(self) -> bool:
        """True when there is something for a transaction to do."""
        flush = self._flush and self._composer.dirty
        shrink = self._database.oversize and not self._draining
        return (bool(self._waiting) and self._due) or flush or self._refuge.waiting or shrink

    def _take_group(self) -> list[Append]:
        group = self._waiting.take_group() if self._due else []
        if not self._waiting:
            self._due = False
            self._timers.cancel("reading")
        return group

    def _commit(self, composed: Composed) -> None:
        self._flush = False
        self._timers.cancel("flush")
        self._composed = composed
        self._begin(partial(self._database.commit, composed.job), self._committed)

    def _begin(self, work: Callable[[], T], done: Callable[[T | None, BaseException | None], None]) -> None:
        self.busy = True
        self._timers.after("silence", self._options.disk_timeout_s, self._silent)
        self._worker.call(work, partial(self._ended, done))

    def _ended(
        self, done: Callable[[T | None, BaseException | None], None], result: T | None, failure: BaseException | None
    ) -> None:
        self.busy = False
        self.transactions += 1
        self._timers.cancel("silence")
        if not self._closed:
            done(result, failure)
            self._kick()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _committed(self, receipt: Receipt | None, failure: BaseException | None) -> None:
        composed, self._composed = self._composed, None
        assert composed is not None
        if receipt is None:
            self._composer.unbook(composed)
            self._failed(classify(failure or DiskFault("disk.io", "no answer")), composed)
            return
        self._composer.book(composed, receipt)
        if composed.job.current is not None:
            self._renewal = None
        self._recovered()
        self._changed()

    def _checkpointed(self, _nothing: None, failure: BaseException | None) -> None:
        if failure is not None:
            self._failed(classify(failure))
        else:
            self._recovered()

    # --- when the disk does not answer

    def _overdue(self, append: Append) -> None:
        """An append of the first lane has waited long enough: it goes on from memory."""
        append.timer = None
        if append.future.done():
            return
        if self.mode == "durable":
            self.mode = "stalled"
            self._told(DiskFault("disk.slow", f"no commit within {self._options.commit_timeout_s} s"))
        self._waiting.remove(append)
        self._refuge.take(append)
        self._changed()

    def _silent(self) -> None:
        """Nothing has come back for so long that everything goes on from memory."""
        self.mode = "memory"
        self._told(DiskFault("disk.slow", f"no answer within {self._options.disk_timeout_s} s"))
        self._hand_over(())

    def _failed(self, fault: DiskFault, composed: Composed | None = None) -> None:
        self.mode, self.fault = "memory", fault
        self._told(fault)
        if composed is not None and fault.code not in _KEPT_OPEN:
            self._doubtful = composed
        self._hand_over(composed.group if composed is not None else ())
        self._delay_s = self._options.retry_s[0]
        self._timers.after("retry", 0, self._retry)

    def _hand_over(self, group: Sequence[Append]) -> None:
        for append in (*group, *self._waiting.take_all()):
            if not append.handed:
                self._refuge.take(append)
        self._changed()

    def _retry(self) -> None:
        if self.busy or self._closed:
            return
        damage = self.fault.detail if self.fault is not None and self.fault.code == "disk.damaged" else ""
        if self._database.opened and not damage:
            self._composed = self._composer.compose(())
            self._begin(partial(self._database.commit, self._composed.job), self._retried_commit)
        else:
            self._begin(partial(open_database, self._database, self._wall_ms(), damaged=damage), self._retried_opening)

    def _retried_commit(self, receipt: Receipt | None, failure: BaseException | None) -> None:
        if receipt is not None:
            self._committed(receipt, failure)
            return
        composed, self._composed = self._composed, None
        assert composed is not None
        self._composer.unbook(composed)
        self._again(failure)

    def _retried_opening(self, opened: Opened | None, failure: BaseException | None) -> None:
        if opened is None:
            self._again(failure)
            return
        if self._doubtful is not None:
            epoch = opened.ledger.epochs.get(self._doubtful.epoch)
            heads = {} if epoch is None else epoch.heads()
            self._composer.settle_unserved(self._doubtful.epoch, self._doubtful.group, heads)
            self._doubtful = None
        if self._reopened(opened) and self._renewal is None:
            self._renewal = "log-lost", self._loop.create_future()
        self._recovered()
        self._changed()

    def _again(self, failure: BaseException | None) -> None:
        fault = classify(failure or DiskFault("disk.io", "no answer"))
        if self.fault is None or fault.code != self.fault.code:
            self._told(fault)
        self.fault = fault
        self._timers.after("retry", self._delay_s, self._retry)
        self._delay_s = min(self._delay_s * 2, self._options.retry_s[1])

    def _recovered(self) -> None:
        if self.mode != "durable":
            self.mode, self.fault = "durable", None
            self._told(None)

    async def _turn(self) -> None:
        """Waits until what is under way has ended."""
        if self._waiter is None or self._waiter.done():
            self._waiter = self._loop.create_future()
        await asyncio.shield(self._waiter)
