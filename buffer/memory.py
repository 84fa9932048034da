"""Records in memory: the newest of those on disk, for speed, and those that no disk has taken yet.

Invariants: `recent` is a copy and may be dropped at any time.  `held` is the only place where its records are: a
chunk leaves it when a transaction has stored it, or counted, when it must make room (lowest lane first, oldest
first); a chunk that a transaction is just storing does neither.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from courtyard.buffer.chunks import Chunk, ChunkLog
from courtyard.buffer.consumer import Key
from courtyard.buffer.ledger import Eviction
from courtyard.buffer.ranges import RangeSet

CHUNK_OVERHEAD_BYTES = 512
RECORD_OVERHEAD_BYTES = 96
"""What the objects around a body take, about."""


def footprint(chunk: Chunk) -> int:
    """Bytes of memory that this chunk takes, about."""
    return chunk.size + len(chunk.bodies) * RECORD_OVERHEAD_BYTES + CHUNK_OVERHEAD_BYTES


class Memory:
    """Both stores, each with its bound in bytes."""

    def __init__(self, lanes: Sequence[str], recent_bytes: int, held_bytes: int) -> None:
        self._lanes, self._recent_most, self._held_most = tuple(lanes), recent_bytes, held_bytes
        self._recent: dict[Key, ChunkLog] = {}
        self._ages: deque[tuple[Key, int]] = deque()
        self._recent_bytes = 0
        self._held: dict[Key, ChunkLog] = {}
        self._held_bytes = 0
        self._storing: Sequence[Chunk] = ()

    def remember(self, chunk: Chunk) -> None:
        """Keeps a copy of what was just stored."""
        key, size = (chunk.epoch, chunk.lane), footprint(chunk)
        self._recent.setdefault(key, ChunkLog()).append(chunk)
        self._ages.append((key, size))
        self._recent_bytes += size
        while self._recent_bytes > self._recent_most:
            oldest, size = self._ages.popleft()
            self._recent[oldest].popleft()
            self._recent_bytes -= size

    def hold(self, chunk: Chunk) -> list[Eviction]:
        """Takes the only copy of a chunk; what had to go for it, if anything."""
        self._held.setdefault((chunk.epoch, chunk.lane), ChunkLog()).append(chunk)
        self._held_bytes += footprint(chunk)
        if self._held_bytes <= self._held_most:
            return []
        victims = self._victims(self._held_bytes - self._held_most * 15 // 16)
        self._drop(victims)
        return [Eviction(v.epoch, v.lane, v.first, v.last, v.size, (min(v.ats), max(v.ats)), "memory") for v in victims]

    @property
    def holds(self) -> bool:
        """True while something is here that no disk has."""
        return any(self._held.values())

    def begin_storing(self, max_bytes: int) -> Sequence[Chunk]:
        """Chunks for one transaction to store, highest lane first, oldest first, of about so many bytes."""
        chosen: list[Chunk] = []
        size = 0
        for chunk in self._by_priority(self._lanes):
            if chosen and size + chunk.size > max_bytes:
                break
            chosen.append(chunk)
            size += chunk.size
        self._storing = chosen
        return chosen

    def end_storing(self, stored: bool) -> None:
        """The transaction has ended; what it stored is no longer held."""
        if stored:
            self._drop(self._storing)
        self._storing = ()

    def stored_up_to(self, key: Key, last: int) -> None:
        """A disk turns out to have these records."""
        self._drop([chunk for chunk in self._held.get(key, ChunkLog()) if chunk.last <= last])

    def held_ranges(self) -> dict[Key, RangeSet]:
        """The numbers of which only memory has the records."""
        return {key: RangeSet((chunk.first, chunk.last) for chunk in log) for key, log in self._held.items() if log}

    def since(self, key: Key, seq: int) -> Iterator[Chunk]:
        """Chunks in memory from the one that holds `seq` on, without a hole; nothing when `seq` is not in memory."""
        for store in (self._held, self._recent):
            log, expected = store.get(key), None
            for chunk in log.since(seq) if log is not None else ():
                if expected is not None and chunk.first != expected:
                    return
                expected = chunk.last + 1
                yield chunk
            if expected is not None:
                return

    def _by_priority(self, lanes: Iterable[str]) -> Iterator[Chunk]:
        for lane in lanes:
            for key, log in self._held.items():
                if key[1] == lane:
                    yield from log

    def _victims(self, excess_bytes: int) -> list[Chunk]:
        busy = set(map(id, self._storing))
        chosen: list[Chunk] = []
        for chunk in self._by_priority(reversed(self._lanes)):
            if excess_bytes <= 0:
                break
            if id(chunk) not in busy:
                chosen.append(chunk)
                excess_bytes -= footprint(chunk)
        return chosen

    def _drop(self, chunks: Sequence[Chunk]) -> None:
        for key in {(chunk.epoch, chunk.lane) for chunk in chunks}:
            self._held[key].remove([chunk for chunk in chunks if (chunk.epoch, chunk.lane) == key])
        self._held_bytes -= sum(map(footprint, chunks))
