"""Where a row stands in the database, and how a connection that writes is set up.

`block.id` puts the rows in the order in which they are kept: lane number, then epoch number, then first sequence
number, so that a lane's oldest records are its first rows and a lane is read from front to back.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from courtyard.buffer.faults import DiskFault

VERSION = 2
"""Of the tables; `PRAGMA user_version`."""

PAGE_BYTES = 4096
APPLICATION_ID = 0x436F7572  # "Cour"

_SEQ_BITS, _EPOCH_BITS = 42, 16
MAX_SEQ = (1 << _SEQ_BITS) - 1
MAX_EPOCH_NO = (1 << _EPOCH_BITS) - 1

_LAYOUT = (f"page_size={PAGE_BYTES}", "auto_vacuum=INCREMENTAL", "secure_delete=OFF")
SERVICE = (
    *_LAYOUT,
    "journal_mode=WAL",
    "synchronous=FULL",
    "wal_autocheckpoint=0",
    "cache_size=-1024",
    "temp_store=MEMORY",
)
"""For the daemon: what is committed is on disk."""

BUILDING = (*_LAYOUT, "journal_mode=MEMORY", "synchronous=OFF")
"""For a file that nobody trusts before it is complete, synced and renamed."""


class TooNew(Exception):
    """The database was written by a later version of the program."""


def key(lane_no: int, epoch_no: int, seq: int) -> int:
    """`block.id` of the row that begins with this record; `head.id` is the key of record 0."""
    return (lane_no << _EPOCH_BITS | epoch_no) << _SEQ_BITS | seq


def unkey(number: int) -> tuple[int, int, int]:
    """Lane number, epoch number and sequence number of a key."""
    return number >> (_EPOCH_BITS + _SEQ_BITS), number >> _SEQ_BITS & MAX_EPOCH_NO, number & MAX_SEQ


class Numbers:
    """Which numbers stand for the names of lanes and epochs in the keys of one database.

    Only the writer gives out new ones; readers of other threads see a mapping that only grows.
    """

    def __init__(self) -> None:
        self.lanes: dict[str, int] = {}
        self.epochs: dict[str, int] = {}

    def lane(self, name: str) -> int:
        return self.lanes.setdefault(name, max(self.lanes.values(), default=-1) + 1)

    def epoch(self, name: str) -> int:
        """Raises DiskFault when this database has seen as many epochs as its keys can tell apart; salvage renumbers."""
        if name not in self.epochs:
            number = max(self.epochs.values(), default=0) + 1
            if number > MAX_EPOCH_NO:
                raise DiskFault("disk.damaged", f"{number} epochs")
            self.epochs[name] = number
        return self.epochs[name]

    def key(self, epoch: str, lane: str, seq: int) -> int:
        return key(self.lane(lane), self.epoch(epoch), seq)


def prepare(connection: sqlite3.Connection, pragmas: Sequence[str] = SERVICE) -> None:
    """Sets the connection up for writing and brings the tables to this version.

    Raises sqlite3.Error, and TooNew when the tables are of a later version.
    """
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}").fetchall()
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise TooNew(f"version {version}, known up to {VERSION}")
    if version < VERSION and not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        from courtyard.buffer.tables import create

        create(connection)
    elif version < VERSION:
        # Imported only here: sqlite-utils costs 5 MB of memory that a running daemon has no further use for.
        with _not_imported("numpy"):
            from courtyard.buffer.migrations import migrate

        migrate(connection)


@contextmanager
def _not_imported(name: str) -> Iterator[None]:
    """Imports within do without an optional package: sqlite-utils takes numpy in, 12 MB, merely to know its types."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # "not to be found", says importlib
    try:
        yield
    finally:
        del sys.modules[name]
