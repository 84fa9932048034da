"""Reading rows back, on a connection of its own that never writes.

Each call is one short read transaction, so that the log can be reset between calls.  Owned by the reading thread.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

from courtyard.buffer.chunks import BadRow, Chunk, Row, unpack
from courtyard.buffer.opening import connect_to_read
from courtyard.buffer.schema import MAX_SEQ, Numbers, unkey

_ROW = "epoch, lane, boot, id, count, at_min, at_max, codec, crc, body"


class Found(NamedTuple):
    """What a read came upon: chunks, ascending, and the numbers of rows whose content is damaged."""

    chunks: list[Chunk]
    bad: list[tuple[int, int]]


class Reader:
    """Reads one database file; a new one is needed when the file is replaced."""

    def __init__(self, path: Path, numbers: Numbers) -> None:
        self._path, self.numbers = path, numbers
        self._connection: sqlite3.Connection | None = None

    @classmethod
    def of(cls, connection: sqlite3.Connection) -> Reader:
        """A reader on a connection that is open already; its `numbers` are to be set before use."""
        made = cls(Path(), Numbers())
        made._connection = connection
        return made

    @property
    def connection(self) -> sqlite3.Connection:
        """Raises sqlite3.Error when the database cannot be read."""
        if self._connection is None:
            self._connection = connect_to_read(self._path)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def read(self, epoch: str, lane: str, first: int, last: int, max_bytes: int) -> Found:
        """The rows that hold records `first..last`, up to about `max_bytes` of bodies and at least one row.

        The outer rows may reach beyond the range.  Rows that are not there are simply missing.  Raises sqlite3.Error.
        """
        if epoch not in self.numbers.epochs or lane not in self.numbers.lanes:
            return Found([], [])
        low, high = self.numbers.key(epoch, lane, first), self.numbers.key(epoch, lane, last)
        floor = self.numbers.key(epoch, lane, 0)
        connection = self.connection
        start = connection.execute("SELECT max(id) FROM block WHERE id BETWEEN ? AND ?", (floor, low)).fetchone()[0]
        found = Found([], [])
        taken = 0
        cursor = connection.execute(
            f"SELECT {_ROW} FROM block WHERE id BETWEEN ? AND ? ORDER BY id", (low if start is None else start, high)
        )
        try:
            for columns in cursor:
                number = columns[3]
                try:
                    chunk = unpack(Row._make((*columns[:3], unkey(number)[2], *columns[4:])))
                except BadRow:
                    found.bad.append((unkey(number)[2], self._before_next(number, last)))
                    continue
                if chunk.last >= first:
                    found.chunks.append(chunk)
                    taken += chunk.size
                    if taken >= max_bytes:
                        break
        finally:
            cursor.close()
        return found

    def oldest_at_ms(self, epoch: str, lane: str, seq: int = 0) -> int | None:
        """Wall time of the row that holds `seq` or comes next after it in this epoch and lane; None without one."""
        if epoch not in self.numbers.epochs or lane not in self.numbers.lanes:
            return None
        floor, high = self.numbers.key(epoch, lane, 0), self.numbers.key(epoch, lane, MAX_SEQ)
        row = self.connection.execute(
            "SELECT at_min FROM block WHERE id BETWEEN ?1 AND ?2 AND (id & ?3) + count > ?4 ORDER BY id LIMIT 1",
            (self._start(floor, floor + seq), high, MAX_SEQ, seq),
        ).fetchone()
        return None if row is None else int(row[0])

    def _start(self, floor: int, number: int) -> int:
        found = self.connection.execute(
            "SELECT max(id) FROM block WHERE id BETWEEN ? AND ?", (floor, number)
        ).fetchone()[0]
        return number if found is None else int(found)

    def _before_next(self, number: int, last: int) -> int:
        """The last number that a damaged row may have held: one before the next row's, or `last` without a next."""
        row = self.connection.execute(
            "SELECT min(id) FROM block WHERE id > ? AND id <= ?", (number, number | MAX_SEQ)
        ).fetchone()
        return max(last, unkey(number)[2]) if row[0] is None else unkey(row[0])[2] - 1
