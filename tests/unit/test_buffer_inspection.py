"""Looking at journals from outside, and opening those of earlier versions."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path

import pytest

from courtyard.buffer import Journal, inspection
from courtyard.buffer.faults import DiskFault
from courtyard.buffer.files import DATABASE, log_of
from courtyard.buffer.schema import VERSION
from tests.buffer_rig import (
    LANES,
    bodies,
    codes,
    crash,
    drain,
    entries,
    in_memory,  # noqa: F401
    numbered,
    open_journal,
    options,
    pause,
    take,
    virtual,
)

FIXTURES = Path(__file__).parents[1] / "fixtures"


async def filled(directory: Path) -> Journal:
    """Ten readings in two appends at 1000 and 2000 ms, two alarms in two epochs; not closed."""
    journal = open_journal(directory)
    feed = journal.attach("u", lanes=LANES, start="head")
    await journal.append(entries("reading", numbered(5), at_ms=1000))
    await journal.append(entries("reading", numbered(5, start=6), at_ms=2000))
    await journal.append(entries("alarm", [b"first"]))
    await journal.renew_epoch("test")
    await journal.append(entries("alarm", [b"second"]))
    block = await take(feed, "reading", max_bytes=800)
    assert block is None
    block = await take(feed, "reading", "live", max_bytes=800)
    assert block is not None
    feed.ack(block)
    await pause(6)
    return journal


def test_status_from_outside_is_the_daemons_own(tmp_path: Path) -> None:
    async def main() -> None:
        journal = await filled(tmp_path)
        inside, outside = await journal.status(), inspection.status(tmp_path, options())
        assert outside == inside
        assert outside.lanes["reading"].oldest_at_ms == 1000
        assert outside.uplinks["u"].backlog["reading"].records == 6
        assert outside.uplinks["u"].backlog["reading"].oldest_at_ms == 1000

    virtual(main())


def test_tail_gives_the_newest_across_epochs(tmp_path: Path) -> None:
    async def main() -> None:
        journal = await filled(tmp_path)
        assert [record.body for record in inspection.tail(tmp_path, 3, "reading")] == numbered(3, start=8)
        alarms = inspection.tail(tmp_path, 5, "alarm")
        assert [record.body for record in alarms] == [b"first", b"second"]
        assert alarms[1].epoch == journal.epoch != alarms[0].epoch
        assert [record.body for record in inspection.tail(tmp_path, 1)] == [*numbered(1, start=10), b"second"]
        assert inspection.tail(tmp_path, 1, "event") == []

    virtual(main())


def test_export_by_number_and_time(tmp_path: Path) -> None:
    async def main() -> None:
        journal = await filled(tmp_path)
        everything = list(inspection.export(tmp_path))
        assert len(everything) == 12
        first = everything[0]
        assert first == (first.epoch, "boot-1", "reading", 1, 1000, numbered(1)[0])
        by_number = inspection.export(tmp_path, lane="reading", first=3, last=7)
        assert [record.seq for record in by_number] == [3, 4, 5, 6, 7]
        by_time = inspection.export(tmp_path, lane="reading", since_ms=1500, until_ms=2000)
        assert [record.seq for record in by_time] == [6, 7, 8, 9, 10]
        assert [record.body for record in inspection.export(tmp_path, epoch=journal.epoch)] == [b"second"]

    virtual(main())


def test_looking_changes_nothing(tmp_path: Path) -> None:
    """Also at what a dead daemon left: its log stays, and its epoch goes on."""

    async def main() -> None:
        journal = await filled(tmp_path / "a")
        left = crash(tmp_path / "a", tmp_path / "b")
        before = (left / DATABASE).read_bytes(), log_of(left / DATABASE).read_bytes()
        assert inspection.verify(left).problems == ()
        assert len(list(inspection.export(left))) == 12
        assert ((left / DATABASE).read_bytes(), log_of(left / DATABASE).read_bytes()) == before
        again = open_journal(left)
        assert again.epoch == journal.epoch
        assert codes(again) == []

    virtual(main())


def test_an_export_goes_on_while_records_are_evicted(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        for made in numbered(20, 20_000):
            await journal.append(entries("reading", [made]))
        exported = inspection.export(tmp_path)
        first = next(exported)
        for made in numbered(30, 20_000, 100):
            await journal.append(entries("reading", [made]))
        rest = list(exported)
        assert first.seq < rest[0].seq
        assert all(left.seq < right.seq for left, right in itertools.pairwise(rest))
        assert inspection.verify(tmp_path).problems == ()

    virtual(main())


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DELETE FROM block WHERE (id & 4095) = 6", "row.missing"),
        ("UPDATE head SET last = 3 WHERE lane = 'reading' AND last = 10", "row.unexpected"),
        ("UPDATE head SET absent = '6-10' WHERE lane = 'reading' AND last = 10", "row.unexpected"),
        ("UPDATE block SET crc = crc + 1 WHERE lane = 'alarm'", "row.corrupt"),
        ("UPDATE progress SET settled = '1-99'", "progress.beyond"),
        ("UPDATE epoch SET current = 1", "epoch.current"),
        ("DROP TABLE state", "table.missing"),
        ("PRAGMA user_version = 99", "version.unknown"),
        ("UPDATE head SET absent = 'nonsense'", "db.damaged"),
    ],
)
def test_verify_finds(tmp_path: Path, statement: str, code: str) -> None:
    async def main() -> None:
        journal = await filled(tmp_path)
        await journal.close()
        assert inspection.verify(tmp_path).problems == ()
        connection = sqlite3.connect(tmp_path / DATABASE)
        connection.execute(statement)
        connection.commit()
        connection.close()
        assert code in {problem.code for problem in inspection.verify(tmp_path).problems}

    virtual(main())


def test_verify_counts(tmp_path: Path) -> None:
    async def main() -> None:
        await filled(tmp_path)
        verdict = inspection.verify(tmp_path)
        assert (verdict.records, verdict.epochs, verdict.problems) == (12, 2, ())
        assert verdict.bytes > 2000

    virtual(main())


def test_what_cannot_be_looked_at_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        inspection.tail(tmp_path, 1)
    (tmp_path / DATABASE).write_bytes(b"x" * 9000)
    with pytest.raises(DiskFault, match=r"disk\.damaged"):
        inspection.tail(tmp_path, 1)
    assert inspection.verify(tmp_path).problems[0].code == "db.damaged"


# --- earlier versions


def version_1(directory: Path) -> Path:
    directory.mkdir()
    connection = sqlite3.connect(directory / DATABASE)
    connection.executescript((FIXTURES / "journal-v1.sql").read_text())
    connection.close()
    return directory


def test_a_journal_of_version_1_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        directory = version_1(tmp_path / "old")
        assert [record.body for record in inspection.tail(directory, 2, "reading")] == [b'{"r":2}', b'{"r":3}']
        journal = open_journal(directory, boot="boot-2")
        assert codes(journal) == []
        assert journal.epoch == "0a1b2c3d"
        assert journal.state() == {"alarm/1": b"raised"}
        assert (await journal.append(entries("reading", [b'{"r":4}']))).seqs == (4,)
        feed = journal.attach("community", lanes=LANES, start="head")
        assert bodies(await drain(feed)) == [b'{"alarm":1}', b'{"e":1}', b'{"r":2}', b'{"r":3}', b'{"r":4}']
        await journal.close()
        assert inspection.verify(directory).problems == ()
        connection = sqlite3.connect(directory / DATABASE)
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        shown = connection.execute("SELECT lane, first, last FROM rows_by_number ORDER BY lane, first").fetchall()
        assert shown == [("alarm", 1, 1), ("event", 1, 1), ("reading", 1, 3), ("reading", 4, 4)]
        connection.close()

    virtual(main())


def test_every_version_ends_with_the_same_tables(tmp_path: Path) -> None:
    async def main() -> None:
        await open_journal(version_1(tmp_path / "old")).close()
        await open_journal(tmp_path / "new").close()
        tables = []
        for name in ("old", "new"):
            connection = sqlite3.connect(tmp_path / name / DATABASE)
            tables.append(connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall())
            connection.close()
        assert tables[0] == tables[1]

    virtual(main())
