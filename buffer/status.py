"""The journal's accounts as one picture, the same for a running daemon and for inspection from outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from courtyard.buffer import files
from courtyard.buffer.consumer import Consumer, Key
from courtyard.buffer.ledger import Ledger
from courtyard.buffer.reader import Reader
from courtyard.buffer.types import Finding, LaneStatus, Status, UplinkStatus


def questions(ledger: Ledger, lanes: Sequence[str]) -> list[tuple[Key, int]]:
    """Records whose time the picture needs: the oldest of each lane, and the oldest unsettled per uplink and lane."""
    asked: list[tuple[Key, int]] = []
    for lane in lanes:
        for epoch in ledger.epochs.values():
            track = epoch.tracks.get(lane)
            if track is not None and track.records:
                asked.append(((epoch.name, lane), track.absent.next_missing(1)))
                break
        asked.extend(first for c in ledger.consumers.values() if (first := oldest_wanted(ledger, c, lane)) is not None)
    return asked


def oldest_wanted(ledger: Ledger, consumer: Consumer, lane: str) -> tuple[Key, int] | None:
    """The first record of this lane that the uplink has not settled."""
    if lane in consumer.lanes:
        for key, _, _ in ledger.wanted(consumer, lane):
            return key, consumer.done(key).next_missing(1)
    return None


def answer(reader: Reader, asked: Iterable[tuple[Key, int]]) -> dict[tuple[Key, int], int]:
    """Wall times of these records, of those that the disk has.  Raises sqlite3.Error."""
    times = {(key, seq): reader.oldest_at_ms(*key, seq) for key, seq in asked}
    return {question: time for question, time in times.items() if time is not None}


def picture(
    ledger: Ledger,
    lanes: Sequence[str],
    times: Mapping[tuple[Key, int], int],
    *,
    epoch: str,
    durable: bool,
    quota_bytes: int,
    used_bytes: int,
    faults: Sequence[Finding],
) -> Status:
    """The status, from accounts and the times that `questions` asked for."""
    return Status(
        epoch=epoch,
        durable=durable,
        quota_bytes=quota_bytes,
        used_bytes=used_bytes,
        lanes={lane: _lane(ledger, lane, times) for lane in lanes},
        epochs=tuple(known.status() for known in ledger.epochs.values()),
        uplinks={name: _uplink(ledger, consumer, times) for name, consumer in ledger.consumers.items()},
        faults=tuple(faults),
    )


def _lane(ledger: Ledger, lane: str, times: Mapping[tuple[Key, int], int]) -> LaneStatus:
    epochs = [epoch for epoch in ledger.epochs.values() if lane in epoch.tracks and epoch.tracks[lane].last]
    tracks = [epoch.tracks[lane] for epoch in epochs]
    oldest = (
        times.get(((epoch.name, lane), track.absent.next_missing(1)))
        for epoch, track in zip(epochs, tracks, strict=True)
        if track.records
    )
    return LaneStatus(
        epoch=epochs[-1].name if epochs else "",
        head=tracks[-1].last if tracks else 0,
        records=sum(track.records for track in tracks),
        bytes=sum(track.bytes for track in tracks),
        oldest_at_ms=next(oldest, None),
    )


def _uplink(ledger: Ledger, consumer: Consumer, times: Mapping[tuple[Key, int], int]) -> UplinkStatus:
    backlog = {}
    for lane in consumer.lanes:
        first = oldest_wanted(ledger, consumer, lane)
        backlog[lane] = ledger.backlog(consumer, lane, None if first is None else times.get(first))
    return UplinkStatus(backlog=backlog, lost=dict(consumer.counts), gaps=tuple(consumer.gaps + consumer.carried))


def directory_bytes(directory: Path) -> int:
    """Bytes that the journal takes on disk; 0 when the directory cannot be read."""
    try:
        return files.used_bytes(directory)
    except OSError:
        return 0
