"""Runs of consecutive records, in memory and packed into one row of the database.

A packed row is little-endian: n + 1 offsets (uint32), n wall times (int64 milliseconds), then the n bodies with a
comma between two, the whole optionally deflated; offset i is where body i begins behind the wall times.  (Rows of
earlier codecs: n lengths, n wall times, the bodies one after another.)  Its check sum (CRC-32) covers the row's
identity too, so that a row read from a damaged file is either exactly what was written or known to be bad.  Nothing
here does I/O.

Invariants: the records of a chunk have one epoch, lane and boot and the numbers `first..last` without a hole;
a chunk and its bodies are never changed.
"""

from __future__ import annotations

import struct
import sys
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Literal, NamedTuple

from courtyard.buffer.packed import Packed, join

RAW, DEFLATED = 0, 1
JOINED = 2
"""Bit of the codec: offsets and commas, as rows are written now."""
ROW_BYTES = 64 << 10
"""A chunk is split into rows of about this size: one row is what eviction and reading work in."""

ENTRY_OVERHEAD_BYTES = 12
OFFSET_BYTES = 4
MAX_ROW_BYTES = 64 << 20
"""No row is larger once inflated; more is damage."""

DEFLATE_LEVEL = 6


class BadRow(Exception):
    """A row is not what was written: its check sum or its lengths are wrong."""


class Chunk:
    """Consecutive records of one epoch, lane and boot; `sums` are the running sums of the bodies' sizes, one more."""

    __slots__ = ("ats", "bodies", "boot", "epoch", "first", "lane", "last", "sums")

    def __init__(
        self,
        epoch: str,
        lane: str,
        boot: str,
        first: int,
        bodies: Sequence[bytes],
        ats: Sequence[int],
        sums: Sequence[int] | None = None,
    ) -> None:
        self.epoch, self.lane, self.boot, self.first = epoch, lane, boot, first
        self.last = first + len(bodies) - 1
        self.bodies, self.ats = bodies, ats
        self.sums = list(accumulate(map(len, bodies), initial=0)) if sums is None else sums

    @property
    def size(self) -> int:
        """Bytes of all bodies."""
        return self.sums[-1] - self.sums[0]

    def size_of(self, start: int, count: int) -> int:
        """Bytes of `count` bodies from the one at index `start` on."""
        return self.sums[start + count] - self.sums[start]

    def fitting(self, seq: int, last: int, max_bytes: int, max_records: int) -> int:
        """How many records from `seq` on, none after `last`, have at most `max_bytes` together (may be 0)."""
        start = seq - self.first
        most = min(start + max_records, last - self.first + 1, len(self.bodies))
        return max(bisect_right(self.sums, self.sums[start] + max_bytes, start + 1, most + 1) - start - 1, 0)


class Row(NamedTuple):
    """One packed row, without its place in the key space."""

    epoch: str
    lane: str
    boot: str
    first: int
    records: int
    at_min: int
    at_max: int
    codec: int
    crc: int
    body: bytes

    @property
    def last(self) -> int:
        return self.first + self.records - 1


def _crc(epoch: str, lane: str, boot: str, first: int, count: int, codec: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(f"{epoch} {lane} {boot} {first} {count} {codec}".encode()))


def _pack(chunk: Chunk, start: int, stop: int, deflate: bool) -> Row:
    bodies, ats = chunk.bodies[start:stop], chunk.ats[start:stop]
    count = len(bodies)
    offsets = struct.pack(f"<{count + 1}I", *accumulate((len(body) + 1 for body in bodies), initial=0))
    body = b"".join((offsets, struct.pack(f"<{count}q", *ats), join(bodies)))
    codec = JOINED | RAW
    if deflate:
        squeezed = zlib.compress(body, DEFLATE_LEVEL)
        if len(squeezed) < len(body):
            codec, body = JOINED | DEFLATED, squeezed
    first = chunk.first + start
    crc = _crc(chunk.epoch, chunk.lane, chunk.boot, first, count, codec, body)
    return Row(chunk.epoch, chunk.lane, chunk.boot, first, count, min(ats), max(ats), codec, crc, body)


