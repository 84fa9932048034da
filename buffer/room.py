"""Making room: which rows go when the quota is reached.

Invariants
1. The order is fixed: copies of damaged databases, kept only as evidence; then rows that every consumer has settled,
   lowest lane first, oldest first, so that nobody loses anything; then the oldest rows of the lowest lane.
2. A row that somebody still wanted is counted as a gap for each such consumer in the transaction that deletes it.
3. A record never pushes out one of a higher lane.
4. Of the quota, `alarm_reserve_bytes` belong to the first lane: the others do not use what it has left of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from courtyard.buffer.consumer import Consumer, Key
from courtyard.buffer.faults import DiskFault
from courtyard.buffer.ledger import Eviction, Track, book
from courtyard.buffer.ranges import RangeSet, common
from courtyard.buffer.schema import MAX_EPOCH_NO, MAX_SEQ, PAGE_BYTES, Numbers, key, unkey

ROW_OVERHEAD_BYTES = 96
"""What a row takes beside its body: key, names, times, cell header; rounded up."""

MARGIN_PAGES = 24
"""Kept free for the small tables and the database's own bookkeeping."""

_Row: TypeAlias = tuple[int, str, int, int, int, int]
_BATCH = 64
_COLUMNS = "id, epoch, count, at_min, at_max, length(body)"


def pages_for(body_bytes: int) -> int:
    """Pages that one row of this size can take at most."""
    return -(-(body_bytes + ROW_OVERHEAD_BYTES) // (PAGE_BYTES - 4))


class Room:
    """The space accounts of one transaction; `evictions` are the rows it has deleted so far."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        numbers: Numbers,
        tracks: Mapping[Key, Track],
        consumers: Iterable[Consumer],
        lanes: Sequence[str],
        limit_pages: Callable[[], int],
        reserve_bytes: int,
        drop_evidence: Callable[[], bool],
        spare_pages: int,
    ) -> None:
        self._connection, self._numbers, self._tracks = connection, numbers, tracks
        self._consumers, self._limit_pages, self._drop_evidence = tuple(consumers), limit_pages, drop_evidence
        self._lanes = [*lanes, *sorted(lane for lane in numbers.lanes if lane not in lanes)]
        self._reserve_bytes = reserve_bytes
        self.spare_pages, self._promised_pages = spare_pages, 0
        self.evictions: list[Eviction] = []

    def free_pages(self, lane: str) -> int:
        """Pages that this lane may still take; negative when the limit has been lowered."""
        used = self._pragma("page_count") - self._pragma("freelist_count")
        self.spare_pages = self._limit_pages() - used - self._promised_pages - MARGIN_PAGES
        return self.spare_pages - self._reserved_pages(lane)

    def take(self, lane: str, pages: int) -> bool:
        """Promises room for a row of `pages` pages, deleting what must go for it; False when nothing more may go.

        The database itself is asked only when what is known to be spare does not do.  Raises sqlite3.Error.
        """
        if self.spare_pages - self._reserved_pages(lane) < pages and not self._make(lane, pages):
            return False
        self.spare_pages -= pages
        self._promised_pages += pages
        return True

    def _make(self, lane: str, pages: int) -> bool:
        if self.free_pages(lane) >= pages:
            return True
        while self._drop_evidence():
            if self.free_pages(lane) >= pages:
                return True
        wanted = pages + min(max(self._limit_pages() // 128, 1), 256)
        self._evict_until(wanted, lane)
        return self.free_pages(lane) >= pages

    def shrink(self, pages: int) -> None:
        """Frees up to so many pages, if more are in use than there may be."""
        while self.free_pages(self._lanes[0]) < 0 and self._drop_evidence():
            pass
        excess = -self.free_pages(self._lanes[0])
        if excess > 0:
            self._evict_until(-max(excess - pages, 0), self._lanes[0])

    def clear(self, epoch: str) -> None:
        """Deletes every row of one epoch."""
        for lane in self._lanes:
            low, high = self._numbers.key(epoch, lane, 0), self._numbers.key(epoch, lane, MAX_SEQ)
            while rows := self._rows(low, high):
                self._evict(lane, rows)

    def _evict_until(self, free_pages: int, for_lane: str) -> None:
        """Deletes rows in the order of the module's doc string until so many pages are free, or none may go."""
        for source in (self._settled_rows, self._rows_of_lower_lanes):
            for lane, rows in source(for_lane):
                done = 0
                while done < len(rows):
                    short = free_pages - self.free_pages(for_lane)
                    if short <= 0:
                        return
                    begun = done
                    while done < len(rows) and short > 0:
                        short -= pages_for(rows[done][5])
                        done += 1
                    self._evict(lane, rows[begun:done])

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    def _reserved_pages(self, lane: str) -> int:
        return 0 if lane == self._lanes[0] else self._reserve_left_bytes() // PAGE_BYTES

    def _reserve_left_bytes(self) -> int:
        held = sum(track.bytes for (_, lane), track in self._tracks.items() if lane == self._lanes[0])
        return max(self._reserve_bytes - held, 0)

    def _rows(self, low: int, high: int) -> list[_Row]:
        return self._connection.execute(
            f"SELECT {_COLUMNS} FROM block WHERE id BETWEEN ? AND ? ORDER BY id LIMIT {_BATCH}", (low, high)
        ).fetchall()

    def _settled_rows(self, for_lane: str) -> Iterator[tuple[str, Sequence[_Row]]]:
        for lane in reversed(self._lanes):
            if lane == self._lanes[0] != for_lane and self._reserve_left_bytes():
                continue
            for epoch in sorted(self._numbers.epochs, key=self._numbers.epochs.__getitem__):
                track = self._tracks.get((epoch, lane))
                if track is None or not track.records:
                    continue
                settled = common(c.done((epoch, lane)) for c in self._consumers if lane in c.lanes)
                for first, last in RangeSet([(1, track.last)]) if settled is None else settled:
                    for a, b in track.absent.missing(first, last):
                        yield from self._settled_between(epoch, lane, a, b)

    def _settled_between(self, epoch: str, lane: str, first: int, last: int) -> Iterator[tuple[str, Sequence[_Row]]]:
        low, high = self._numbers.key(epoch, lane, first), self._numbers.key(epoch, lane, last)
        while whole := [row for row in self._rows(low, high) if row[0] + row[2] - 1 <= high]:
            yield lane, whole

    def _rows_of_lower_lanes(self, for_lane: str) -> Iterator[tuple[str, Sequence[_Row]]]:
        for lane in reversed(self._lanes[self._lanes.index(for_lane) :]):
            number = self._numbers.lane(lane)
            while rows := self._rows(key(number, 0, 0), key(number, MAX_EPOCH_NO, MAX_SEQ)):
                yield lane, rows

    def _evict(self, lane: str, rows: Sequence[_Row]) -> None:
        self._connection.executemany("DELETE FROM block WHERE id = ?", [(row[0],) for row in rows])
        for number, epoch, count, at_min, at_max, body_bytes in rows:
            first = unkey(number)[2]
            eviction = Eviction(
                epoch, lane, first, first + count - 1, body_bytes + ROW_OVERHEAD_BYTES, (at_min, at_max)
            )
            self.note(eviction)

    def note(self, gone: Eviction) -> None:
        """Books a loss in the accounts of this transaction."""
        track = self._tracks.get((gone.epoch, gone.lane))
        if track is None:
            raise DiskFault("disk.damaged", f"a row of {gone.epoch}/{gone.lane}, which has no head")
        self.evictions.append(gone)
        book(gone, track, self._consumers)
