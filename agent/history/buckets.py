"""Buckets: what is kept of the samples of one point in a minute, an hour or a day; folded, packed and unpacked.  Pure.

Packed, buckets lie in columns (little-endian, deflated), so that columns which say the same cost next to nothing:
version byte, then per bucket its key (u32: a series in a batch of one minute, a position in a chunk of one series),
three counts (u32) and six numbers (f64).  A bucket without values has NaN for its numbers.
"""

from __future__ import annotations

import sqlite3
import sys
import zlib
from array import array
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

VERSION: Final = 1
LEVEL: Final = 1
NAN: Final = float("nan")
KEYS, COUNTS, NUMBERS = 1, 3, 6
_WIDTH: Final = 4 * (KEYS + COUNTS) + 8 * NUMBERS


class Damaged(sqlite3.DatabaseError):
    """A body is not what was written."""


class Bucket(NamedTuple):
    """`samples`, `good` of them without a doubt, `valued` with a value; `increase` is that of a counter."""

    samples: int
    good: int
    valued: int
    minimum: float
    maximum: float
    total: float
    first: float
    last: float
    increase: float


class Columns:
    """Many buckets, column by column.  `keys` ascend; `columns` are in the order of Bucket's fields."""

    __slots__ = ("columns", "keys")

    def __init__(self) -> None:
        self.keys = array("I")
        self.columns: list[array[int] | array[float]] = [
            *(array("I") for _ in range(COUNTS)),
            *(array("d") for _ in range(NUMBERS)),
        ]

    def __len__(self) -> int:
        return len(self.keys)

    def bucket(self, index: int) -> Bucket:
        return Bucket(*(column[index] for column in self.columns))  # type: ignore[arg-type]

    def items(self) -> Iterable[tuple[int, Bucket]]:
        """Keys with their buckets."""
        return zip(self.keys, map(Bucket._make, zip(*self.columns, strict=True)), strict=True)


def pack(buckets: Mapping[int, Bucket]) -> bytes:
    """Buckets by key, as they are kept."""
    keys = sorted(buckets)
    parts: list[array[int] | array[float]] = [array("I", keys)]
    columns = zip(*(buckets[key] for key in keys), strict=True) if keys else iter([()] * (COUNTS + NUMBERS))
    for number, column in enumerate(columns):
        parts.append(array("I" if number < COUNTS else "d", column))
    return bytes([VERSION]) + zlib.compress(b"".join(_little(part) for part in parts), LEVEL)


def unpack(body: bytes) -> Columns:
    """The reverse of `pack`.  Raises Damaged."""
    try:
        plain = zlib.decompress(body[1:])
    except zlib.error as error:
        raise Damaged(str(error)) from error
    if body[:1] != bytes([VERSION]) or len(plain) % _WIDTH:
        raise Damaged("a body of another kind")
    found, rows, at = Columns(), len(plain) // _WIDTH, 0
    view = memoryview(plain)
    for column in (found.keys, *found.columns):
        end = at + rows * column.itemsize
        column.frombytes(view[at:end])
        if sys.byteorder == "big":
            column.byteswap()
        at = end
    return found


def fold(buckets: Iterable[Bucket]) -> Bucket:
    """One bucket for all of these, which follow one another in time."""
    count = good = valued = 0
    low, high, total, first, last, increase = NAN, NAN, 0.0, NAN, NAN, 0.0
    for bucket in buckets:
        count += bucket.samples
        good += bucket.good
        increase += bucket.increase
        if not bucket.valued:
            continue
        if not valued:
            low, high, first = bucket.minimum, bucket.maximum, bucket.first
        low, high, last = min(low, bucket.minimum), max(high, bucket.maximum), bucket.last
        valued += bucket.valued
        total += bucket.total
    return Bucket(count, good, valued, low, high, total, first, last, increase)


def merge(old: Mapping[int, Bucket], new: Iterable[tuple[int, Bucket]]) -> dict[int, Bucket]:
    """Both, by key; where both have one, the new one is the later."""
    merged = dict(old)
    for key, bucket in new:
        merged[key] = fold((merged[key], bucket)) if key in merged else bucket
    return merged


def _little(column: array[int] | array[float]) -> bytes:
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()
