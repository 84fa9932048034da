"""The tables of a new journal, as all steps of `migrations` together make them (a test compares the two).

A new journal is made from this text: sqlite-utils, which the steps are written with, would stay in the memory of the
daemon for as long as it runs.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from courtyard.buffer.schema import APPLICATION_ID, MAX_SEQ, VERSION

STEPS: Final = ("v1_tables", "v2_readable_numbers")
"""What `migrations` then takes as done."""

_DONE: Final = ", ".join(f"('journal', '{step}', strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now'))" for step in STEPS)
_VIEW: Final = (
    'CREATE VIEW "rows_by_number" AS SELECT epoch, lane, boot, '
    f"id & {MAX_SEQ} AS first, (id & {MAX_SEQ}) + count - 1 AS last, "
    "at_min, at_max, length(body) AS stored_bytes FROM block"
)
_TABLES: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
INSERT INTO "_sqlite_migrations" ("migration_set", "name", "applied_at") VALUES {_DONE};
CREATE TABLE "block" (
   "id" INTEGER PRIMARY KEY,
   "epoch" TEXT,
   "lane" TEXT,
   "boot" TEXT,
   "count" INTEGER,
   "at_min" INTEGER,
   "at_max" INTEGER,
   "codec" INTEGER,
   "crc" INTEGER,
   "body" BLOB
);
CREATE TABLE "epoch" (
   "id" INTEGER PRIMARY KEY,
   "name" TEXT,
   "since_ms" INTEGER,
   "reason" TEXT,
   "current" INTEGER,
   "running" INTEGER,
   "salvaged" INTEGER
);
CREATE TABLE "head" (
   "id" INTEGER PRIMARY KEY,
   "lane" TEXT,
   "last" INTEGER,
   "bytes" INTEGER,
   "absent" TEXT
);
CREATE TABLE "progress" (
   "uplink" TEXT,
   "epoch" TEXT,
   "lane" TEXT,
   "settled" TEXT,
   PRIMARY KEY ("uplink", "epoch", "lane")
);
CREATE TABLE "uplink" (
   "name" TEXT PRIMARY KEY,
   "lanes" TEXT,
   "losses" TEXT
);
CREATE TABLE "state" (
   "key" TEXT PRIMARY KEY,
   "value" BLOB
);
{_VIEW};
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""


def create(connection: sqlite3.Connection) -> None:
    """Makes the tables in a database without any, all or none.  Raises sqlite3.Error."""
    try:
        connection.executescript(_TABLES)
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
