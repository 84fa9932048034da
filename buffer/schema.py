"""Where a row stands in the database, and how a connection that writes is set up.

`block.id` puts the rows in the order in which they are kept: lane number, then epoch number, then first sequence
number, so that a lane's oldest records are its first rows and a lane is read from front to back.
"""

from __future__ import annotations

import sqlite3

VERSION = 2
"""Of the tables; `PRAGMA user_version`."""

PAGE_BYTES = 4096
APPLICATION_ID = 0x436F7572  # "Cour"

_SEQ_BITS, _EPOCH_BITS = 42, 16
MAX_SEQ = (1 << _SEQ_BITS) - 1
MAX_EPOCH_NO = (1 << _EPOCH_BITS) - 1

PRAGMAS = (
    f"page_size={PAGE_BYTES}",
    "auto_vacuum=INCREMENTAL",
    "journal_mode=WAL",
    "synchronous=FULL",
    "secure_delete=OFF",
    "wal_autocheckpoint=0",
    "cache_size=-1024",
    "temp_store=MEMORY",
)


class TooNew(Exception):
    """The database was written by a later version of the program."""


def key(lane_no: int, epoch_no: int, seq: int) -> int:
    """`block.id` of the row that begins with this record; `head.id` is the key of record 0."""
    return (lane_no << _EPOCH_BITS | epoch_no) << _SEQ_BITS | seq


def unkey(number: int) -> tuple[int, int, int]:
    """Lane number, epoch number and sequence number of a key."""
    return number >> (_EPOCH_BITS + _SEQ_BITS), number >> _SEQ_BITS & MAX_EPOCH_NO, number & MAX_SEQ


def prepare(connection: sqlite3.Connection) -> None:
    """Sets the connection up for writing and brings the tables to this version.

    Raises sqlite3.Error, and TooNew when the tables are of a later version.
    """
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").fetchall()
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise TooNew(f"version {version}, known up to {VERSION}")
    if version < VERSION:
        # Imported only here: sqlite-utils costs 5 MB of memory that a running daemon has no further use for.
        from courtyard.buffer.migrations import migrate

        migrate(connection)
