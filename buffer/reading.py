"""Rows from disk for feeds and status, read away from the event loop.

Invariants: a row is taken for lost only when the disk is in good order and no transaction was under way while it was
looked for; then its records are counted as a gap, reason `corrupt`, for everyone who wanted them.  A disk that does
not answer delays nobody for longer than `commit_timeout_s`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from courtyard.buffer.chunks import Chunk
from courtyard.buffer.committer import Committer
from courtyard.buffer.composer import Composer
from courtyard.buffer.consumer import Key
from courtyard.buffer.database import Database
from courtyard.buffer.disk import Worker, ask
from courtyard.buffer.faults import DiskFault, classify
from courtyard.buffer.ledger import Eviction, Ledger
from courtyard.buffer.reader import Found, Reader
from courtyard.buffer.types import Finding

T = TypeVar("T")


class Reading:
    """The loop's side of the reading thread."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        committer: Committer,
        composer: Composer,
        wall_ms: Callable[[], int],
        report: Callable[[Finding], None],
    ) -> None:
        self._database, self._ledger, self._committer, self._composer = database, ledger, committer, composer
        self._wall_ms, self._report = wall_ms, report
        self._worker: Worker | None = None
        self._reader: Reader | None = None
        self._serial = -1

    def start(self, worker: Worker) -> None:
        self._worker = worker

    async def ask(self, work: Callable[[Reader], T]) -> T:
        """The result of `work`, done in the reading thread.  Raises DiskFault."""
        assert self._worker is not None
        try:
            return await ask(self._worker, partial(self._with_reader, work))
        except (sqlite3.Error, OSError) as error:
            raise classify(error) from error

    async def rows(self, key: Key, first: int, last: int, max_bytes: int) -> Sequence[Chunk] | None:
        """Chunks from disk, the first of which holds `first`.

        Nothing when the accounts have changed meanwhile and are to be asked again; None when there is nothing to be
        had now: there will be a beat of the pulse when that changes.
        """
        transactions = self._committer.transactions
        try:
            found = await self.ask(lambda reader: reader.read(*key, first, last, max_bytes))
        except DiskFault as fault:
            if fault.code == "disk.damaged":
                self._committer.damaged(fault.detail)
            return None
        if found.chunks and found.chunks[0].first <= first:
            return found.chunks
        if self._committer.mode != "durable" or self._committer.busy:
            return None
        if transactions == self._committer.transactions:
            self._lost(key, first, last, found)
        return ()

    async def close(self) -> None:
        """Raises DiskFault."""
        await self.ask(lambda reader: reader.close())

    def _with_reader(self, work: Callable[[Reader], T]) -> T:
        self._database.options.gate("read")
        if self._reader is None or self._serial != self._database.serial:
            if self._reader is not None:
                self._reader.close()
            self._serial = self._database.serial
            self._reader = Reader(self._database.path, self._database.numbers)
        return work(self._reader)

    def _lost(self, key: Key, first: int, last: int, found: Found) -> None:
        stop = found.chunks[0].first - 1 if found.chunks else last
        now_ms = self._wall_ms()
        first = min([first, *(a for a, b in found.bad if a <= first <= b)])
        gone = Eviction(*key, first, stop, 0, (now_ms, now_ms), "corrupt")
        self._ledger.evicted([gone])
        self._composer.remove(gone)
        self._committer.touch()
        self._report(Finding("rows.corrupt", now_ms, {"epoch": key[0], "lane": key[1], "first": first, "last": stop}))
