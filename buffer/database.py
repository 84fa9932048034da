"""The one connection that writes, and the budget of the directory.

Invariants:

- `commit` returns only when the transaction is on disk (write-ahead log, synchronous=FULL); when it raises,
  nothing of the job counts, and the connection is to be opened again before it is used further, because an error
  leaves open what the disk has;
- the database never has more pages than the quota leaves beside the log and other files (`max_page_count`); the
  log is checkpointed before it outgrows its share.

Sizes: the quota is split into the log's share (a sixteenth, at most 8 MiB), 64 KiB for index and lock, and pages.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from courtyard.buffer import files
from courtyard.buffer.consumer import Key
from courtyard.buffer.faults import DiskFault, classify
from courtyard.buffer.ledger import Track
from courtyard.buffer.room import Room
from courtyard.buffer.schema import PAGE_BYTES, Numbers
from courtyard.buffer.transaction import Job, Receipt, write
from courtyard.buffer.types import Options

MIN_QUOTA_BYTES = 1 << 20
_SIDE_BYTES = 64 << 10
_MAX_LOG_BYTES = 8 << 20
_MIN_LOG_BYTES = 256 << 10
_TRANSACTION_OVERHEAD_BYTES = 6 * PAGE_BYTES
BUSY_S = 0.5


class Budget:
    """How the quota is split.  Raises ValueError for a quota or reserve that cannot be kept."""

    def __init__(self, options: Options) -> None:
        if options.quota_bytes < MIN_QUOTA_BYTES:
            raise ValueError(f"quota_bytes is {options.quota_bytes}, at least {MIN_QUOTA_BYTES} are needed")
        if not 0 <= options.alarm_reserve_bytes <= options.quota_bytes // 2:
            raise ValueError("alarm_reserve_bytes must be between 0 and half of quota_bytes")
        self.quota_bytes = options.quota_bytes
        self.log_bytes = min(max(options.quota_bytes // 16, _MIN_LOG_BYTES), _MAX_LOG_BYTES)
        self.room_bytes = options.quota_bytes - self.log_bytes - _SIDE_BYTES
        self.group_bytes = self.log_bytes // 4
        self.append_bytes = self.log_bytes // 2
        self.entry_bytes = min(options.max_entry_bytes, self.log_bytes // 4)


class Database:
    """Owned by the writing thread from `attach` on; `numbers` and `serial` may be read by other threads."""

    def __init__(self, directory: Path, options: Options) -> None:
        self.directory, self.path = directory, directory / files.DATABASE
        self.options, self.budget = options, Budget(options)
        self.numbers = Numbers()
        self.tracks: dict[Key, Track] = {}
        self.serial = 0
        self._lock: files.Lock | None = None
        self._connection: sqlite3.Connection | None = None
        self._log_bytes = self._spare_pages = 0
        self.oversize = False

    @property
    def connection(self) -> sqlite3.Connection:
        """Raises sqlite3.OperationalError when the database is not open."""
        if self._connection is None:
            raise sqlite3.OperationalError("the database is not open")
        return self._connection

    @property
    def opened(self) -> bool:
        """True while there is a connection."""
        return self._connection is not None

    def acquire(self) -> None:
        """Makes the directory, if need be, and takes its lock.  Raises JournalInUse or OSError."""
        if self._lock is None:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._lock = files.Lock(self.directory)

    def adopt(self, connection: sqlite3.Connection, numbers: Numbers, tracks: dict[Key, Track]) -> None:
        """Takes over a connection that was opened and read."""
        self.drop()
        self._connection, self.numbers, self.tracks = connection, numbers, tracks
        self.serial += 1
        self._pragma(f"journal_size_limit={self.budget.log_bytes}")
        self._set_limit()

    def drop(self) -> None:
        """Closes the connection, whatever state it is in."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error:
                return  # it was being given up because it does not work; nothing rests on its closing

    def commit(self, job: Job) -> Receipt:
        """Writes the job and returns when it is on disk.  Raises DiskFault."""
        connection = self.connection
        self._dropped: list[str] = []
        tracks = {key: Track(t.last, t.absent.copy(), t.bytes) for key, t in self.tracks.items()}
        try:
            if self._swollen():
                self.checkpoint()
            connection.execute("BEGIN IMMEDIATE")
            room = self._room(connection, job, tracks)
            if self.oversize:
                room.shrink(self.budget.group_bytes // PAGE_BYTES)
            deflated = self.options.lanes[-1] if self.options.reading_commit_s > 0 else None
            receipt = write(
                connection,
                job,
                self.numbers,
                tracks,
                room,
                self.options.lanes,
                deflated,
                self.options.max_ranges,
            )
            self.options.gate("commit")
            connection.execute("COMMIT")
            self.options.gate("committed")
        except BaseException as error:
            if classify(error).code not in ("disk.full", "disk.busy"):
                self.drop()
            elif connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(error, Exception):
                raise self.explain(error) from error
            raise
        self.tracks, self._spare_pages = tracks, room.spare_pages
        self._log_bytes += receipt.log_bytes + _TRANSACTION_OVERHEAD_BYTES
        if self.oversize:
            self._shrink()
        return receipt._replace(evidence=self._dropped)

    def explain(self, error: Exception) -> DiskFault:
        """The fault behind an error; where SQLite only says that input or output failed, the disk itself is asked."""
        fault = classify(error)
        if fault.code in ("disk.io", "disk.permission"):
            try:
                files.probe(self.directory)
            except OSError as reason:
                why = classify(reason)
                return DiskFault(why.code, f"{fault.detail}; {why.detail}")
        return fault

    @property
    def log_fill(self) -> float:
        """What was written since the last checkpoint, as a part of the log's share; above 1 another one is due."""
        return self._log_bytes / (self.budget.log_bytes - self.budget.group_bytes)

    def _swollen(self) -> bool:
        """True when a reader has kept the log from beginning anew until the quota was exceeded."""
        size = files.size_of(files.log_of(self.path))
        return size > self.budget.log_bytes * 3 // 2 and files.used_bytes(self.directory) > self.budget.quota_bytes

    def checkpoint(self) -> None:
        """Moves the log into the database.

        Raises DiskFault, also when a reader keeps the log from beginning anew and there is no more room for it.
        """
        try:
            self.options.gate("checkpoint")
            if not self.path.exists():
                raise DiskFault("disk.damaged", f"{self.path} is gone")
            swollen = self._swollen()
            mode = "RESTART" if swollen else "PASSIVE"
            busy, _, _ = self.connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
            self._log_bytes = 0
            if swollen and busy:
                raise DiskFault("disk.busy", "a reader keeps the log from beginning anew")
            self._set_limit()
        except (sqlite3.Error, OSError) as error:
            raise self.explain(error) from error

    def close(self) -> None:
        """Ends in good order, the log moved into the database, and lets others have the directory.

        Raises sqlite3.Error or OSError when the order was not good; others may have the directory all the same.
        """
        try:
            if self.opened:
                self.connection.execute("UPDATE epoch SET running = 0")
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            self.drop()
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def limit_pages(self) -> int:
        """The most pages that the database may have now."""
        beside = _SIDE_BYTES + self.budget.log_bytes
        beside += sum(files.size_of(path) for path in files.evidence(self.directory))
        return max((self.budget.quota_bytes - beside) // PAGE_BYTES, 1)

    def _room(self, connection: sqlite3.Connection, job: Job, tracks: dict[Key, Track]) -> Room:
        return Room(
            connection,
            self.numbers,
            tracks,
            job.consumers.values(),
            self.options.lanes,
            lambda: self._limit,
            self.options.alarm_reserve_bytes,
            self._drop_evidence,
            self._spare_pages,
        )

    def _drop_evidence(self) -> bool:
        kept: Sequence[Path] = files.evidence(self.directory)
        if not kept:
            return False
        kept[0].unlink()
        self._dropped.append(kept[0].name)
        self._set_limit()
        return True

    def _set_limit(self) -> None:
        self._limit, self._spare_pages = self.limit_pages(), 0
        self._pragma(f"max_page_count={self._limit}")
        self.oversize = self._pragma("page_count") > self._limit

    def _shrink(self) -> None:
        """Gives free pages back, some at a time, after the quota was lowered or something else took its room."""
        excess = self._pragma("page_count") - self._limit
        step = min(excess, self._pragma("freelist_count"), self.budget.group_bytes // PAGE_BYTES)
        if step > 0:
            self.connection.execute(f"PRAGMA incremental_vacuum({step})").fetchall()
            self._log_bytes += step * PAGE_BYTES
        self.oversize = self._pragma("page_count") > self._limit

    def _pragma(self, text: str) -> int:
        return int(self.connection.execute(f"PRAGMA {text}").fetchone()[0])
