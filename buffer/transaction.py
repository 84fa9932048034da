"""One transaction of the journal: records, numbering, progress, losses and producer state, all or nothing.

Invariants:

- what a transaction writes of an epoch and lane continues its numbers; the head row goes with the records;
- a row is deleted only in the transaction that also writes what its loss means for every consumer;
- the accounts it works on are copies: nothing outside changes unless the commit succeeded.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from courtyard.buffer.chunks import Chunk, Row, pack
from courtyard.buffer.consumer import Consumer, Key
from courtyard.buffer.faults import DiskFault
from courtyard.buffer.ledger import Epoch, Eviction, Track
from courtyard.buffer.room import ROW_OVERHEAD_BYTES, Room, pages_for
from courtyard.buffer.schema import Numbers


class Job(msgspec.Struct):
    """What one transaction has to write; the writer owns it and everything in it.

    `chunks` are new records and records that so far only memory held; `epochs` those that the disk may not know
    yet; `current` the epoch to number in from now on, when that changes; `clear_epochs` lose their records,
    `drop_epochs` have none left.
    """

    consumers: Mapping[str, Consumer] = {}
    chunks: Sequence[Chunk] = ()
    state: Mapping[str, bytes | None] = {}
    epochs: Sequence[Epoch] = ()
    current: str | None = None
    forgotten: Sequence[str] = ()
    clear_epochs: Sequence[str] = ()
    drop_epochs: Sequence[str] = ()
    bad_rows: Sequence[Eviction] = ()


class Receipt(NamedTuple):
    """What a transaction has done: bytes stored per epoch and lane, rows deleted, bytes written to the log."""

    stored: Mapping[Key, int]
    evictions: Sequence[Eviction]
    log_bytes: int
    evidence: Sequence[str] = ()
    """Names of the copies of damaged databases that were deleted to make room."""


def write(
    connection: sqlite3.Connection,
    job: Job,
    numbers: Numbers,
    tracks: dict[Key, Track],
    room: Room,
    lanes: Sequence[str],
    deflated: str | None,
    most_ranges: int,
) -> Receipt:
    """Writes the job within the open transaction; `tracks` and the job's consumers are changed on the way.

    `deflated` names the lane whose rows are compressed.  Raises sqlite3.Error and DiskFault.
    """
    _write_epochs(connection, job, numbers, tracks, room)
    stored: dict[Key, int] = {}
    rows: list[Row] = []
    for chunk in sorted(job.chunks, key=lambda chunk: lanes.index(chunk.lane)):
        rows += _place(chunk, tracks, room, stored, chunk.lane == deflated)
    connection.executemany(
        "INSERT INTO block (id, epoch, lane, boot, count, at_min, at_max, codec, crc, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(numbers.key(row.epoch, row.lane, row.first), *row[:3], *row[4:]) for row in rows],
    )
    log_bytes = sum(stored.values())
    touched = {*stored, *((gone.epoch, gone.lane) for gone in room.evictions)}
    connection.executemany(
        "INSERT OR REPLACE INTO head (id, lane, last, bytes, absent) VALUES (?, ?, ?, ?, ?)",
        [
            (numbers.key(*key, 0), key[1], tracks[key].last, tracks[key].bytes, tracks[key].absent.text())
            for key in touched
            if key in tracks
        ],
    )
    _write_consumers(connection, job, numbers, most_ranges)
    for name, value in job.state.items():
        if value is None:
            connection.execute("DELETE FROM state WHERE key = ?", (name,))
        else:
            connection.execute("INSERT OR REPLACE INTO state (key, value) VALUES (?, ?)", (name, value))
            log_bytes += len(value)
    return Receipt(stored, room.evictions, log_bytes)


def _place(chunk: Chunk, tracks: dict[Key, Track], room: Room, stored: dict[Key, int], deflate: bool) -> Iterator[Row]:
    """The rows of this chunk for which there is room; the others are lost at once, and counted."""
    key = chunk.epoch, chunk.lane
    track = tracks.setdefault(key, Track())
    if chunk.first <= track.last:
        raise DiskFault("disk.damaged", f"{chunk.epoch}/{chunk.lane} is at {track.last}, {chunk.first} was to follow")
    if chunk.first > track.last + 1:
        track.absent.add(track.last + 1, chunk.first - 1)
    stored.setdefault(key, 0)
    for row in pack(chunk, deflate=deflate):
        track.last = max(track.last, row.last)
        if room.take(chunk.lane, pages_for(len(row.body))):
            size = len(row.body) + ROW_OVERHEAD_BYTES
            track.bytes += size
            stored[key] += size
            yield row
        else:
            room.note(Eviction(*key, row.first, row.last, 0, (row.at_min, row.at_max)))


def _write_epochs(
    connection: sqlite3.Connection, job: Job, numbers: Numbers, tracks: dict[Key, Track], room: Room
) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO epoch (id, name, since_ms, reason, current, running, salvaged)"
        " VALUES (?, ?, ?, ?, 0, 0, ?)",
        [(numbers.epoch(e.name), e.name, e.since_ms, e.reason, e.salvaged) for e in job.epochs],
    )
    if job.current is not None:
        connection.execute("UPDATE epoch SET current = name = ?1, running = name = ?1", (job.current,))
    for gone in job.bad_rows:
        low, high = (numbers.key(gone.epoch, gone.lane, seq) for seq in (gone.first, gone.last))
        connection.execute("DELETE FROM block WHERE id BETWEEN ? AND ?", (low, high))
        if (gone.epoch, gone.lane) in tracks:
            room.note(gone)
    for name in job.clear_epochs:
        room.clear(name)
    for name in job.drop_epochs:
        connection.execute("DELETE FROM epoch WHERE name = ?", (name,))
        connection.execute("DELETE FROM progress WHERE epoch = ?", (name,))
        for key in [key for key in tracks if key[0] == name]:
            connection.execute("DELETE FROM head WHERE id = ?", (numbers.key(*key, 0),))
            del tracks[key]


def _write_consumers(connection: sqlite3.Connection, job: Job, numbers: Numbers, most_ranges: int) -> None:
    for name in job.forgotten:
        connection.execute("DELETE FROM uplink WHERE name = ?", (name,))
        connection.execute("DELETE FROM progress WHERE uplink = ?", (name,))
    for consumer in job.consumers.values():
        if consumer.losses_dirty:
            lanes, losses = msgspec.json.encode(consumer.lanes), msgspec.json.encode(consumer.losses())
            connection.execute(
                "INSERT OR REPLACE INTO uplink (name, lanes, losses) VALUES (?, ?, ?)",
                (consumer.name, lanes.decode(), losses.decode()),
            )
        connection.executemany(
            "INSERT OR REPLACE INTO progress (uplink, epoch, lane, settled) VALUES (?, ?, ?, ?)",
            [
                (consumer.name, *key, consumer.done(key).text(most_ranges))
                for key in consumer.dirty
                if key[0] in numbers.epochs
            ],
        )
