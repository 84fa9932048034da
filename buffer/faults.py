"""What a disk can answer instead of doing what it was asked, as one word per cure."""

from __future__ import annotations

import errno
import sqlite3
from typing import Final

from courtyard.buffer.types import JournalError, JournalInUse

DISK_ERRORS: Final = (sqlite3.Error, OSError)
"""What SQLite and the operating system raise."""

_BY_ERRNO: Final = {
    errno.ENOSPC: "disk.full",
    errno.EDQUOT: "disk.full",
    errno.EFBIG: "disk.full",
    errno.EROFS: "disk.read_only",
    errno.EACCES: "disk.permission",
    errno.EPERM: "disk.permission",
}

_BY_PRIMARY_CODE: Final = {
    sqlite3.SQLITE_FULL: "disk.full",
    sqlite3.SQLITE_READONLY: "disk.read_only",
    sqlite3.SQLITE_PERM: "disk.permission",
    sqlite3.SQLITE_CANTOPEN: "disk.permission",
    sqlite3.SQLITE_CORRUPT: "disk.damaged",
    sqlite3.SQLITE_NOTADB: "disk.damaged",
    sqlite3.SQLITE_BUSY: "disk.busy",
    sqlite3.SQLITE_LOCKED: "disk.busy",
}


class DiskFault(JournalError):
    """The disk refused: `disk.full`, `.read_only`, `.permission`, `.damaged`, `.busy` or `.io`; `detail` says more."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = code, detail


def classify(error: BaseException) -> DiskFault:
    """The fault behind an error of SQLite or of the operating system; unknown ones are `disk.io`."""
    if isinstance(error, DiskFault):
        return error
    if isinstance(error, JournalInUse):
        return DiskFault("disk.busy", str(error))
    if isinstance(error, OSError):
        return DiskFault(_BY_ERRNO.get(error.errno or 0, "disk.io"), str(error))
    number = getattr(error, "sqlite_errorcode", None)
    if number is None and type(error) is sqlite3.DatabaseError:
        return DiskFault("disk.damaged", str(error))
    name = getattr(error, "sqlite_errorname", "")
    return DiskFault(_BY_PRIMARY_CODE.get((number or 0) & 0xFF, "disk.io"), f"{error} ({name})" if name else str(error))
