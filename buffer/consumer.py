"""What one uplink has had, is being sent, has lost and has not been told yet.

Invariants, per epoch and lane, of the numbers `1..last` that the journal has given out:

- each is settled (acknowledged, or counted in a gap), in flight, or still to be served: never two of these,
  but for a record in flight that is settled by a resend's answer or a second acknowledgement;
- a number enters a gap only when it becomes settled without having been delivered, so no loss is counted twice;
- a gap is told by a block; until that block is acknowledged it is kept, and comes again if the block is released.

In memory the set of settled ranges may exceed its bound by what is in flight; `copy` keeps the lowest
`max_ranges`, which can only cause repeats.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TypeAlias

import msgspec

from courtyard.buffer.ranges import RangeSet
from courtyard.buffer.types import Gap, Start

Key: TypeAlias = tuple[str, str]
"""Epoch and lane."""


def _joined(a: Gap, b: Gap) -> Gap:
    return Gap(
        epoch=a.epoch,
        lane=a.lane,
        first=min(a.first, b.first),
        last=max(a.last, b.last),
        count=min(a.count + b.count, max(a.last, b.last) - min(a.first, b.first) + 1),
        since_ms=min(a.since_ms, b.since_ms),
        until_ms=max(a.until_ms, b.until_ms),
        reason=(a if a.count > b.count else b).reason,
    )


def add_gap(gaps: list[Gap], gap: Gap, most: int) -> None:
    """Puts a gap into the list, merged with its neighbours; beyond `most`, the two nearest of one lane are merged.

    Gaps of as many different epochs as four times `most` cannot be merged: the oldest is then dropped.
    """
    for other in tuple(gaps):
        same = (other.epoch, other.lane, other.reason) == (gap.epoch, gap.lane, gap.reason)
        if same and other.first <= gap.last + 1 and gap.first <= other.last + 1:
            gaps.remove(other)
            gap = _joined(other, gap)
    gaps.append(gap)
    if len(gaps) > most:
        ordered = sorted(gaps, key=lambda gap: (gap.epoch, gap.lane, gap.first))
        pairs = [(b.first - a.last, a, b) for a, b in pairwise(ordered) if _key(a) == _key(b)]
        if not pairs and len(gaps) > 4 * most:
            del gaps[0]
        elif pairs:
            _, a, b = min(pairs, key=lambda pair: pair[0])
            gaps.remove(a)
            gaps.remove(b)
            gaps.append(_joined(a, b))


def _key(gap: Gap) -> Key:
    return gap.epoch, gap.lane


class Losses(msgspec.Struct):
    """The durable account of losses of one uplink: gaps not told yet, and records lost per reason since ever."""

    untold: list[Gap] = []
    counts: dict[str, int] = {}


class Consumer:
    """The account of one uplink.  `dirty` and `losses_dirty` name what the disk does not have yet."""

    def __init__(self, name: str, lanes: Sequence[str], start: Start, max_gaps: int, max_ranges: int) -> None:
        self.name, self.lanes, self.start = name, tuple(lanes), start
        self.max_gaps, self.max_ranges = max_gaps, max_ranges
        self.settled: dict[Key, RangeSet] = {}
        self.inflight: dict[Key, RangeSet] = {}
        self.marks: dict[Key, int] = {}
        self.gaps: list[Gap] = []
        self.carried: list[Gap] = []
        self.counts: dict[str, int] = {}
        self.dirty: set[Key] = set()
        self.losses_dirty = True

    def copy(self) -> Consumer:
        """What a transaction works on: the durable part, with at most `max_ranges` ranges, and what of it is dirty."""
        made = Consumer(self.name, self.lanes, self.start, self.max_gaps, self.max_ranges)
        made.settled = {key: ranges.copy(self.max_ranges) for key, ranges in self.settled.items()}
        made.inflight = {key: ranges.copy() for key, ranges in self.inflight.items() if ranges}
        made.gaps, made.carried, made.counts = self.gaps[:], self.carried[:], dict(self.counts)
        made.dirty, made.losses_dirty = set(self.dirty), self.losses_dirty
        return made

    def clean(self) -> None:
        """What is dirty is being written."""
        self.dirty = set()
        self.losses_dirty = False

    def soil(self) -> None:
        """What was being written may not have been."""
        self.dirty = set(self.settled)
        self.losses_dirty = True

    def losses(self) -> Losses:
        return Losses(untold=self.gaps + self.carried, counts=self.counts)

    def done(self, key: Key) -> RangeSet:
        """The settled numbers of this epoch and lane."""
        found = self.settled.get(key)
        return self.settled.setdefault(key, RangeSet()) if found is None else found

    def busy(self, key: Key) -> RangeSet:
        """The numbers of this epoch and lane that are in flight."""
        found = self.inflight.get(key)
        return self.inflight.setdefault(key, RangeSet()) if found is None else found

    def free(self, key: Key, low: int, high: int) -> tuple[int, int] | None:
        """The first run within `low..high` that is to be served and not in flight."""
        done, busy = self.done(key), self.busy(key)
        at = low
        while (further := busy.next_missing(done.next_missing(at))) != at:
            at = further
        if at > high:
            return None
        ends = [edge - 1 for edge in (done.next_present(at), busy.next_present(at)) if edge is not None]
        return at, min([high, *ends])

    def settle(self, key: Key, first: int, last: int) -> None:
        self.done(key).add(first, last)
        self.dirty.add(key)

    def lose(self, key: Key, first: int, last: int, times: tuple[int, int], reason: str) -> int:
        """Settles what of `first..last` is neither settled nor in flight, as a gap; how many that were."""
        return sum(
            self._lose(key, a, b, times, reason)
            for start, stop in self.done(key).missing(first, last)
            for a, b in self.busy(key).missing(start, stop)
        )

    def _lose(self, key: Key, first: int, last: int, times: tuple[int, int], reason: str) -> int:
        count = last - first + 1
        gap = Gap(*key, first, last, count, *times, reason)
        add_gap(self.gaps, gap, self.max_gaps)
        self.counts[reason] = self.counts.get(reason, 0) + count
        self.losses_dirty = True
        self.settle(key, first, last)
        return count

    def carry(self, key: Key, last: int) -> tuple[Gap, ...]:
        """Gaps to tell with a block of this epoch and lane that ends at `last`; they are in flight from now on."""
        taken = tuple(sorted((g for g in self.gaps if _key(g) == key and g.first <= last), key=lambda g: g.first))
        if taken:
            self.gaps = [gap for gap in self.gaps if gap not in taken]
            self.carried.extend(taken)
        return taken

    def carry_one(self, gap: Gap) -> None:
        """This gap is told with a block of its own."""
        self.gaps.remove(gap)
        self.carried.append(gap)

    def tell(self, gap: Gap) -> None:
        """Tells a gap that was asked for; it is not counted as a loss again."""
        add_gap(self.gaps, gap, self.max_gaps)
        self.losses_dirty = True

    def unsettle(self, key: Key, first: int, last: int) -> None:
        """These are to be served again."""
        self.done(key).remove(first, last)
        self.dirty.add(key)

    def crowded(self, key: Key) -> bool:
        """True when there are as many settled ranges as may be."""
        return len(self.done(key)) >= self.max_ranges

    def told(self, gaps: Iterable[Gap]) -> None:
        """These gaps have arrived."""
        for gap in gaps:
            if gap in self.carried:
                self.carried.remove(gap)
                self.losses_dirty = True

    def untell(self, gaps: Iterable[Gap]) -> None:
        """These gaps have not arrived and are to be told again."""
        for gap in gaps:
            if gap in self.carried:
                self.carried.remove(gap)
                add_gap(self.gaps, gap, self.max_gaps)
                self.losses_dirty = True

    def forget_epoch(self, epoch: str) -> None:
        """Drops what is kept of an epoch that no longer exists."""
        for table in (self.settled, self.inflight, self.marks):
            for key in [key for key in table if key[0] == epoch]:
                del table[key]
        self.dirty = {key for key in self.dirty if key[0] != epoch}
