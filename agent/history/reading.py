"""What a chart gets: buckets of one point, read from the file, thinned, with gaps shown as gaps."""

from __future__ import annotations

import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median_low
from typing import Final
from zoneinfo import ZoneInfo

from courtyard.agent.history import RESOLUTION_S, Resolution, Series
from courtyard.agent.history.buckets import Bucket, Columns, Row, fold_columns, unpack
from courtyard.agent.history.database import SERIES_BITS, TABLES
from courtyard.agent.history.rollup import day_begin_s, local_day

MOST: Final = 50_000
GAP: Final = 2.5
"""A gap is wider than so many times the usual spacing of this series."""
EMPTY: Final = Bucket(0, 0, 0, *(float("nan"),) * 6)


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
    found = Columns("q")
    if row is not None and since_s < until_s:
        found = _buckets(sql, row[0], since_s, until_s, resolution, zone)
    step_s = RESOLUTION_S[resolution]
    if len(found) > most:
        wanted = -(-(until_s - since_s) // most)
        step_s *= -(-wanted // step_s)
        found = _thinned(found, since_s, step_s)
    _mark_gaps(found)
    return _series(device, point, resolution, step_s, counter, found)


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
) -> Columns:
    """The buckets that overlap since_s..until_s, by their begin in seconds."""
    if resolution == "day":
        first, end = local_day(since_s, zone), local_day(until_s - 1, zone) + 1
        found = _chunks(sql, resolution, series, first, end)
        for at_s, row in _fresh(sql, series, day_begin_s(first, zone), day_begin_s(end, zone)):
            found.put(local_day(at_s, zone), row)
        found.keys = array("q", (day_begin_s(day, zone) for day in found.keys))
        return found
    step_s = RESOLUTION_S[resolution]
    first, end = since_s // step_s, -(-until_s // step_s)
    found = _chunks(sql, resolution, series, first, end)
    for at_s, row in _fresh(sql, series, first * step_s, end * step_s):
        found.put(at_s // step_s, row)
    found.keys = array("q", (number * step_s for number in found.keys))
    return found


def _chunks(sql: sqlite3.Connection, resolution: Resolution, series: int, first: int, end: int) -> Columns:
    """Buckets numbered first..end-1 of a resolution."""
    table = TABLES[resolution]
    rows = sql.execute(
        "WITH RECURSIVE at(chunk) AS (VALUES (?) UNION ALL SELECT chunk + 1 FROM at WHERE chunk < ?)"
        f" SELECT chunk, body FROM at CROSS JOIN {table.name} AS kept ON kept.id = (chunk << {SERIES_BITS} | ?)",
        (first // table.buckets, (end - 1) // table.buckets, series),
    )
    found = Columns("q")
    for chunk, body in rows:
        base, columns = chunk * table.buckets, unpack(body)
        inside = slice(bisect_left(columns.keys, first - base), bisect_left(columns.keys, end - base))
        found.keys.extend(base + at for at in columns.keys[inside])
        for column, more in zip(found.columns, columns.columns, strict=True):
            column.frombytes(more[inside].tobytes())
    return found


def _fresh(sql: sqlite3.Connection, series: int, since_s: int, until_s: int) -> Iterator[tuple[int, Row]]:
    """Minutes of this series that wait to be folded; what the hour in work has taken over already is not among them."""
    work = sql.execute("SELECT hour, fresh FROM work WHERE series >= ?", (series,)).fetchone()
    rows = sql.execute(
        "SELECT id, minute, body FROM fresh WHERE minute >= ? AND minute < ? ORDER BY minute, id",
        (since_s // 60, -(-until_s // 60)),
    )
    for number, minute, body in rows:
        if work is not None and minute // 60 == work[0] and number <= work[1]:
            continue
        columns = unpack(body)
        at = bisect_left(columns.keys, series)
        if at < len(columns) and columns.keys[at] == series:
            yield minute * 60, columns.row(at)


def _thinned(found: Columns, since_s: int, step_s: int) -> Columns:
    """Buckets of a wider step; minima and maxima stay, so that no peak is lost."""
    thin, start = Columns("q"), 0
    while start < len(found):
        begin_s = since_s + (found.keys[start] - since_s) // step_s * step_s
        end = bisect_left(found.keys, begin_s + step_s, start)
        thin.put(begin_s, fold_columns([column[start:end] for column in found.columns]))
        start = end
    return thin


def _mark_gaps(found: Columns) -> None:
    """Puts an empty bucket where a gap begins: where the next one is further than usual."""
    spacings = [later - earlier for earlier, later in pairwise(found.keys)]
    usual = median_low(spacings) if spacings else 0
    for at_s, spacing in list(zip(found.keys, spacings, strict=False)):
        if spacing > GAP * usual:
            found.put(at_s + usual, EMPTY)


def _series(device: str, point: str, resolution: Resolution, step_s: int, counter: bool, found: Columns) -> Series:
    samples, good, valued, low, high, total, first, last, increase = map(tuple, found.columns)

    def column(values: Sequence[float]) -> tuple[float | None, ...]:
        if 0 not in valued:
            return tuple(values)
        return tuple(value if has else None for value, has in zip(values, valued, strict=True))

    return Series(
        device,
        point,
        resolution,
        step_s,
        counter,
        tuple(begin_s * 1000 for begin_s in found.keys),
        tuple(map(int, samples)),
        tuple(share / count if count else None for share, count in zip(good, samples, strict=True)),
        column(low),
        column(high),
        column([value / (count or 1) for value, count in zip(total, valued, strict=True)]),
        column(first),
        column(last),
        column(increase) if counter else (None,) * len(found),
    )
