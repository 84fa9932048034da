"""Damaged databases on real files: what can be read is kept and delivered, the rest is counted, the daemon starts."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from courtyard.buffer import Block, Journal, inspection
from courtyard.buffer.files import DATABASE, evidence, log_of
from tests.buffer_rig import (
    LANES,
    SMALL,
    bodies,
    codes,
    crash,
    directory_bytes,
    drain,
    entries,
    in_memory,  # noqa: F401
    numbered,
    open_journal,
    options,
    params,
    pause,
    virtual,
)

COUNT = 120
STATE = {f"alarm/{number}": b"occurrence %d" % number for number in range(30)}


WRITTEN: dict[str, Callable[[int], bytes]] = {
    "alarm": lambda seq: numbered(1, 300, seq)[0],
    "event": lambda seq: numbered(1, 700, 10 * seq - 9)[0],
    "reading": lambda seq: numbered(1, 1500, seq)[0],
}
"""What `filled` wrote, by number."""


async def filled(directory: Path) -> str:
    """A journal with records in three lanes, an uplink that has had some of them, and state; its epoch."""
    journal = open_journal(directory, options(quota_bytes=4 << 20))
    feed = journal.attach("u", lanes=LANES, start="head")
    await journal.append(entries("alarm", numbered(10, 300)), STATE)
    for start in range(1, COUNT, 10):
        await journal.append(entries("reading", numbered(10, 1500, start)))
        await journal.append(entries("event", numbered(1, 700, start)))
    block = await feed.next("reading", which="live", max_bytes=1 << 20, max_records=20)
    assert block is not None
    feed.ack(block)
    await pause(6)
    await journal.close()
    return journal.epoch


def reopened(directory: Path, epoch: str) -> Journal:
    journal = open_journal(directory, options(quota_bytes=4 << 20), boot="boot-2")
    assert journal.durable
    assert journal.epoch != epoch, "numbers may have been lost"
    return journal


def told(blocks: list[Block], lane: str) -> int:
    return sum(gap.count for block in blocks for gap in block.gaps if gap.lane == lane and gap.reason == "corrupt")


async def check_all_told(journal: Journal, epoch: str, *, least: int = 0, fresh: bool = True) -> list[Block]:
    """Everything of the old epoch that the uplink had not had is delivered or in a gap; new records are too."""
    feed = journal.attach("u", lanes=LANES, start="head")
    blocks = [block for block in await drain(feed) if block.epoch == epoch]
    heads = {known.epoch: known.heads for known in (await journal.status()).epochs}.get(epoch, {})
    for lane in LANES:
        got = {seq for block in blocks if block.lane == lane for seq in block.seqs}
        for block in blocks:
            if block.lane == lane:
                for seq, body in zip(block.seqs, block.bodies, strict=True):
                    assert body == WRITTEN[lane](seq), "never a wrong byte"
        settled = 20 if lane == "reading" else 0
        assert len(got) + told(blocks, lane) >= heads.get(lane, 0) - settled
    assert len(bodies(blocks)) >= least
    appended = await journal.append(entries("event", [b"new"]))
    assert (appended.seqs == (1,)) == fresh
    assert bodies(await drain(feed)) == [b"new"]
    return blocks


def garbage(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(50_000))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def first_page_gone(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(random.Random(2).randbytes(4096))


def first_page_zero(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(4096))


def cut_in_half(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def pages_flipped(path: Path) -> None:
    source = random.Random(3)
    with path.open("r+b") as file:
        for page in source.sample(range(2, path.stat().st_size // 4096), 6):
            file.seek(page * 4096 + source.randrange(4000))
            file.write(source.randbytes(60))


def inner_pages_gone(path: Path) -> None:
    """Every page that is not a leaf of a table: the trees cannot be walked at all."""
    image = bytearray(path.read_bytes())
    for start in range(4096, len(image), 4096):
        if image[start] in (2, 5, 10):
            image[start : start + 4096] = bytes(4096)
    path.write_bytes(bytes(image))


@pytest.mark.parametrize(
    ("damage", "least"),
    [
        (garbage, 0),
        (first_page_gone, 110),
        (first_page_zero, 110),
        (cut_in_half, 30),
        (inner_pages_gone, 90),
    ],
)
def test_a_damaged_database_is_salvaged(tmp_path: Path, damage: Callable[[Path], None], least: int) -> None:
    async def main() -> None:
        epoch = await filled(tmp_path)
        damage(tmp_path / DATABASE)
        journal = reopened(tmp_path, epoch)
        assert codes(journal) == ["db.damaged", "epoch.new"]
        assert params(journal, "epoch.new")["reason"] == "salvaged"
        found = params(journal, "db.damaged")
        assert found["kept"] in {path.name for path in evidence(tmp_path)}
        assert found["records"] >= least
        if least:
            assert params(journal, "epoch.new")["previous"] is None or params(journal, "epoch.new")["previous"] == epoch
        await check_all_told(journal, epoch, least=least - 20)
        await journal.close()
        verdict = inspection.verify(tmp_path)
        assert verdict.problems == ()
        again = open_journal(tmp_path, options(quota_bytes=4 << 20))
        assert codes(again) == []

    virtual(main())


def test_flipped_bytes_inside_records_cost_those_records_only(tmp_path: Path) -> None:
    async def main() -> None:
        epoch = await filled(tmp_path)
        pages_flipped(tmp_path / DATABASE)
        journal = open_journal(tmp_path, options(quota_bytes=4 << 20), boot="boot-2")
        blocks = await check_all_told(journal, epoch, fresh=journal.epoch != epoch)
        assert 60 < len(bodies(blocks)) < COUNT + 2, "some rows were hit"

    virtual(main())


@pytest.mark.parametrize("damage", [first_page_gone, inner_pages_gone])
def test_state_and_progress_survive_what_they_can(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    async def main() -> None:
        epoch = await filled(tmp_path)
        damage(tmp_path / DATABASE)
        journal = reopened(tmp_path, epoch)
        assert journal.state("alarm/") == STATE
        assert journal.uplinks == ("u",)
        blocks = await check_all_told(journal, epoch)
        assert min(seq for block in blocks if block.lane == "reading" for seq in block.seqs) == 21, "had the first 20"

    virtual(main())


def test_a_new_uplink_after_salvage_gets_what_its_lost_account_may_have_wanted(tmp_path: Path) -> None:
    async def main() -> None:
        epoch = await filled(tmp_path)
        path = tmp_path / DATABASE
        connection = sqlite3.connect(path)
        connection.execute("DELETE FROM uplink")
        connection.commit()
        connection.close()
        first_page_zero(path)
        journal = reopened(tmp_path, epoch)
        feed = journal.attach("u", lanes=LANES, start="head")
        assert len(bodies(await drain(feed))) >= COUNT

    virtual(main())


def test_many_random_damages(tmp_path: Path) -> None:
    """Whatever bytes are hit, the journal opens, keeps its accounts and delivers no wrong byte."""

    async def main() -> None:
        epoch = await filled(tmp_path / "whole")
        for seed in range(25):
            source = random.Random(seed)
            directory = tmp_path / str(seed)
            shutil.copytree(tmp_path / "whole", directory)
            image = bytearray((directory / DATABASE).read_bytes())
            for _ in range(source.choice([1, 3, 40])):
                start = source.randrange(len(image))
                noise = source.randbytes(source.choice([1, 20, 5000]))
                image[start : start + len(noise)] = noise
            kept = source.choice([len(image), source.randrange(len(image))])
            (directory / DATABASE).write_bytes(bytes(image[:kept]))
            journal = open_journal(directory, options(quota_bytes=4 << 20), boot="boot-2")
            assert journal.durable
            feed = journal.attach("u", lanes=LANES, start="head")
            for block in await drain(feed):
                if block.epoch == epoch and block.lane == "reading":
                    assert list(block.bodies) == numbered(len(block.bodies), 1500, block.first)
            assert (await journal.append(entries("alarm", [b"{}"]))).durable
            await journal.close()
            shutil.rmtree(directory)

    virtual(main())


def test_a_missing_log_gives_a_new_epoch(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path / "a")
        await journal.append(entries("event", numbered(5)))
        copy = crash(tmp_path / "a", tmp_path / "b")
        log_of(copy / DATABASE).unlink()
        again = open_journal(copy)
        assert again.epoch != journal.epoch
        assert params(again, "epoch.new")["reason"] == "log-missing"
        assert params(again, "epoch.new")["previous"] == journal.epoch

    virtual(main())


def test_a_log_damaged_in_its_midst_gives_a_new_epoch_and_a_torn_end_loses_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path / "a", options(quota_bytes=64 << 20))
        for number in range(10):
            await journal.append(entries("event", [b"%d" % number]))
        midst, torn = (crash(tmp_path / "a", tmp_path / name) for name in ("b", "c"))
        log = log_of(midst / DATABASE)
        image = bytearray(log.read_bytes())
        image[32 + 5 * (24 + 4096) + 1000] ^= 255
        log.write_bytes(bytes(image))
        again = open_journal(midst)
        assert params(again, "epoch.new")["reason"] == "log-damaged"
        assert (await again.append(entries("event", [b"new"]))).seqs == (1,)
        log = log_of(torn / DATABASE)
        log.write_bytes(log.read_bytes() + bytes(5000))
        again = open_journal(torn)
        assert again.epoch == journal.epoch
        assert again.heads["event"] == 10

    virtual(main())


def test_a_missing_database_is_a_new_journal(tmp_path: Path) -> None:
    async def main() -> None:
        epoch = await filled(tmp_path)
        (tmp_path / DATABASE).unlink()
        journal = reopened(tmp_path, epoch)
        assert params(journal, "epoch.new")["reason"] == "new"
        empty(tmp_path / "none")

    virtual(main())


def test_an_empty_file_is_a_new_journal(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"")
    assert params(open_journal(tmp_path), "epoch.new")["reason"] == "new"


def test_a_database_of_a_later_version_is_kept_and_salvaged(tmp_path: Path) -> None:
    async def main() -> None:
        epoch = await filled(tmp_path)
        connection = sqlite3.connect(tmp_path / DATABASE)
        connection.execute("PRAGMA user_version = 99")
        connection.commit()
        connection.close()
        journal = reopened(tmp_path, epoch)
        assert params(journal, "db.damaged")["detail"] == "version"
        await check_all_told(journal, epoch, least=COUNT - 20)

    virtual(main())


def test_damage_under_a_running_journal(tmp_path: Path) -> None:
    """Pages are overwritten while the daemon runs; what was committed and can be read is still delivered."""

    async def main() -> None:
        journal = open_journal(tmp_path, options(quota_bytes=4 << 20, recent_bytes=1000))
        feed = journal.attach("u", lanes=LANES, start="head")
        for start in range(1, 200, 10):
            await journal.append(entries("reading", numbered(10, 3000, start)), {"k": b"%d" % start})
        epoch = journal.epoch
        inner_pages_gone(tmp_path / DATABASE)
        for number in range(30):
            await journal.append(entries("event", numbered(1, 20_000, number)))
        got = await drain(feed)
        await pause(60)
        got += await drain(feed)
        assert journal.durable
        assert journal.state() == {"k": b"191"}
        readings = bodies(got, "reading")
        assert len(set(readings)) + told(got, "reading") >= 200
        assert set(readings) <= set(numbered(200, 3000))
        assert set(bodies(got, "event")) >= set(numbered(10, 20_000, 20))
        if journal.epoch != epoch:
            assert "db.damaged" in codes(journal)
        await journal.close()

    virtual(main())


def test_one_bad_row_is_counted_and_holds_nothing_up(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        for number in range(5):
            await journal.append(entries("event", numbered(3, 100, number * 3 + 1)))
        await journal.close()
        connection = sqlite3.connect(tmp_path / DATABASE)
        connection.execute("UPDATE block SET body = zeroblob(length(body)) WHERE id & 4095 = 7")
        connection.commit()
        connection.close()
        assert [problem.code for problem in inspection.verify(tmp_path).problems] == ["row.corrupt"]
        journal = open_journal(tmp_path)
        feeds = [journal.attach(name, lanes=LANES, start="oldest") for name in "ab"]
        for feed in feeds:
            blocks = await drain(feed)
            assert [seq for block in blocks for seq in block.seqs] == [*range(1, 7), *range(10, 16)]
            (gap,) = [gap for block in blocks for gap in block.gaps]
            assert (gap.first, gap.last, gap.count, gap.reason) == (7, 9, 3, "corrupt")
        assert params(journal, "rows.corrupt") == {"epoch": journal.epoch, "lane": "event", "first": 7, "last": 9}
        await pause(6)
        await journal.close()
        assert inspection.verify(tmp_path).problems == ()

    virtual(main())


def test_evidence_is_bounded_and_goes_before_any_record(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        for round_ in range(4):
            await journal.append(entries("event", numbered(20, 1000, 20 * round_)))
            await journal.close()
            first_page_zero(tmp_path / DATABASE)
            journal = open_journal(tmp_path)
            assert len(evidence(tmp_path)) == min(round_ + 1, 2)
        feed = journal.attach("u", lanes=LANES, start="oldest")
        for made in numbered(15, 20_000):
            await journal.append(entries("reading", [made]))
        assert evidence(tmp_path) == []
        assert "evidence.dropped" in codes(journal)
        assert directory_bytes(tmp_path) <= SMALL.quota_bytes * 1.05
        assert not [gap for block in await drain(feed) for gap in block.gaps]
        assert (await journal.status()).lanes["event"].records == 80

    virtual(main())


def test_evidence_that_does_not_fit_is_not_kept(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        for made in numbered(30, 20_000):
            await journal.append(entries("reading", [made]))
        kept = (await journal.status()).lanes["reading"].records
        await journal.close()
        first_page_zero(tmp_path / DATABASE)
        journal = open_journal(tmp_path)
        assert params(journal, "db.damaged")["kept"] is None
        assert params(journal, "db.damaged")["records"] >= kept
        assert directory_bytes(tmp_path) <= SMALL.quota_bytes * 1.05

    virtual(main())


@pytest.mark.parametrize("moment", ["building", "complete", "log moved", "database moved"])
def test_a_crash_during_salvage_changes_nothing(tmp_path: Path, moment: str) -> None:
    async def main() -> None:
        epoch = await filled(tmp_path)
        path = tmp_path / DATABASE
        good = path.read_bytes()
        first_page_zero(path)
        if moment == "building":
            (tmp_path / "salvage.tmp").write_bytes(b"half of it")
        else:
            (tmp_path / "salvage.db").write_bytes(good)
        if moment == "log moved":
            log_of(path).write_bytes(b"")
            log_of(path).rename(tmp_path / "damaged-20260101T000000Z.db-wal")
        if moment == "database moved":
            path.rename(tmp_path / "damaged-20260101T000000Z.db")
        journal = open_journal(tmp_path, options(quota_bytes=4 << 20), boot="boot-2")
        assert journal.durable
        assert journal.state("alarm/") == STATE
        feed = journal.attach("u", lanes=LANES, start="head")
        assert len(bodies([block for block in await drain(feed) if block.epoch == epoch])) >= COUNT - 20
        assert not (tmp_path / "salvage.tmp").exists()
        assert not (tmp_path / "salvage.db").exists()

    virtual(main())
