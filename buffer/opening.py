"""Opening the database of a directory, whatever state it is in.

Invariants: what can be trusted goes on in its epoch.  A database that is new, was damaged, or has lost its log
(all or part of it) gets a new epoch, so that no number is ever given to a second record.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from courtyard.buffer import files
from courtyard.buffer.database import BUSY_S, Database
from courtyard.buffer.faults import DiskFault, classify
from courtyard.buffer.ledger import Epoch, Ledger, announcement, random_epoch
from courtyard.buffer.loading import Loaded, Log, load
from courtyard.buffer.salvage import finish, salvage
from courtyard.buffer.schema import PAGE_BYTES, TooNew, prepare
from courtyard.buffer.transaction import Job
from courtyard.buffer.types import Finding, Options

CHECK_BYTES = 64 << 20
"""Databases up to this size are checked whole when opened; larger ones when a page of theirs is used."""


class Opened(NamedTuple):
    """The accounts that the disk holds, and what there was to find."""

    ledger: Ledger
    findings: list[Finding]


def open_database(database: Database, now_ms: int, *, damaged: str = "") -> Opened:
    """Opens for writing; a database that is damaged (or is said to be, with the reason) is salvaged first.

    Raises DiskFault when the disk does not let us, JournalInUse when another process has the directory.
    """
    findings: list[Finding] = []
    try:
        database.options.gate("open")
        database.acquire()
        finish(database.directory, now_ms)
        if not damaged or not database.path.exists():
            try:
                return Opened(_open(database, now_ms, "", findings), findings)
            except (sqlite3.Error, DiskFault, TooNew) as error:
                damaged = "version" if isinstance(error, TooNew) else classify(error).detail
                if not isinstance(error, TooNew) and classify(error).code != "disk.damaged":
                    raise
        database.drop()
        rescued = salvage(database.directory, database.options, database.budget.room_bytes, now_ms)
        findings.append(
            Finding(
                "db.damaged",
                now_ms,
                {"detail": damaged, "kept": rescued.evidence, "records": rescued.records, "lost": rescued.lost},
            )
        )
        return Opened(_open(database, now_ms, "salvaged", findings), findings)
    except (sqlite3.Error, OSError) as error:
        database.drop()
        raise database.explain(error) from error


def _open(database: Database, now_ms: int, reason: str, findings: list[Finding]) -> Ledger:
    log = Log.before_opening(database.path)
    fresh = not files.size_of(database.path)
    connection = sqlite3.connect(
        database.path, isolation_level=None, check_same_thread=False, timeout=BUSY_S, cached_statements=64
    )
    try:
        if not fresh and files.size_of(database.path) <= CHECK_BYTES:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise DiskFault("disk.damaged", verdict)
        prepare(connection)
        loaded = load(connection, database.options)
        _, frames, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if not reason and not loaded.ledger.current:
            reason = "new"
        elif not reason and database.serial:
            reason = _forgotten(database, loaded)
        elif not reason and loaded.running and not log.present:
            reason = "log-missing"
        elif not reason and log.goes_on_after(database.path, max(frames, 0), PAGE_BYTES):
            reason = "log-damaged"
    except BaseException:
        connection.close()
        raise
    database.adopt(connection, loaded.numbers, loaded.tracks)
    loaded.ledger.reconcile("quota", now_ms)
    _mark_running(database, loaded.ledger, reason, now_ms, findings)
    return loaded.ledger


def _forgotten(database: Database, loaded: Loaded) -> str:
    """Why a new epoch is needed when this process opens its database again: only if that has forgotten numbers.

    The log may rightly be gone then: closing the last connection moves it into the database.
    """
    known = {key: track.last for key, track in database.tracks.items()}
    heads = {key: track.last for key, track in loaded.tracks.items()}
    return "log-lost" if any(last > heads.get(key, 0) for key, last in known.items()) else ""


def _mark_running(database: Database, ledger: Ledger, reason: str, now_ms: int, findings: list[Finding]) -> None:
    epochs = []
    if reason:
        findings.append(begin_epoch(ledger, reason, now_ms))
        epochs.append(ledger.epochs[ledger.current])
    consumers = {name: consumer.copy() for name, consumer in ledger.consumers.items()}
    database.commit(Job(consumers=consumers, epochs=epochs, current=ledger.current))
    for consumer in ledger.consumers.values():
        consumer.dirty.clear()
        consumer.losses_dirty = False
    database.checkpoint()


def begin_epoch(ledger: Ledger, reason: str, now_ms: int, *, volatile: bool = False) -> Finding:
    """Draws a new epoch, current from now on unless it is volatile; the finding names the one before and its heads."""
    previous = ledger.epochs.get(ledger.current)
    epoch = ledger.begin(Epoch(random_epoch(), now_ms, reason, volatile=volatile))
    if not volatile:
        ledger.current = epoch.name
    return Finding("epoch.new", now_ms, announcement(epoch, previous))


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that never writes; also where the file system is read-only.  Raises sqlite3.Error."""
    failure: sqlite3.Error | None = None
    for mode in ("mode=ro", "mode=ro&immutable=1"):
        connection = sqlite3.connect(f"file:{path}?{mode}", uri=True, timeout=BUSY_S, check_same_thread=False)
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.Error as error:
            connection.close()
            failure = error
            continue
        return connection
    raise failure or sqlite3.OperationalError("unreachable")


def load_to_read(path: Path, options: Options, gate: Callable[[str], None]) -> Loaded:
    """The accounts of a database that cannot be written.  Raises DiskFault."""
    try:
        gate("open")
        connection = connect_to_read(path)
        try:
            return load(connection, options)
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:
        raise classify(error) from error


__all__ = ["CHECK_BYTES", "Opened", "begin_epoch", "connect_to_read", "load_to_read", "open_database"]
