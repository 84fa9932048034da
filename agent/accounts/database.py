"""The file of accounts: its tables, and how it is opened, mended and used.

Invariants
1. No secret stands in the file: passwords and codes are argon2id hashes, sessions and tokens SHA-256 of 256
   random bits.
2. What a method promises is on disk when it returns (write-ahead log, synchronous=FULL), together with its line in the
   audit trail or not at all.
3. The audit trail is only ever added to; the oldest lines go when there are more than AUDIT_LINES.  The database itself
   refuses everything else.
4. A file that is damaged is set aside as evidence and a new one begins: people then need new one-time codes.
5. The file is for the service alone (0600, in a directory of 0700).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from courtyard.agent.refusal import Refusal
from courtyard.buffer import files
from courtyard.drivers.base import Scalar, Text

FILE: Final = "accounts.db"
VERSION: Final = 1
AUDIT_LINES: Final = 10_000
EVIDENCE: Final = 2
"""Damaged files that are kept."""
BUSY_S: Final = 5.0

_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS user (
    name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT, code TEXT, code_until INTEGER,
    created INTEGER NOT NULL, last_login INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS session (
    secret BLOB PRIMARY KEY, user TEXT NOT NULL REFERENCES user ON DELETE CASCADE,
    created INTEGER NOT NULL, seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS session_user ON session (user, created);
CREATE TABLE IF NOT EXISTS token (
    name TEXT PRIMARY KEY, secret BLOB NOT NULL UNIQUE, scopes TEXT NOT NULL, created INTEGER NOT NULL,
    created_by TEXT NOT NULL, expires INTEGER, used INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audit (
    number INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
    address TEXT NOT NULL, details TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS audit_stays BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is not rewritten'); END;
CREATE TRIGGER IF NOT EXISTS audit_keeps BEFORE DELETE ON audit
WHEN old.number > (SELECT max(number) FROM audit) - {AUDIT_LINES}
BEGIN SELECT RAISE(ABORT, 'the audit trail is not shortened'); END;
PRAGMA user_version = {VERSION};
"""


class AccountFile:
    """The open file.  Used by one thread at a time; other processes may change it meanwhile."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.path = directory, directory / FILE
        self.set_aside: str | None = None
        """Name of the evidence when a damaged file was found at the last opening."""
        self._connection: sqlite3.Connection | None = None

    def open(self, now_ms: int) -> None:
        """Opens the file, made anew if there is none or it is damaged.  Raises OSError, sqlite3.Error."""
        self.close()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.set_aside = None
        try:
            self._connection = _opened(self.path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise  # busy, full or forbidden: nothing that a new file would mend
            self.set_aside = files.set_aside(self.path, now_ms).name
            for old in files.evidence(self.directory)[:-EVIDENCE]:
                files.remove(old)
            self._connection = _opened(self.path)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on disk when it ends without an error.  Raises Refusal accounts.unavailable."""
        try:
            if self._connection is None:
                raise sqlite3.OperationalError("the file is not open")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise unavailable(error) from error

    def rows(self, statement: str, *values: object) -> list[Any]:
        """Reads; the tables are STRICT, so that types are the database's business.  Raises accounts.unavailable."""
        try:
            if self._connection is None:
                raise sqlite3.OperationalError("the file is not open")
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise unavailable(error) from error


def add_to_audit(
    connection: sqlite3.Connection,
    at_ms: int,
    who: str,
    action: str,
    subject: str,
    address: str,
    details: Mapping[str, Scalar | None],
) -> None:
    """One more line; texts are cut to what a line holds."""
    told = msgspec.json.encode(dict(details)).decode()
    if len(told) > 2000:
        told = '{"cut":true}'
    connection.execute(
        "INSERT INTO audit (at, who, action, subject, address, details) VALUES (?, ?, ?, ?, ?, ?)",
        (at_ms, who[:128], action[:64], subject[:256], address[:64], told),
    )
    connection.execute("DELETE FROM audit WHERE number <= (SELECT max(number) FROM audit) - ?", (AUDIT_LINES,))


def unavailable(error: Exception) -> Refusal:
    """What a person hears when the file cannot be used now."""
    return Refusal(
        "accounts.unavailable",
        Text(
            f"The file of accounts cannot be used now ({error}). Look at the disk: courtyard doctor.",
            f"账户文件暂时无法使用（{error}）。请检查磁盘：courtyard doctor。",
        ),
    )


def _opened(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_S)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA journal_size_limit = 1000000")
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(str(verdict))
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} COMMIT;")
        elif version > VERSION:
            raise sqlite3.OperationalError(f"accounts of a later release (version {version})")
    except BaseException:
        connection.close()
        raise
    return connection
