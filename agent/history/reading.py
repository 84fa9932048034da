"""What a chart gets: buckets of one point, read from the file, thinned, with gaps shown as gaps."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from statistics import median_low
from typing import Final
from zoneinfo import ZoneInfo

from courtyard.agent.history import RESOLUTION_S, Resolution, Series
from courtyard.agent.history.buckets import Bucket, Columns, fold, unpack
from courtyard.agent.history.database import SERIES_BITS, TABLES
from courtyard.agent.history.rollup import day_begin_s, local_day

MOST: Final = 50_000
GAP: Final = 2.5
"""A gap is wider than so many times the usual spacing of this series."""
EMPTY: Final = Bucket(0, 0, 0, *(float("nan"),) * 6)
Found = list[tuple[int, Bucket]]


def read(
    sql: sqlite3.Connection,
    device: str,
    point: str,
    since_s: int,
    until_s: int,
    resolution: Resolution,
    *,
    zone: ZoneInfo,
    counter: bool,
    most: int,
) -> Series:
    """One series.  Raises sqlite3.Error (Damaged among them)."""
    row = sql.execute("SELECT id FROM series WHERE device = ? AND point = ?", (device, point)).fetchone()
    found = _buckets(sql, row[0], since_s, until_s, resolution, zone) if row is not None and since_s < until_s else []
    step_s = RESOLUTION_S[resolution]
    if len(found) > most:
        wanted = -(-(until_s - since_s) // most)
        step_s *= -(-wanted // step_s)
        found = list(_thinned(found, since_s, step_s))
    return _series(device, point, resolution, step_s, counter, list(_with_gaps(found)))


def oldest_s(sql: sqlite3.Connection) -> dict[Resolution, int | None]:
    """Where each resolution begins; None where there is nothing."""
    (fresh,) = sql.execute("SELECT min(minute) FROM fresh").fetchone()
    found: dict[Resolution, int | None] = {}
    for resolution, table in TABLES.items():
        (first,) = sql.execute(f"SELECT min(id) FROM {table.name}").fetchone()
        span_s = table.buckets * RESOLUTION_S[resolution]
        kept = None if first is None else (first >> SERIES_BITS) * span_s
        found[resolution] = kept if kept is not None or fresh is None else fresh * 60
    return found


def finest(since_s: int, until_s: int, begins_s: dict[Resolution, int | None]) -> Resolution:
    """The finest resolution that reaches back as far as is asked, or as any, and gives no more than MOST buckets."""
    for resolution, begin_s in begins_s.items():
        coarser = [
            begin + TABLES[other].buckets * RESOLUTION_S[other]
            for other, begin in begins_s.items()
            if begin is not None and RESOLUTION_S[other] > RESOLUTION_S[resolution]
        ]
        if begin_s is None or begin_s > max(since_s, min(coarser, default=begin_s)):
            continue
        if (until_s - max(since_s, begin_s)) // RESOLUTION_S[resolution] <= MOST:
            return resolution
    return "day"


def _buckets(
    sql: sqlite3.Connection, series: int, since_s: int, until_s: int, resolution: Resolution, zone: ZoneInfo
) -> Found:
    if resolution == "minute":
        kept = _chunks(sql, resolution, series, since_s // 60, -(-until_s // 60))
        return _joined([(at * 60, bucket) for at, bucket in kept], _fresh(sql, series, since_s, until_s))
    if resolution == "hour":
        kept = _chunks(sql, resolution, series, since_s // 3600, -(-until_s // 3600))
        begin_s, end_s = since_s // 3600 * 3600, -(-until_s // 3600) * 3600
        late = [(at // 3600 * 3600, bucket) for at, bucket in _fresh(sql, series, begin_s, end_s)]
        return _joined([(at * 3600, bucket) for at, bucket in kept], late)
    first, last = local_day(since_s, zone), local_day(until_s - 1, zone)
    kept = _chunks(sql, resolution, series, first, last + 1)
    begin_s, end_s = day_begin_s(first, zone), day_begin_s(last + 1, zone)
    late = [(local_day(at, zone), bucket) for at, bucket in _fresh(sql, series, begin_s, end_s)]
    return [(day_begin_s(day, zone), bucket) for day, bucket in _joined(kept, late)]


def _chunks(sql: sqlite3.Connection, resolution: Resolution, series: int, first: int, end: int) -> Found:
    """Buckets numbered first..end-1 of a resolution."""
    table = TABLES[resolution]
    rows = sql.execute(
        "WITH RECURSIVE at(chunk) AS (VALUES (?) UNION ALL SELECT chunk + 1 FROM at WHERE chunk < ?)"
        f" SELECT chunk, body FROM at CROSS JOIN {table.name} AS kept ON kept.id = (chunk << {SERIES_BITS} | ?)",
        (first // table.buckets, (end - 1) // table.buckets, series),
    )
    found: Found = []
    for chunk, body in rows:
        base = chunk * table.buckets
        found += [(base + at, bucket) for at, bucket in unpack(body).items() if first <= base + at < end]
    return found


def _fresh(sql: sqlite3.Connection, series: int, since_s: int, until_s: int) -> Found:
    """Minutes of this series that wait to be folded; what the hour in work has taken over already is not among them."""
    work = sql.execute("SELECT hour, fresh FROM work WHERE series >= ?", (series,)).fetchone()
    rows = sql.execute(
        "SELECT id, minute, body FROM fresh WHERE minute >= ? AND minute < ? ORDER BY minute, id",
        (since_s // 60, -(-until_s // 60)),
    )
    found: Found = []
    for number, minute, body in rows:
        if work is not None and minute // 60 == work[0] and number <= work[1]:
            continue
        bucket = _of(unpack(body), series)
        if bucket is not None:
            found.append((minute * 60, bucket))
    return found


def _of(columns: Columns, series: int) -> Bucket | None:
    at = bisect_left(columns.keys, series)
    return columns.bucket(at) if at < len(columns) and columns.keys[at] == series else None


def _joined(kept: Found, late: Found) -> Found:
    if not late:
        return kept
    merged = dict(kept)
    for at, bucket in late:
        merged[at] = fold((merged[at], bucket)) if at in merged else bucket
    return sorted(merged.items())


def _thinned(found: Found, since_s: int, step_s: int) -> Iterator[tuple[int, Bucket]]:
    """Buckets of a wider step; minima and maxima stay, so that no peak is lost."""
    group: list[Bucket] = []
    begin_s = None
    for at, bucket in found:
        start = since_s + (at - since_s) // step_s * step_s
        if start != begin_s and begin_s is not None:
            yield begin_s, fold(group)
            group = []
        begin_s = start
        group.append(bucket)
    if begin_s is not None:
        yield begin_s, fold(group)


def _with_gaps(found: Found) -> Iterator[tuple[int, Bucket]]:
    spacings = [later - earlier for (earlier, _), (later, _) in pairwise(found)]
    usual = median_low(spacings) if spacings else 0
    for (at, bucket), spacing in zip(found, [*spacings, 0], strict=False):
        yield at, bucket
        if spacing > GAP * usual:
            yield at + usual, EMPTY


def _series(device: str, point: str, resolution: Resolution, step_s: int, counter: bool, found: Found) -> Series:
    at = tuple(begin_s * 1000 for begin_s, _ in found)
    buckets = [bucket for _, bucket in found]

    def column(values: Iterator[float]) -> tuple[float | None, ...]:
        return tuple(value if bucket.valued else None for value, bucket in zip(values, buckets, strict=True))

    return Series(
        device,
        point,
        resolution,
        step_s,
        counter,
        at,
        tuple(bucket.samples for bucket in buckets),
        tuple(bucket.good / bucket.samples if bucket.samples else None for bucket in buckets),
        column(bucket.minimum for bucket in buckets),
        column(bucket.maximum for bucket in buckets),
        column(bucket.total / (bucket.valued or 1) for bucket in buckets),
        column(bucket.first for bucket in buckets),
        column(bucket.last for bucket in buckets),
        column(bucket.increase for bucket in buckets) if counter else (None,) * len(buckets),
    )
