"""The files of a journal's directory: names, sizes, evidence of damage, and the lock that keeps a second daemon out.

journal.db, -wal, -shm      the database
journal.lock                held with flock while a daemon runs; empty
salvage.db                  being built from a damaged database, or complete and about to take its place
damaged-20261122T063015Z.db, -wal    a database that was damaged, kept as evidence while there is room
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from courtyard.buffer.types import JournalInUse

DATABASE = "journal.db"
SALVAGE = "salvage.db"
SALVAGE_UNFINISHED = "salvage.tmp"
LOCK = "journal.lock"
PROBE = "journal.probe"
_EVIDENCE = "damaged-*"


class Lock:
    """Exclusive use of a directory, until `release` or the end of the process."""

    def __init__(self, directory: Path) -> None:
        """Raises JournalInUse, or OSError when the directory cannot be used at all."""
        path = directory / LOCK
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError:
            if not path.exists():
                raise
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._fd)
            raise JournalInUse(f"{directory} is in use by another process") from error

    def release(self) -> None:
        os.close(self._fd)


def log_of(database: Path) -> Path:
    """The write-ahead log beside a database."""
    return database.with_name(database.name + "-wal")


def size_of(path: Path) -> int:
    """Bytes of a file; 0 when there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def evidence(directory: Path) -> list[Path]:
    """The kept copies of damaged databases, oldest first."""
    return sorted(directory.glob(_EVIDENCE))


def used_bytes(directory: Path) -> int:
    """Bytes of all files of the directory."""
    return sum(size_of(path) for path in directory.iterdir() if path.is_file())


def set_aside(database: Path, now_ms: int) -> Path:
    """Renames a damaged database and its log, so that their new names tell when.  Raises OSError."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(max(now_ms, 0) // 1000))
    target = database.with_name(f"damaged-{stamp}.db")
    number = 1
    while target.exists():
        number += 1
        target = database.with_name(f"damaged-{stamp}-{number}.db")
    log = log_of(database)
    if log.exists():
        log.rename(log_of(target))
    database.with_name(database.name + "-shm").unlink(missing_ok=True)
    if database.exists():
        database.rename(target)
    return target


def remove(database: Path) -> None:
    """Deletes a database with all that SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def probe(directory: Path) -> None:
    """Writes and deletes a small file, to learn what the disk allows.  Raises OSError."""
    path = directory / PROBE
    try:
        with path.open("wb") as file:
            file.write(bytes(8192))
            file.flush()
            os.fsync(file.fileno())
    finally:
        path.unlink(missing_ok=True)


def sync_directory(directory: Path) -> None:
    """Makes renames in this directory durable."""
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
