"""The file of the history: its tables, its budget, and how a damaged one is set aside.

Invariants
1. The database and its log together never exceed the quota: pages are limited (`max_page_count`), the log is emptied
   before it outgrows its share, and the oldest rows go before there is no room for new ones: minutes first, then
   hours, then days, at last minutes that wait to be folded.
2. What is erased is gone from the file and from its log: overwritten, and no free page is left that held it.
3. A file that is damaged is set aside as evidence within the quota, or deleted, and a new one begins.

Rows are ordered by time first, so that the oldest go as one range, and a series is found by exact key:
`minutes` has a chunk of 60 buckets per hour and series, `hours` one of 24 per day (UTC), `days` one of 32 per 32 days.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from courtyard.agent.history import Resolution
from courtyard.buffer import files

FILE: Final = "history.db"
SCHEMA_VERSION: Final = 1
PAGE_BYTES: Final = 4096
MIN_QUOTA_BYTES: Final = 8_000_000
SERIES_BITS: Final = 24
ROOM_BYTES: Final = 1_500_000
"""Room that is made before a transaction; none is larger (see `rollup`)."""

SHRINK_PAGES: Final = 256


class Table(NamedTuple):
    """Where the buckets of a resolution lie: so many in a row, and how long they are kept."""

    name: str
    buckets: int


TABLES: Final[dict[Resolution, Table]] = {
    "minute": Table("minutes", 60),
    "hour": Table("hours", 24),
    "day": Table("days", 32),
}
_SCHEMA: Final = f"""
CREATE TABLE series (id INTEGER PRIMARY KEY, device TEXT NOT NULL, point TEXT NOT NULL, UNIQUE (device, point)) STRICT;
CREATE TABLE fresh (id INTEGER PRIMARY KEY, minute INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE minutes (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE hours (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE days (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE counters (series INTEGER PRIMARY KEY, value REAL NOT NULL) STRICT;
CREATE TABLE work (one INTEGER PRIMARY KEY CHECK (one = 1), hour INTEGER NOT NULL, series INTEGER NOT NULL,
    fresh INTEGER NOT NULL) STRICT;
PRAGMA user_version = {SCHEMA_VERSION};
"""


def key(chunk: int, series: int) -> int:
    """The key of a row: the number of its chunk in time, then its series."""
    return chunk << SERIES_BITS | series


class Database:
    """The writing connection.  Used by one thread."""

    def __init__(self, directory: Path, quota_bytes: int) -> None:
        self.directory, self.path = directory, directory / FILE
        self.quota_bytes = max(quota_bytes, MIN_QUOTA_BYTES)
        self._log_bytes = min(self.quota_bytes // 4, 4_000_000)
        self._pages = (self.quota_bytes - self._log_bytes - 64 * 1024) // PAGE_BYTES
        self._connection: sqlite3.Connection | None = None

    @property
    def sql(self) -> sqlite3.Connection:
        """Raises sqlite3.OperationalError when the file is not open."""
        if self._connection is None:
            raise sqlite3.OperationalError("the file is not open")
        return self._connection

    def open(self, now_ms: int) -> str | None:
        """Opens the file; returns the evidence's name when a damaged one was set aside, "" when it found no room.

        Raises OSError, sqlite3.Error.
        """
        self.close()
        self.directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        try:
            self._connection = self._opened()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise  # busy, full or forbidden: nothing that a new file would mend
            return self.set_aside(now_ms)
        return None

    def set_aside(self, now_ms: int) -> str:
        """Begins a new file beside the damaged one; keeps that as evidence if it takes less than half of the quota."""
        self.close()
        for old in files.evidence(self.directory):
            files.remove(old)
        evidence = files.set_aside(self.path, now_ms)
        name = evidence.name
        if files.used_bytes(self.directory) > self.quota_bytes // 2:
            files.remove(evidence)
            name = ""
        self._connection = self._opened()
        return name

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def used_bytes(self) -> int:
        """Bytes of everything in the directory."""
        return files.used_bytes(self.directory) if self.directory.is_dir() else 0

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction after room was made for it; the log is emptied when it has filled its share."""
        sql = self.sql
        if files.size_of(files.log_of(self.path)) > self._log_bytes // 2:
            self.checkpoint()
        sql.execute("BEGIN IMMEDIATE")
        try:
            self._make_room(sql)
            yield sql
        except BaseException:
            if sql.in_transaction:  # a full disk ends it by itself
                sql.execute("ROLLBACK")
            raise
        sql.execute("COMMIT")

    def checkpoint(self) -> None:
        """Moves the log into the database; what readers still need stays."""
        self.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def shrink(self) -> None:
        """Gives free pages back to the file system, so that nothing of what they held is left in the file."""
        while self.sql.execute("PRAGMA freelist_count").fetchone()[0]:
            self.sql.execute(f"PRAGMA incremental_vacuum({SHRINK_PAGES})").fetchall()
            self.checkpoint()
        self.checkpoint()

    def drop_before(self, sql: sqlite3.Connection, resolution: Resolution, chunk: int) -> None:
        """Deletes every row of this resolution that ends before this chunk begins."""
        sql.execute(f"DELETE FROM {TABLES[resolution].name} WHERE id < ?", (key(chunk, 0),))

    def _make_room(self, sql: sqlite3.Connection) -> None:
        need = ROOM_BYTES // PAGE_BYTES
        spare_evidence = files.evidence(self.directory)
        while self._free(sql) < need:
            if spare_evidence:
                files.remove(spare_evidence.pop(0))
                continue
            if any(self._drop_oldest(sql, resolution) for resolution in TABLES):
                continue
            if not sql.execute("DELETE FROM fresh WHERE id = (SELECT min(id) FROM fresh)").rowcount:
                return

    def _free(self, sql: sqlite3.Connection) -> int:
        (pages,) = sql.execute("PRAGMA page_count").fetchone()
        (free,) = sql.execute("PRAGMA freelist_count").fetchone()
        evidence = sum(files.size_of(path) for path in files.evidence(self.directory)) // PAGE_BYTES
        return int(self._pages - pages + free - evidence)

    def _drop_oldest(self, sql: sqlite3.Connection, resolution: Resolution) -> bool:
        """Deletes the oldest chunk of time of this resolution; False when there is none."""
        (first,) = sql.execute(f"SELECT min(id) FROM {TABLES[resolution].name}").fetchone()
        if first is None:
            return False
        self.drop_before(sql, resolution, (first >> SERIES_BITS) + 1)
        return True

    def _opened(self) -> sqlite3.Connection:
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640))
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=2.0)
        try:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")  # a power cut costs the last minutes, never the file
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute(f"PRAGMA journal_size_limit = {self._log_bytes}")
            connection.execute("PRAGMA secure_delete = FAST")
            connection.execute("PRAGMA cache_size = -1024")
            connection.execute(f"PRAGMA max_page_count = {self._pages}")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA_VERSION:
                raise sqlite3.OperationalError(f"history of a later release (version {version})")
            if version == 0:
                connection.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} COMMIT;")
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection
