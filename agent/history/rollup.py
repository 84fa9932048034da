"""From minutes to hours and days, in a file, in bounded transactions.

Invariants
1. A crash loses at most the minute that is being counted; nothing is ever counted twice.
2. A bucket of an hour or a day is the fold of the buckets below it, also when some of those come late.
3. A transaction writes at most SLICE series or one minute, so that no log outgrows its share and none holds up the
   next minute for long.

A minute of all series is written as one row (`fresh`).  When its hour is over, rows become one chunk per series;
`work` remembers how far that has come and which rows it takes, in the same transaction as what it wrote.
"""

from __future__ import annotations

import datetime
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from courtyard.agent.history import RESOLUTION_S, Resolution
from courtyard.agent.history.buckets import SAMPLES, Bucket, Columns, Row, fold, merge, pack, unpack
from courtyard.agent.history.database import SERIES_BITS, TABLES, Database, key
from courtyard.agent.history.minutes import SeriesId
from courtyard.buffer import files

SLICE: Final = 64
READ: Final = 2 * SLICE
"""Series whose minutes are in memory at a time."""
HOUR_S: Final = 3600
HOUR_GRACE_S: Final = 120
"""An hour is over for everybody this long after its end."""


class Keep(NamedTuple):
    """How long buckets are kept, seconds."""

    minute_s: float
    hour_s: float
    day_s: float


