"""The accounts of the journal in memory: numbering, what is still there, who has had what.

Owned by the event loop alone; a transaction works on copies.  Invariants:

- within an epoch and lane, numbers run from 1 to `last`; each is either there or in `absent`;
- an absent number is settled for every consumer of its lane, or in flight;
- epochs stand in the order in which they began; the current one is where new records are numbered.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from courtyard.buffer.consumer import Consumer, Key
from courtyard.buffer.ranges import RangeSet
from courtyard.buffer.types import Backlog, EpochStatus, Options, Start


def random_epoch() -> str:
    """Eight random hexadecimal digits."""
    return secrets.token_hex(4)


class Track:
    """One lane of one epoch: the last number given out, the numbers no longer there, the bytes stored."""

    __slots__ = ("absent", "bytes", "last")

    def __init__(self, last: int = 0, absent: RangeSet | None = None, stored_bytes: int = 0) -> None:
        self.last, self.absent, self.bytes = last, absent or RangeSet(), stored_bytes

    @property
    def records(self) -> int:
        return self.last - self.absent.total


class Epoch:
    """One numbering.  `volatile`: no disk knows it yet.  `salvaged`: who had what of it may have been lost."""

    __slots__ = ("name", "reason", "salvaged", "since_ms", "tracks", "volatile")

    def __init__(self, name: str, since_ms: int, reason: str, *, salvaged: bool = False, volatile: bool = False):
        self.name, self.since_ms, self.reason = name, since_ms, reason
        self.salvaged, self.volatile = salvaged, volatile
        self.tracks: dict[str, Track] = {}

    def track(self, lane: str) -> Track:
        found = self.tracks.get(lane)
        return self.tracks.setdefault(lane, Track()) if found is None else found

    def heads(self) -> dict[str, int]:
        """The last number of each lane that has any."""
        return {lane: track.last for lane, track in self.tracks.items() if track.last}

    def status(self) -> EpochStatus:
        return EpochStatus(self.name, self.since_ms, self.reason, self.heads(), self.volatile)


class Eviction(NamedTuple):
    """One row that had to go: `first..last` of an epoch and lane, the bytes it took, its time range."""

    epoch: str
    lane: str
    first: int
    last: int
    stored_bytes: int
    times: tuple[int, int]
    reason: str = "quota"


def book(gone: Eviction, track: Track, consumers: Iterable[Consumer]) -> None:
    """Notes that a row is gone; every consumer that still wanted some of it gets a gap."""
    track.absent.add(gone.first, gone.last)
    track.bytes = max(track.bytes - gone.stored_bytes, 0)
    for consumer in consumers:
        if gone.lane in consumer.lanes:
            consumer.lose((gone.epoch, gone.lane), gone.first, gone.last, gone.times, gone.reason)


def announcement(epoch: Epoch, previous: Epoch | None) -> dict[str, str | int | None]:
    """What is said of an epoch that begins: its name and reason, the epoch before and its heads."""
    heads = {} if previous is None else {f"head.{lane}": last for lane, last in previous.heads().items()}
    return {"epoch": epoch.name, "reason": epoch.reason, "previous": previous.name if previous else None, **heads}


class Ledger:
    """All accounts.  `current` is the epoch in which the disk numbers."""

    def __init__(self) -> None:
        self.epochs: dict[str, Epoch] = {}
        self.current = ""
        self.consumers: dict[str, Consumer] = {}
        self.state: dict[str, bytes] = {}

    def begin(self, epoch: Epoch) -> Epoch:
        """Adds an epoch at the end; every consumer wants all of it."""
        self.epochs[epoch.name] = epoch
        for consumer in self.consumers.values():
            for lane in consumer.lanes:
                consumer.done((epoch.name, lane))
        return epoch

    def attach(self, name: str, lanes: Sequence[str], start: Start, options: Options) -> Consumer:
        """The account of this uplink, made if it is new; lanes it no longer wants hold nothing back."""
        consumer = self.consumers.get(name)
        if consumer is None:
            consumer = self.consumers[name] = Consumer(name, (), start, options.max_gaps, options.max_ranges)
        consumer.start = start
        if consumer.lanes != tuple(lanes):
            consumer.lanes, consumer.losses_dirty = tuple(lanes), True
            for key in [key for key in consumer.settled if key[1] not in lanes]:
                del consumer.settled[key]
        self.place(consumer)
        self.mark_live(consumer)
        return consumer

    def place(self, consumer: Consumer) -> None:
        """Starts the consumer in every epoch and lane that it has no account of."""
        for epoch in self.epochs.values():
            for key in ((epoch.name, lane) for lane in consumer.lanes if (epoch.name, lane) not in consumer.settled):
                track = epoch.track(key[1])
                consumer.done(key)
                if consumer.start == "head" and not epoch.salvaged:
                    consumer.settle(key, 1, track.last)
                for first, last in track.absent:
                    consumer.settle(key, first, last)

    def mark_live(self, consumer: Consumer) -> None:
        consumer.marks = {
            (epoch.name, lane): epoch.track(lane).last for epoch in self.epochs.values() for lane in consumer.lanes
        }

    def committed(self, epoch: str, lane: str, last: int, stored_bytes: int) -> None:
        track = self.epochs[epoch].track(lane)
        track.last = max(track.last, last)
        track.bytes += stored_bytes

    def evicted(self, evictions: Iterable[Eviction]) -> None:
        """Takes note of rows that are gone; who still wanted them is told with a gap."""
        for gone in evictions:
            epoch = self.epochs.get(gone.epoch)
            if epoch is None:
                continue
            book(gone, epoch.track(gone.lane), self.consumers.values())

    def reconcile(self, reason: str, now_ms: int) -> None:
        """Counts what is absent without having been settled: evicted while in flight, or damaged."""
        for epoch in self.epochs.values():
            for lane, track in epoch.tracks.items():
                for consumer in self.consumers.values():
                    if lane in consumer.lanes:
                        for first, last in track.absent:
                            consumer.lose((epoch.name, lane), first, last, (now_ms, now_ms), reason)

    def merge(self, disk: Ledger, state_kept: Mapping[str, object], held: Mapping[Key, RangeSet], now_ms: int) -> bool:
        """Takes over what a disk that was opened again holds; `held` is what memory has besides.

        Epochs known to both keep the accounts in memory, which are newer, and learn what the disk has lost; of
        epochs that the disk does not know, only what is held remains.  True when the disk would number on in an
        epoch of which it has forgotten records: a new one is then needed.
        """
        mine = self.epochs
        self.epochs = {}
        known = mine.get(disk.current)
        behind = known is not None and any(
            track.last > disk.epochs[disk.current].track(lane).last for lane, track in known.tracks.items()
        )
        for name, theirs in disk.epochs.items():
            epoch = self.epochs[name] = mine.pop(name, theirs)
            epoch.volatile = False
            for lane, track in theirs.tracks.items():
                own = epoch.track(lane)
                own.last, own.bytes = max(own.last, track.last), track.bytes
                for first, last in track.absent:
                    own.absent.add(first, last)
        for name, epoch in mine.items():
            epoch.volatile = True
            for lane, track in epoch.tracks.items():
                track.absent = RangeSet(held.get((name, lane), RangeSet()).missing(1, track.last))
        self.epochs.update(mine)
        self.current = disk.current
        kept = {name: self.state[name] for name in state_kept if name in self.state}
        self.state = {**{name: value for name, value in disk.state.items() if name not in state_kept}, **kept}
        for name, theirs_account in disk.consumers.items():
            consumer = self.consumers.setdefault(name, theirs_account)
            if consumer is not theirs_account:
                for key, ranges in theirs_account.settled.items():
                    if key[1] in consumer.lanes:
                        for first, last in ranges:
                            consumer.settle(key, first, last)
        for consumer in self.consumers.values():
            self.place(consumer)
            consumer.soil()
        self.reconcile("corrupt", now_ms)
        return behind

    def dead_epochs(self, keep: str) -> list[str]:
        """Epochs, neither current nor `keep`, without records, also in flight; gaps of theirs are told without them."""
        flying = {key[0] for c in self.consumers.values() for key, ranges in c.inflight.items() if ranges}
        return [
            epoch.name
            for epoch in self.epochs.values()
            if epoch.name not in (self.current, keep, *flying) and not any(t.records for t in epoch.tracks.values())
        ]

    def surplus_epochs(self, most: int, keep: str) -> list[str]:
        """The oldest epochs that still hold records and are more than there may be."""
        return [name for name in self.epochs if name not in (self.current, keep)][: max(len(self.epochs) - most, 0)]

    def drop_epochs(self, names: Iterable[str]) -> None:
        for name in names:
            self.epochs.pop(name, None)
            for consumer in self.consumers.values():
                consumer.forget_epoch(name)

    def wanted(self, consumer: Consumer, lane: str) -> Iterable[tuple[Key, Track, int]]:
        """Per epoch that has something unsettled for this consumer: key, account and how many records."""
        for epoch in self.epochs.values():
            track = epoch.tracks.get(lane)
            if track is not None:
                count = track.last - consumer.done((epoch.name, lane)).total
                if count > 0:
                    yield (epoch.name, lane), track, count

    def backlog(self, consumer: Consumer, lane: str, oldest_at_ms: int | None) -> Backlog:
        records = stored = 0
        for _, track, count in self.wanted(consumer, lane):
            records += count
            stored += count * track.bytes // max(track.records, 1)
        return Backlog(records, stored, oldest_at_ms if records else None)
