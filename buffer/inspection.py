"""Looking at a journal from outside: read-only, also while a daemon has it open.

Every function takes the journal's directory.  Reading is done in short transactions, so that a long export does not
keep the daemon's log from being reset; only `verify` looks at one moment throughout, and the daemon counts what its
log grows meanwhile.  What a daemon has in memory only is not seen here.

All raise FileNotFoundError without a journal there, DiskFault when it cannot be read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from sqlite_utils import Database as Tables

from courtyard.buffer import files
from courtyard.buffer.chunks import Chunk
from courtyard.buffer.faults import DISK_ERRORS, DiskFault, classify
from courtyard.buffer.ledger import Track
from courtyard.buffer.loading import Loaded, load
from courtyard.buffer.opening import connect_to_read
from courtyard.buffer.ranges import RangeSet
from courtyard.buffer.reader import Reader
from courtyard.buffer.schema import MAX_SEQ, VERSION, unkey
from courtyard.buffer.status import answer, directory_bytes, picture, questions
from courtyard.buffer.types import Finding, Options, Status, StoredRecord

_STEP_BYTES = 1 << 20
_TABLES = {"block", "epoch", "head", "progress", "uplink", "state"}


class Verdict(msgspec.Struct, frozen=True):
    """What `verify` came to: how much was read, and what is wrong (nothing, when `problems` is empty).

    Problems: `db.damaged` {detail}, `table.missing` {table}, `version.unknown` {version}, `row.corrupt`,
    `row.missing` and `row.unexpected` {epoch, lane, first, last}, `epoch.current` {count},
    `progress.beyond` {uplink, epoch, lane, last}.
    """

    records: int
    bytes: int
    epochs: int
    problems: tuple[Finding, ...]


def status(directory: Path, options: Options | None = None) -> Status:
    """The accounts as they are on disk; `options` only names the lanes and the quota."""
    chosen = options or Options()
    with _reading(directory) as (connection, reader):
        loaded = _load(connection, reader)
        ledger = loaded.ledger
        lanes = tuple(dict.fromkeys((*chosen.lanes, *loaded.numbers.lanes)))
        times = answer(reader, questions(ledger, lanes))
    return picture(
        ledger,
        lanes,
        times,
        epoch=ledger.current,
        durable=True,
        quota_bytes=chosen.quota_bytes,
        used_bytes=directory_bytes(directory),
        faults=(),
    )


def tail(directory: Path, count: int, lane: str | None = None) -> list[StoredRecord]:
    """The newest `count` records of a lane, or of each lane, oldest first."""
    found: list[StoredRecord] = []
    with _reading(directory) as (connection, reader):
        loaded = _load(connection, reader)
        for name in loaded.numbers.lanes if lane is None else [lane]:
            left = count
            newest: list[list[StoredRecord]] = []
            for epoch in reversed(loaded.ledger.epochs.values()):
                track = epoch.tracks.get(name)
                if track is not None and left > 0:
                    part = list(_records(reader, epoch.name, name, track, max(track.last - left + 1, 1), track.last))
                    newest.append(part)
                    left -= len(part)
            found.extend(record for part in reversed(newest) for record in part)
    return found


def export(
    directory: Path,
    *,
    epoch: str | None = None,
    lane: str | None = None,
    first: int = 1,
    last: int | None = None,
    since_ms: int | None = None,
    until_ms: int | None = None,
) -> Iterator[StoredRecord]:
    """Records one after another: by lane, then epoch in the order in which they began, then number.

    `first` and `last` are sequence numbers, `since_ms` and `until_ms` wall times; all bounds are inclusive.
    Records that are evicted while the export runs are left out.
    """
    low, high = since_ms if since_ms is not None else -(1 << 63), until_ms if until_ms is not None else 1 << 63
    with _reading(directory) as (connection, reader):
        loaded = _load(connection, reader)
        for name in loaded.numbers.lanes if lane is None else [lane]:
            for known in loaded.ledger.epochs.values():
                track = known.tracks.get(name)
                if track is not None and epoch in (None, known.name):
                    stop = track.last if last is None else min(last, track.last)
                    for record in _records(reader, known.name, name, track, max(first, 1), stop):
                        if low <= record.at_ms <= high:
                            yield record


def verify(directory: Path) -> Verdict:
    """Checks the file, every row, that each epoch and lane is without unexplained holes, and every account."""
    problems: list[Finding] = []
    records = stored_bytes = epochs = 0
    try:
        with _reading(directory) as (connection, reader):
            connection.execute("BEGIN")
            for (text,) in connection.execute("PRAGMA integrity_check(20)"):
                if text != "ok":
                    problems.append(_problem("db.damaged", detail=text))
            _check_tables(connection, problems)
            loaded = _load(connection, reader)
            epochs = len(loaded.ledger.epochs)
            current = connection.execute("SELECT count(*) FROM epoch WHERE current").fetchone()[0]
            if current != 1:
                problems.append(_problem("epoch.current", count=current))
            for epoch in loaded.ledger.epochs.values():
                for lane, track in epoch.tracks.items():
                    held = _check_rows(connection, reader, epoch.name, lane, track, problems)
                    records, stored_bytes = records + held, stored_bytes + track.bytes
            _check_progress(connection, loaded, problems)
    except DiskFault as fault:
        problems.append(_problem("db.damaged", detail=fault.detail))
    return Verdict(records, stored_bytes, epochs, tuple(problems))


@contextmanager
def _reading(directory: Path) -> Iterator[tuple[sqlite3.Connection, Reader]]:
    path = directory / files.DATABASE
    if not path.exists():
        raise FileNotFoundError(path)
    try:
        connection = connect_to_read(path)
        try:
            yield connection, Reader.of(connection)
        finally:
            connection.close()
    except DISK_ERRORS as error:
        raise classify(error) from error


def _load(connection: sqlite3.Connection, reader: Reader) -> Loaded:
    if connection.in_transaction:
        loaded = load(connection, Options())
    else:
        connection.execute("BEGIN")
        loaded = load(connection, Options())
        connection.execute("COMMIT")
    reader.numbers = loaded.numbers
    return loaded


def _records(reader: Reader, epoch: str, lane: str, track: Track, first: int, last: int) -> Iterator[StoredRecord]:
    seq = first
    while seq <= last:
        seq = track.absent.next_missing(seq)
        chunks = reader.read(epoch, lane, seq, last, _STEP_BYTES).chunks if seq <= last else []
        for chunk in chunks:
            yield from _records_of(chunk, seq, last)
        if not chunks:
            return
        seq = chunks[-1].last + 1


def _records_of(chunk: Chunk, first: int, last: int) -> Iterator[StoredRecord]:
    for offset, (at_ms, body) in enumerate(zip(chunk.ats, chunk.bodies, strict=True)):
        if first <= chunk.first + offset <= last:
            yield StoredRecord(chunk.epoch, chunk.boot, chunk.lane, chunk.first + offset, at_ms, body)


def _problem(code: str, **params: str | int) -> Finding:
    return Finding(code, 0, params)


def _check_tables(connection: sqlite3.Connection, problems: list[Finding]) -> None:
    tables = Tables(connection)
    problems.extend(_problem("table.missing", table=name) for name in sorted(_TABLES - set(tables.table_names())))
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        problems.append(_problem("version.unknown", version=version))


def _check_rows(
    connection: sqlite3.Connection, reader: Reader, epoch: str, lane: str, track: Track, problems: list[Finding]
) -> int:
    """Reads every row; returns how many records there are."""
    present = RangeSet()
    seq = 1
    while seq <= track.last:
        found = reader.read(epoch, lane, seq, track.last, _STEP_BYTES)
        for chunk in found.chunks:
            present.add(chunk.first, chunk.last)
        for first, last in found.bad:
            present.add(first, last)
            problems.append(_problem("row.corrupt", epoch=epoch, lane=lane, first=first, last=last))
        ends = [chunk.last for chunk in found.chunks] + [last for _, last in found.bad]
        if not ends:
            break
        seq = max(ends) + 1
    beyond = connection.execute(
        "SELECT max(id) FROM block WHERE id BETWEEN ? AND ?",
        (reader.numbers.key(epoch, lane, track.last + 1), reader.numbers.key(epoch, lane, MAX_SEQ)),
    ).fetchone()[0]
    if beyond is not None:
        present.add(unkey(beyond)[2], unkey(beyond)[2])
    expected = RangeSet(track.absent.missing(1, track.last))
    for first, last in (part for a, b in expected for part in present.missing(a, b)):
        problems.append(_problem("row.missing", epoch=epoch, lane=lane, first=first, last=last))
    for first, last in (part for a, b in present for part in expected.missing(a, b)):
        problems.append(_problem("row.unexpected", epoch=epoch, lane=lane, first=first, last=last))
    return present.total


def _check_progress(connection: sqlite3.Connection, loaded: Loaded, problems: list[Finding]) -> None:
    heads: Mapping[tuple[str, str], int] = {key: track.last for key, track in loaded.tracks.items()}
    for row in Tables(connection).table("progress").rows:
        key = str(row["epoch"]), str(row["lane"])
        ranges = list(RangeSet.parse(str(row["settled"])))
        if ranges and ranges[-1][1] > heads.get(key, 0) and key[0] in loaded.ledger.epochs:
            problems.append(
                _problem("progress.beyond", uplink=str(row["uplink"]), epoch=key[0], lane=key[1], last=ranges[-1][1])
            )
