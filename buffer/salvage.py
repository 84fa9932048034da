"""A damaged database becomes a new one that holds what could be read, and a file kept as evidence.

Invariants:

- the damaged file is only read; it is renamed when its successor is complete and synced, and deleted only when
  it does not fit into the quota or too many such files are kept;
- a salvaged record keeps its epoch and number; what is lost among them becomes a gap, reason `corrupt`, for every
  consumer that had not settled it;
- after a crash at any point, opening again either uses the complete successor or begins anew.
"""

from __future__ import annotations

import mmap
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from courtyard.buffer import files
from courtyard.buffer.carve import Carved, carve
from courtyard.buffer.chunks import Row, intact
from courtyard.buffer.consumer import Consumer, Key, Losses
from courtyard.buffer.faults import DiskFault, classify
from courtyard.buffer.ledger import Epoch, Ledger, Track
from courtyard.buffer.loading import load
from courtyard.buffer.ranges import RangeSet
from courtyard.buffer.room import MARGIN_PAGES, ROW_OVERHEAD_BYTES, pages_for
from courtyard.buffer.schema import BUILDING, PAGE_BYTES, Numbers, prepare, unkey
from courtyard.buffer.types import Options

_BLOCK = (type(None), str, str, str, int, int, int, int, int, bytes)
_EPOCH = (type(None), str, int, str, int, int, int)
_HEAD = (type(None), str, int, int, str)
_PROGRESS = (str, str, str, str)
_UPLINK = (str, str, str)
_STATE = (str, bytes)
_INSERT = "INSERT OR IGNORE INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Salvaged(NamedTuple):
    """What came of it: records kept and lost, and the name of the evidence file (None: no room for it)."""

    records: int
    lost: int
    evidence: str | None


def finish(directory: Path, now_ms: int) -> None:
    """Ends a salvage that a crash interrupted: a complete successor takes its place.  Raises OSError."""
    files.remove(directory / files.SALVAGE_UNFINISHED)
    if (directory / files.SALVAGE).exists():
        if (directory / files.DATABASE).exists():
            files.set_aside(directory / files.DATABASE, now_ms)
        (directory / files.SALVAGE).rename(directory / files.DATABASE)
        files.sync_directory(directory)


def salvage(directory: Path, options: Options, room_bytes: int, now_ms: int) -> Salvaged:
    """Replaces the database of this directory by what can be read of it, in so many bytes with the evidence.

    Raises OSError, sqlite3.Error.
    """
    finish(directory, now_ms)
    damaged, target = directory / files.DATABASE, directory / files.SALVAGE_UNFINISHED
    ledger = _accounts(damaged, options)
    known = set(ledger.epochs)
    connection = sqlite3.connect(target, isolation_level=None)
    try:
        connection.execute(f"PRAGMA max_page_count={room_bytes // PAGE_BYTES}")
        prepare(connection, BUILDING)
        numbers = Numbers()
        present = _copy_rows(connection, _rows(damaged), ledger, numbers, known)
        lost = _settle_accounts(ledger, present, now_ms)
        _write_accounts(connection, ledger, numbers, options)
    finally:
        connection.close()
    _sync(target)
    target.rename(directory / files.SALVAGE)
    evidence = files.set_aside(damaged, now_ms)
    (directory / files.SALVAGE).rename(damaged)
    files.sync_directory(directory)
    prune_evidence(directory, options.quarantine_files, room_bytes)
    return Salvaged(sum(held.total for held in present.values()), lost, evidence.name if evidence.exists() else None)


def prune_evidence(directory: Path, most_files: int, room_bytes: int) -> None:
    """Deletes the oldest evidence while there is too much of it or no room for it.  Raises OSError."""
    while kept := files.evidence(directory):
        databases = [path for path in kept if path.suffix == ".db"]
        if len(databases) <= most_files and files.used_bytes(directory) <= room_bytes:
            return
        files.remove(databases[0] if databases else kept[0])


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _carved(database: Path) -> Iterator[Carved]:
    log = files.log_of(database)
    log_bytes = log.read_bytes() if log.exists() else b""
    if not files.size_of(database):
        yield from carve(b"", log_bytes, PAGE_BYTES)
        return
    with database.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        yield from carve(memoryview(mapped), log_bytes, PAGE_BYTES)


def _rows(database: Path) -> Iterator[Row]:
    for number, columns in _carved(database):
        if tuple(map(type, columns)) == _BLOCK and number >= 0:
            row = Row._make((*columns[1:4], unkey(number)[2], *columns[4:]))
            if intact(row):
                yield row