def pack(chunk: Chunk, *, deflate: bool) -> Iterator[Row]:
    """The rows that hold this chunk, each of about ROW_BYTES before deflation, or of one larger record."""
    start, total = 0, len(chunk.bodies)
    while start < total:
        fitting = chunk.fitting(chunk.first + start, chunk.last, ROW_BYTES, total)
        stop = start + max(fitting, 1)
        yield _pack(chunk, start, stop, deflate)
        start = stop


def intact(row: Row) -> bool:
    """True when the row is what was written, by its check sum."""
    return row.records > 0 and row.crc == _crc(*row[:5], row.codec, row.body)


def unpack(row: Row) -> Chunk:
    """The records of a row.  Raises BadRow when it is not exactly what was written."""
    if not intact(row):
        raise BadRow(f"check sum of {row.epoch}/{row.lane}/{row.first}")
    body = row.body
    if row.codec & DEFLATED:
        inflate = zlib.decompressobj()
        try:
            body = inflate.decompress(body, MAX_ROW_BYTES)
        except zlib.error as error:
            raise BadRow(str(error)) from error
    return (_joined if row.codec & JOINED else _concatenated)(row, body)


def _numbers(data: memoryview, code: Literal["I", "q"]) -> Sequence[int]:
    """Little-endian numbers, without making objects of them where the machine is of that kind."""
    if sys.byteorder == "little":
        return data.cast(code)
    return struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data)


def _joined(row: Row, body: bytes) -> Chunk:
    count, data = row.records, memoryview(body)
    start, times = (count + 1) * OFFSET_BYTES, count * (ENTRY_OVERHEAD_BYTES - OFFSET_BYTES)
    bodies = data[start + times :]
    offsets = _numbers(data[:start], "I") if len(data) >= start + times else ()
    if not offsets or offsets[-1] != len(bodies) + 1:
        raise BadRow("lengths do not add up")
    ats = _numbers(data[start : start + times], "q")
    return Chunk(row.epoch, row.lane, row.boot, row.first, Packed(bodies, offsets, 0, count), ats, offsets)


def _concatenated(row: Row, body: bytes) -> Chunk:
    start = row.records * ENTRY_OVERHEAD_BYTES
    if len(body) < start:
        raise BadRow("shorter than its table")
    lengths = struct.unpack_from(f"<{row.records}I", body)
    ats = struct.unpack_from(f"<{row.records}q", body, row.records * OFFSET_BYTES)
    offsets = list(accumulate(lengths, initial=start))
    if offsets[-1] != len(body):
        raise BadRow("lengths do not add up")
    bodies = [body[a:b] for a, b in pairwise(offsets)]
    return Chunk(row.epoch, row.lane, row.boot, row.first, bodies, ats, offsets)


class ChunkLog:
    """Chunks of one epoch and lane in memory, ascending; found by number, dropped from the front."""

    __slots__ = ("_chunks", "_firsts", "_start")

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._chunks: list[Chunk] = []
        self._start = 0

    def __bool__(self) -> bool:
        return self._start < len(self._chunks)

    def __iter__(self) -> Iterator[Chunk]:
        return iter(self._chunks[self._start :])

    def append(self, chunk: Chunk) -> None:
        self._firsts.append(chunk.first)
        self._chunks.append(chunk)

    def popleft(self) -> Chunk:
        """Takes the oldest chunk out.  Raises IndexError when there is none."""
        chunk = self._chunks[self._start]
        self._start += 1
        if self._start > 256 and self._start * 2 > len(self._chunks):
            del self._firsts[: self._start], self._chunks[: self._start]
            self._start = 0
        return chunk

    def remove(self, chunks: Iterable[Chunk]) -> None:
        """Takes these very chunks out, wherever they stand."""
        gone = set(map(id, chunks))
        self._chunks = [chunk for chunk in self if id(chunk) not in gone]
        self._firsts = [chunk.first for chunk in self._chunks]
        self._start = 0

    def since(self, seq: int) -> Iterator[Chunk]:
        """The chunk that holds `seq` and those after it; nothing when `seq` is not here."""
        at = bisect_right(self._firsts, seq, self._start) - 1
        if at >= self._start and seq <= self._chunks[at].last:
            for index in range(at, len(self._chunks)):
                yield self._chunks[index]
