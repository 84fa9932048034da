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
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias, cast

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


Row: TypeAlias = tuple[int, int, int, float, float, float, float, float, float]
"""A bucket as it comes out of a file: a plain tuple in the order of Bucket's fields, made forty thousand at a time."""
SAMPLES: Final = 0
VALUED: Final = 2


class Columns:
    """Many buckets, column by column.  `keys` ascend; `columns` are in the order of Bucket's fields."""

    __slots__ = ("columns", "keys")

    def __init__(self, keys: Literal["I", "q"] = "I") -> None:
        self.keys = array(keys)
        self.columns: list[array[int] | array[float]] = [
            *(array("I") for _ in range(COUNTS)),
            *(array("d") for _ in range(NUMBERS)),
        ]

    def __len__(self) -> int:
        return len(self.keys)

    def row(self, index: int) -> Row:
        return cast(Row, tuple(column[index] for column in self.columns))

    def put(self, key: int, row: Row) -> None:
        """Adds a bucket where its key belongs; it is the later one if there is one of this key already."""
        index = bisect_left(self.keys, key)
        there = index < len(self.keys) and self.keys[index] == key
        if there:
            row = fold((self.row(index), row))
        else:
            self.keys.insert(index, key)
        for column, value in zip(cast("list[array[float]]", self.columns), row, strict=True):
            if there:
                column[index] = value
            else:
                column.insert(index, value)

    def items(self, start: int = 0, end: int | None = None) -> Iterable[tuple[int, Row]]:
        """Keys with their buckets, of the positions start..end-1."""
        columns = self.columns if (start, end) == (0, None) else [column[start:end] for column in self.columns]
        rows = cast(Iterable[Row], zip(*columns, strict=True))
        return zip(self.keys[start:end], rows, strict=True)


def pack(buckets: Mapping[int, Row]) -> bytes:
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


def fold(buckets: Sequence[Row]) -> Bucket:
    """One bucket for all of these, which follow one another in time."""
    if not buckets:
        return Bucket(0, 0, 0, NAN, NAN, 0.0, NAN, NAN, 0.0)
    return fold_columns(tuple(zip(*buckets, strict=True)))


def fold_columns(columns: Sequence[Sequence[Any]]) -> Bucket:
    """The same for buckets, one at least, that lie in columns."""
    samples, good, valued, low, high, total, first, last, increase = columns
    numbers = NAN, NAN, 0.0, NAN, NAN
    if 0 not in valued:
        numbers = min(low), max(high), sum(total), first[0], last[-1]
    elif kept := [row for row in zip(*columns, strict=True) if row[VALUED]]:
        whole = fold(kept)
        numbers = whole.minimum, whole.maximum, whole.total, whole.first, whole.last
    return Bucket(sum(samples), sum(good), sum(valued), *numbers, sum(increase))


def merge(old: Mapping[int, Row], new: Iterable[tuple[int, Row]]) -> dict[int, Row]:
    """Both, by key; where both have one, the new one is the later."""
    merged = dict(old)
    for key, bucket in new:
        merged[key] = fold((merged[key], bucket)) if key in merged else bucket
    return merged


def _little(column: array[int] | array[float]) -> bytes:
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()
