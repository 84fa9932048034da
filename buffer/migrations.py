"""The tables of the journal, and how a database of any earlier version becomes one of the present version.

No two tables have equally many columns of equal types: a row carved out of a damaged file tells its table.
A block names its epoch and lane beside its key, because a damaged file is read without the other tables.
"""

from __future__ import annotations

import sqlite3

from sqlite_utils import Database as Tables
from sqlite_utils import Migrations

from courtyard.buffer.schema import APPLICATION_ID, MAX_SEQ, VERSION

steps = Migrations("journal")


@steps()
def v1_tables(db: Tables) -> None:
    """Packed rows of records, numbering, progress and producer state."""
    db.table("block").create(
        {
            "id": int,
            "epoch": str,
            "lane": str,
            "boot": str,
            "count": int,
            "at_min": int,
            "at_max": int,
            "codec": int,
            "crc": int,
            "body": bytes,
        },
        pk="id",
    )
    db.table("epoch").create(
        {
            "id": int,
            "name": str,
            "since_ms": int,
            "reason": str,
            "current": int,
            "running": int,
            "salvaged": int,
        },
        pk="id",
    )
    db.table("head").create({"id": int, "lane": str, "last": int, "bytes": int, "absent": str}, pk="id")
    db.table("progress").create(
        {"uplink": str, "epoch": str, "lane": str, "settled": str}, pk=("uplink", "epoch", "lane")
    )
    db.table("uplink").create({"name": str, "lanes": str, "losses": str}, pk="name")
    db.table("state").create({"key": str, "value": bytes}, pk="key")


@steps()
def v2_readable_numbers(db: Tables) -> None:
    """A view that shows each row with its sequence numbers, for people with a database browser."""
    db.create_view(
        "rows_by_number",
        f"SELECT epoch, lane, boot, id & {MAX_SEQ} AS first, (id & {MAX_SEQ}) + count - 1 AS last, "
        "at_min, at_max, length(body) AS stored_bytes FROM block",
    )


def migrate(connection: sqlite3.Connection) -> None:
    """Applies what is pending, each step in a transaction of its own.  Raises sqlite3.Error."""
    steps.apply(Tables(connection))
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={VERSION}")