class RollUp:
    """Writes minutes and folds them.  Used by the writing thread."""

    def __init__(self, database: Database, zone: ZoneInfo, keep: Keep) -> None:
        self.database, self.zone, self.keep = database, zone, keep
        self._known: set[int] = set()

    def load(self) -> tuple[dict[SeriesId, int], dict[int, float]]:
        """The numbers of all series, and the last value of each counter."""
        sql = self.database.sql
        numbers = {SeriesId(device, point): series for series, device, point in sql.execute("SELECT * FROM series")}
        self._known = set(numbers.values())
        return numbers, dict(sql.execute("SELECT series, value FROM counters"))

    def write_minute(
        self, minute: int, batch: Mapping[int, Bucket], numbers: Mapping[SeriesId, int], counters: Collection[int]
    ) -> None:
        """One minute of all series, with the series that are new and where counters stand at its end."""
        new = [(series, *name) for name, series in numbers.items() if series in batch and series not in self._known]
        with self.database.transaction() as sql:
            sql.executemany("INSERT INTO series VALUES (?, ?, ?)", new)
            sql.execute("INSERT INTO fresh (minute, body) VALUES (?, ?)", (minute, pack(batch)))
            stands = [(series, batch[series].last) for series in counters if series in batch and batch[series].valued]
            sql.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?)", stands)
        self._known.update(series for series, *_ in new)

    def fold_hours(self, now_s: float) -> Iterator[None]:
        """Folds what is over; yields after each transaction.  What is too old goes."""
        while (work := self._begin_hour(now_s)) is not None:
            hour, done, last_fresh = work
            series = [number for number in self._waiting(hour, last_fresh) if number > done]
            for number in range(0, len(series), SLICE):
                part = series[number : number + SLICE]
                if number % READ == 0:
                    ahead = series[number : number + READ]
                    buckets = self._of_hour(hour, last_fresh, ahead[0], ahead[-1])
                with self.database.transaction() as sql:
                    for one in part:
                        self._fold(sql, hour, one, buckets.pop(one))
                    sql.execute("UPDATE work SET series = ?", (part[-1],))
                yield
            with self.database.transaction() as sql:
                sql.execute("DELETE FROM fresh WHERE minute / 60 = ? AND id <= ?", (hour, last_fresh))
                sql.execute("DELETE FROM work")
                self._expire(sql, now_s)
            yield

    def begin_anew(self) -> None:
        """The file is a new one: every series is written again with its next minute."""
        self._known = set()

    def series_of(self, devices: Collection[str]) -> set[int]:
        """Numbers of the series of these devices."""
        rows = self.database.sql.execute("SELECT id, device FROM series")
        return {number for number, device in rows if device in devices}

    def erase(self, devices: Collection[str]) -> int:
        """Erases every bucket of these devices, also from files that were set aside; returns the series erased."""
        sql = self.database.sql
        sql.execute("PRAGMA secure_delete = ON")
        gone = self.series_of(devices)
        for path in files.evidence(self.database.directory):
            files.remove(path)
        for number in gone:
            with self.database.transaction() as sql:
                for table in TABLES.values():
                    first, last = sql.execute(f"SELECT min(id), max(id) FROM {table.name}").fetchone()
                    chunks = range(first >> SERIES_BITS, (last >> SERIES_BITS) + 1) if first is not None else ()
                    sql.executemany(f"DELETE FROM {table.name} WHERE id = ?", ((key(at, number),) for at in chunks))
                sql.execute("DELETE FROM counters WHERE series = ?", (number,))
        for (row,) in sql.execute("SELECT id FROM fresh").fetchall() if gone else ():
            with self.database.transaction() as sql:
                (body,) = sql.execute("SELECT body FROM fresh WHERE id = ?", (row,)).fetchone()
                left = {number: bucket for number, bucket in unpack(body).items() if number not in gone}
                sql.execute("UPDATE fresh SET body = ? WHERE id = ?", (pack(left), row))
        with self.database.transaction() as sql:
            sql.executemany("DELETE FROM series WHERE id = ?", ((number,) for number in gone))
        self._known -= gone
        sql.execute("PRAGMA secure_delete = FAST")
        self.database.shrink()
        return len(gone)

    def _begin_hour(self, now_s: float) -> tuple[int, int, int] | None:
        """The hour in work, or the oldest one that is over: hour, last series done, last fresh row that counts."""
        sql = self.database.sql
        row = sql.execute("SELECT hour, series, fresh FROM work").fetchone()
        if row is not None:
            return int(row[0]), int(row[1]), int(row[2])
        (minute, last) = sql.execute("SELECT min(minute), max(id) FROM fresh").fetchone()
        if minute is None or (minute // 60 + 1) * HOUR_S + HOUR_GRACE_S > now_s:
            return None
        with self.database.transaction():
            sql.execute("INSERT INTO work VALUES (1, ?, 0, ?)", (minute // 60, last))
        return minute // 60, 0, int(last)

    def _rows(self, hour: int, last_fresh: int) -> Iterator[tuple[int, Columns]]:
        statement = "SELECT minute, body FROM fresh WHERE minute / 60 = ? AND id <= ? ORDER BY id"
        for minute, body in self.database.sql.execute(statement, (hour, last_fresh)):
            yield minute, unpack(body)

    def _waiting(self, hour: int, last_fresh: int) -> list[int]:
        """The series that have minutes in this hour."""
        return sorted(set[int]().union(*(columns.keys for _, columns in self._rows(hour, last_fresh))))

    def _of_hour(self, hour: int, last_fresh: int, first: int, last: int) -> dict[int, dict[int, Row]]:
        """Buckets by position in the hour, by series, of the series first..last: few at a time, for memory's sake."""
        found: dict[int, dict[int, Row]] = {}
        for minute, columns in self._rows(hour, last_fresh):
            at = minute % 60
            keys = columns.keys
            for series, row in columns.items(bisect_left(keys, first), bisect_right(keys, last)):
                chunk = found.setdefault(series, {})
                chunk[at] = fold((chunk[at], row)) if at in chunk else row
        return found

    def _fold(self, sql: sqlite3.Connection, hour: int, series: int, new: Mapping[int, Row]) -> None:
        minutes = merge(_chunk(sql, "minute", hour, series), new.items())
        _store(sql, "minute", hour, series, minutes)
        day, at = divmod(hour, 24)
        hours = _chunk(sql, "hour", day, series)
        earlier = hours.get(at)
        in_order = [minutes[position] for position in sorted(minutes)]
        # minutes of an hour may have been evicted before these came late: then the hour's own bucket counts too
        whole = fold(in_order) if earlier is None or _holds(in_order, earlier, new) else fold((earlier, *new.values()))
        hours[at] = whole
        _store(sql, "hour", day, series, hours)
        local = local_day(hour * HOUR_S, self.zone)
        begin_h, end_h = (-(-day_begin_s(number, self.zone) // HOUR_S) for number in (local, local + 1))
        buckets = []
        for other in range(begin_h // 24, (end_h - 1) // 24 + 1):
            chunk = hours if other == day else _chunk(sql, "hour", other, series)
            buckets += [chunk[position] for position in sorted(chunk) if begin_h <= other * 24 + position < end_h]
        days = _chunk(sql, "day", local // 32, series)
        days[local % 32] = fold(buckets)
        _store(sql, "day", local // 32, series, days)

    def _expire(self, sql: sqlite3.Connection, now_s: float) -> None:
        spans: tuple[tuple[Resolution, float], ...] = (
            ("minute", self.keep.minute_s),
            ("hour", self.keep.hour_s),
            ("day", self.keep.day_s),
        )
        for resolution, keep_s in spans:
            chunk_s = TABLES[resolution].buckets * RESOLUTION_S[resolution]
            self.database.drop_before(sql, resolution, max(0, int((now_s - keep_s) // chunk_s)))


def local_day(at_s: int, zone: ZoneInfo) -> int:
    """The local day of an instant, counted from 1970-01-01."""
    return datetime.datetime.fromtimestamp(at_s, zone).toordinal() - _EPOCH


def day_begin_s(day: int, zone: ZoneInfo) -> int:
    """The instant at which a local day begins."""
    date = datetime.date.fromordinal(day + _EPOCH)
    return int(datetime.datetime(date.year, date.month, date.day, tzinfo=zone).timestamp())


def _chunk(sql: sqlite3.Connection, resolution: Resolution, chunk: int, series: int) -> dict[int, Row]:
    statement = f"SELECT body FROM {TABLES[resolution].name} WHERE id = ?"
    row = sql.execute(statement, (key(chunk, series),)).fetchone()
    return dict(unpack(row[0]).items()) if row is not None else {}


def _store(
    sql: sqlite3.Connection, resolution: Resolution, chunk: int, series: int, buckets: Mapping[int, Row]
) -> None:
    statement = f"INSERT OR REPLACE INTO {TABLES[resolution].name} VALUES (?, ?)"
    sql.execute(statement, (key(chunk, series), pack(buckets)))


def _holds(minutes: Collection[Row], earlier: Row, new: Mapping[int, Row]) -> bool:
    """Whether these minutes hold everything that the hour's bucket had, beside what is new."""
    return sum(row[SAMPLES] for row in minutes) >= earlier[SAMPLES] + sum(row[SAMPLES] for row in new.values())


_EPOCH: Final = datetime.date(1970, 1, 1).toordinal()