def _accounts(database: Path, options: Options) -> Ledger:
    """The small tables: through SQLite where it can, else from the pages."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return load(connection, options).ledger
    except (sqlite3.Error, DiskFault) as error:
        if classify(error).code in ("disk.damaged", "disk.io"):
            return _carved_accounts(database, options)
        raise
    finally:
        connection.close()


def _carved_accounts(database: Path, options: Options) -> Ledger:
    ledger = Ledger()
    epochs: dict[int, Epoch] = {}
    tables: dict[tuple[type, ...], list[Carved]] = {kind: [] for kind in (_HEAD, _PROGRESS, _UPLINK, _STATE)}
    for number, columns in _carved(database):
        kind = tuple(map(type, columns))
        if kind == _EPOCH:
            epochs[number] = Epoch(str(columns[1]), int(columns[2] or 0), str(columns[3]))
        elif kind in tables:
            tables[kind].append((number, columns))
    for number in sorted(epochs):
        ledger.begin(epochs[number])
    for number, (_, lane, last, _, _) in tables[_HEAD]:
        if (epoch := epochs.get(unkey(number)[1])) is not None and isinstance(last, int):
            track = epoch.track(str(lane))
            track.last = max(track.last, last)
    for _, (name, lanes, losses) in tables[_UPLINK]:
        _carve_uplink(ledger, str(name), str(lanes), str(losses), options)
    for _, (name, epoch_name, lane, settled) in tables[_PROGRESS]:
        consumer = ledger.consumers.get(str(name))
        if consumer is not None and str(epoch_name) in ledger.epochs and str(lane) in consumer.lanes:
            _carve_progress(consumer, (str(epoch_name), str(lane)), str(settled))
    ledger.state = {str(key): value for _, (key, value) in tables[_STATE] if isinstance(value, bytes)}
    return ledger


def _carve_uplink(ledger: Ledger, name: str, lanes: str, losses: str, options: Options) -> None:
    try:
        wanted = msgspec.json.decode(lanes, type=tuple[str, ...])
        account = msgspec.json.decode(losses, type=Losses)
    except msgspec.MsgspecError:
        return  # not a row of this table, whatever its types; an uplink without account is served everything
    consumer = ledger.consumers[name] = Consumer(name, wanted, "oldest", options.max_gaps, options.max_ranges)
    consumer.gaps, consumer.counts = account.untold, account.counts


def _carve_progress(consumer: Consumer, key: Key, settled: str) -> None:
    try:
        for first, last in RangeSet.parse(settled):
            consumer.settle(key, first, last)
    except ValueError:
        return  # without it these records are served again, which a platform drops as repeats


def _copy_rows(
    connection: sqlite3.Connection, rows: Iterator[Row], ledger: Ledger, numbers: Numbers, known: set[str]
) -> dict[Key, RangeSet]:
    for name, epoch in ledger.epochs.items():
        numbers.epoch(name)
        for track in epoch.tracks.values():
            track.bytes = 0
    present: dict[Key, RangeSet] = {}
    limit = connection.execute("PRAGMA max_page_count").fetchone()[0] - MARGIN_PAGES
    connection.execute("BEGIN")
    for row in rows:
        if connection.execute("PRAGMA page_count").fetchone()[0] + pages_for(len(row.body)) > limit:
            break
        if row.epoch not in ledger.epochs:
            if known:
                continue  # the epoch had been dropped; this is what a freed page still holds of it
            ledger.begin(Epoch(row.epoch, row.at_min, "salvaged"))
        key = row.epoch, row.lane
        connection.execute(_INSERT, (numbers.key(*key, row.first), *row[:3], *row[4:]))
        present.setdefault(key, RangeSet()).add(row.first, row.last)
        track = ledger.epochs[row.epoch].track(row.lane)
        track.last, track.bytes = max(track.last, row.last), track.bytes + len(row.body) + ROW_OVERHEAD_BYTES
    connection.execute("COMMIT")
    return present


def _settle_accounts(ledger: Ledger, present: dict[Key, RangeSet], now_ms: int) -> int:
    """Says what is absent, counts it for those who wanted it; how many records that were missing before are."""
    lost = 0
    for epoch in ledger.epochs.values():
        epoch.salvaged = True
        for lane, track in epoch.tracks.items():
            held = present.get((epoch.name, lane), RangeSet())
            before, track.absent = track.absent.total, RangeSet(held.missing(1, track.last))
            lost += max(track.absent.total - before, 0)
    for consumer in ledger.consumers.values():
        for name in ledger.epochs:
            for lane in consumer.lanes:
                consumer.done((name, lane))
    ledger.reconcile("corrupt", now_ms)
    return lost


def _write_accounts(connection: sqlite3.Connection, ledger: Ledger, numbers: Numbers, options: Options) -> None:
    tracks: dict[Key, Track] = {}
    connection.execute("BEGIN")
    for epoch in ledger.epochs.values():
        number = numbers.epoch(epoch.name)
        connection.execute(
            "INSERT INTO epoch VALUES (?, ?, ?, ?, 0, 0, 1)", (number, epoch.name, epoch.since_ms, epoch.reason)
        )
        tracks.update({(epoch.name, lane): track for lane, track in epoch.tracks.items()})
    connection.executemany(
        "INSERT INTO head VALUES (?, ?, ?, ?, ?)",
        [(numbers.key(*key, 0), key[1], t.last, t.bytes, t.absent.text()) for key, t in tracks.items()],
    )
    for consumer in ledger.consumers.values():
        lanes, losses = msgspec.json.encode(consumer.lanes), msgspec.json.encode(consumer.losses())
        connection.execute("INSERT INTO uplink VALUES (?, ?, ?)", (consumer.name, lanes.decode(), losses.decode()))
        connection.executemany(
            "INSERT INTO progress VALUES (?, ?, ?, ?)",
            [(consumer.name, *key, settled.text(options.max_ranges)) for key, settled in consumer.settled.items()],
        )
    connection.executemany("INSERT INTO state VALUES (?, ?)", list(ledger.state.items()))
    connection.execute("COMMIT")


__all__ = ["Salvaged", "finish", "prune_evidence", "salvage"]
