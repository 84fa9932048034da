"""The promises of the journal one by one, on a virtual clock and real files."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from courtyard.buffer import (
    Entry,
    EntryTooLarge,
    Journal,
    JournalBusy,
    JournalClosed,
    JournalInUse,
    Options,
    UnknownLane,
)
from tests.buffer_rig import (
    LANES,
    SMALL,
    Disk,
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
    take,
    virtual,
)

# --- 1. on disk before it answers, with its state


def test_what_append_returned_survives_a_power_cut(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path / "a")
        first = await journal.append(entries("alarm", [b"{}1"]), {"occurrence": b"7"})
        second = await journal.append([*entries("reading", [b"{}2", b"{}3"]), *entries("alarm", [b"{}4"])], {"x": b"1"})
        assert first == (journal.epoch, (1,), True)
        assert second == (journal.epoch, (1, 2, 2), True)
        lost = journal.submit(entries("reading", [b"never answered"]))
        again = open_journal(crash(tmp_path / "a", tmp_path / "b"))
        assert not lost.done()
        assert again.epoch == journal.epoch
        assert again.heads == {"alarm": 2, "event": 0, "reading": 2}
        assert again.state() == {"occurrence": b"7", "x": b"1"}
        assert (await again.append(entries("reading", [b"{}5"]))).seqs == (3,)
        feed = again.attach("late", lanes=LANES, start="oldest")
        assert bodies(await drain(feed)) == [b"{}1", b"{}4", b"{}2", b"{}3", b"{}5"]
        await again.close()
        await journal.close()

    virtual(main())


def test_state_is_found_by_prefix_and_deleted_by_none(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        await journal.append([], {"alarm/1": b"a", "alarm/2": b"b", "command/1": b"c"})
        await journal.append([], {"alarm/1": None})
        assert journal.state("alarm/") == {"alarm/2": b"b"}
        await journal.close()
        assert open_journal(tmp_path).state() == {"alarm/2": b"b", "command/1": b"c"}

    virtual(main())


def test_what_waits_is_committed_together(tmp_path: Path) -> None:
    async def main() -> None:
        disk = Disk()
        journal = open_journal(tmp_path, options(gate=disk))
        opened = disk.passed["commit"]
        futures = [journal.submit(entries("reading", [body])) for body in numbered(100)]
        assert [(await future).seqs[0] for future in futures] == list(range(1, 101))
        assert disk.passed["commit"] - opened <= 2
        await journal.close()

    virtual(main())


def test_readings_may_wait_and_alarms_do_not(tmp_path: Path) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        journal = open_journal(tmp_path, options(reading_commit_s=60.0))
        begun = loop.time()
        reading = journal.submit(entries("reading", [b"r1"]))
        await pause(30)
        assert not reading.done()
        await reading
        assert loop.time() - begun == pytest.approx(60, abs=0.1)
        waiting = journal.submit(entries("reading", [b"r2"]))
        begun = loop.time()
        await journal.append(entries("alarm", [b"a1"]))
        await waiting
        await journal.append(entries("event", [b"e1"]))
        await journal.append([], {"key": b"value"})
        assert loop.time() == begun
        await journal.close()

    virtual(main())


def test_readings_that_wait_are_committed_when_they_become_many(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path, options(reading_commit_s=60.0, max_pending_bytes=20_000))
        futures = [journal.submit(entries("reading", [body])) for body in numbered(12, 1000)]
        await futures[0]
        assert asyncio.get_running_loop().time() < 1
        await journal.close()

    virtual(main())


def test_closing_commits_what_waits(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path, options(reading_commit_s=60.0))
        future = journal.submit(entries("reading", [b"r1"]))
        await journal.close()
        assert (await future).durable
        assert {path.name for path in tmp_path.iterdir()} == {"journal.db", "journal.lock"}
        assert open_journal(tmp_path).heads["reading"] == 1

    virtual(main())


# --- 2. identity


def test_a_new_journal_draws_a_new_epoch_and_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        journals = [open_journal(tmp_path / name) for name in "ab"]
        assert journals[0].epoch != journals[1].epoch
        assert all(len(bytes.fromhex(journal.epoch)) == 4 for journal in journals)
        assert params(journals[0], "epoch.new") == {"epoch": journals[0].epoch, "reason": "new", "previous": None}

    virtual(main())


def test_renewing_begins_a_lane_again_and_names_the_epoch_before(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        feed = journal.attach("u", lanes=LANES, start="head")
        await journal.append(entries("reading", numbered(3)))
        old = journal.epoch
        await journal.renew_epoch("platform-ahead")
        assert journal.epoch != old
        assert params(journal, "epoch.new") == {
            "epoch": journal.epoch,
            "reason": "platform-ahead",
            "previous": old,
            "head.reading": 3,
        }
        assert (await journal.append(entries("reading", [b"new"]))).seqs == (1,)
        blocks = await drain(feed)
        assert [(block.epoch, list(block.seqs)) for block in blocks] == [(old, [1, 2, 3]), (journal.epoch, [1])]
        await journal.close()

    virtual(main())


def test_blocks_never_mix_boots(tmp_path: Path) -> None:
    async def main() -> None:
        for boot in ("one", "two"):
            journal = open_journal(tmp_path, boot=boot)
            await journal.append(entries("event", numbered(2)))
            await journal.close()
        journal = open_journal(tmp_path, boot="three")
        feed = journal.attach("u", lanes=LANES, start="oldest")
        assert [(b.boot, b.first, b.last) for b in await drain(feed)] == [("one", 1, 2), ("two", 3, 4)]

    virtual(main())


# --- 3. progress


def test_live_flows_while_the_backlog_drains_oldest_first(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        feed = journal.attach("u", lanes=LANES, start="head")
        await journal.append(entries("reading", numbered(10)))
        feed.mark_live()
        assert await take(feed, "reading", "live") is None
        await journal.append(entries("reading", [b"live-1"]))
        live = await take(feed, "reading", "live")
        assert live is not None
        assert live.bodies == [b"live-1"]
        old = await take(feed, "reading", max_bytes=600)
        assert old is not None
        assert list(old.seqs) == [1, 2, 3]
        feed.ack(live)
        feed.ack(old)
        rest = await take(feed, "reading")
        assert rest is not None
        assert list(rest.seqs) == [4, 5, 6, 7, 8, 9, 10]
        feed.release(rest)
        again = await take(feed, "reading")
        assert again == rest

    virtual(main())


def test_progress_survives_restarts_range_by_range(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path / "a")
        feed = journal.attach("u", lanes=LANES, start="head")
        await journal.append(entries("reading", numbered(9)))
        blocks = [await feed.next("reading", which="live", max_bytes=9999, max_records=3) for _ in range(3)]
        assert blocks[1] is not None
        feed.ack(blocks[1])
        await pause(6)
        again = open_journal(crash(tmp_path / "a", tmp_path / "b"))
        feed = again.attach("u", lanes=LANES, start="head")
        assert [list(block.seqs) for block in await drain(feed)] == [[1, 2, 3], [7, 8, 9]]

    virtual(main())


def test_a_new_uplink_begins_at_the_head_unless_it_asks_for_all(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        await journal.append(entries("event", numbered(3)))
        head = journal.attach("head", lanes=LANES, start="head")
        oldest = journal.attach("oldest", lanes=LANES, start="oldest")
        await journal.append(entries("event", [b"new"]))
        assert bodies(await drain(head)) == [b"new"]
        assert bodies(await drain(oldest)) == [*numbered(3), b"new"]
        assert journal.attach("head", lanes=LANES, start="oldest") is head, "asking again changes nothing"
        assert await drain(head) == []

    virtual(main())


def test_an_uplink_may_change_its_lanes(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        feed = journal.attach("u", lanes=("alarm",), start="head")
        await journal.append([*entries("alarm", [b"a"]), *entries("event", [b"e"])])
        assert await take(feed, "event", "live") is None
        feed = journal.attach("u", lanes=("alarm", "event"), start="head")
        await journal.append(entries("event", [b"e2"]))
        assert bodies(await drain(feed, ("alarm", "event"))) == [b"a", b"e2"]

    virtual(main())


def test_acknowledged_ranges_are_bounded_and_old_holes_go_first(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path / "a", options(max_ranges=4))
        feed = journal.attach("u", lanes=LANES, start="head")
        await journal.append(entries("reading", numbered(20)))
        feed.mark_live()
        blocks = [await feed.next("reading", which="backlog", max_bytes=999, max_records=1) for _ in range(12)]
        for block in blocks[1::2]:
            assert block is not None
            feed.ack(block)
        await journal.append(entries("reading", [b"live"]))
        assert await take(feed, "reading", "live") is None, "older holes first"
        for block in blocks[::2]:
            assert block is not None
            feed.release(block)
        await pause(6)
        again = open_journal(crash(tmp_path / "a", tmp_path / "b"), options(max_ranges=4))
        feed_again = again.attach("u", lanes=LANES, start="head")
        again_seqs = [seq for block in await drain(feed_again) for seq in block.seqs]
        assert again_seqs == [1, 3, 5, 7, *range(9, 22)], "beyond four ranges, records come again"
        assert len(bodies(await drain(feed))) == 15
        assert feed.backlog("reading").records == 0

    virtual(main())


def test_waiting_is_woken_by_a_commit_and_never_misses_one(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        feed = journal.attach("u", lanes=LANES, start="head")
        seen = await feed.wait(-1)
        waiting = asyncio.ensure_future(feed.wait(seen))
        await pause(1)
        assert not waiting.done()
        await journal.append(entries("event", [b"e"]))
        assert await waiting != seen
        assert await feed.wait(seen) != seen

    virtual(main())


# --- 4. nothing deleted unless acknowledged or counted


def flood(count: int, lane: str = "reading") -> list[list[Entry]]:
    return [entries(lane, [body], at_ms=1000 + number) for number, body in enumerate(numbered(count, 20_000))]


def test_what_must_go_is_counted_for_each_uplink_until_told(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path / "a")
        slow = journal.attach("slow", lanes=LANES, start="head")
        fast = journal.attach("fast", lanes=LANES, start="head")
        for made in flood(100):
            await journal.append(made)
            for block in await drain(fast):
                assert not block.gaps
        assert directory_bytes(tmp_path / "a") <= SMALL.quota_bytes * 1.05
        again = open_journal(crash(tmp_path / "a", tmp_path / "b"))
        for feed in (slow, again.attach("slow", lanes=LANES, start="head")):
            first = await take(feed, "reading", "live") or await take(feed, "reading", "backlog")
            assert first is not None
            (gap,) = first.gaps
            assert gap.first == 1
            assert gap.last == gap.count == first.first - 1
            assert (gap.reason, gap.since_ms, gap.until_ms) == ("quota", 1000, 1000 + gap.count - 1)
            feed.release(first)
            once_more = await take(feed, "reading", "live") or await take(feed, "reading", "backlog")
            assert once_more is not None
            assert once_more.gaps == (gap,), "told again until it has arrived"
            feed.ack(once_more)
            assert not any(block.gaps for block in await drain(feed))
        status = await journal.status()
        assert status.uplinks["slow"].lost == {"quota": gap.count}
        assert status.uplinks["fast"].lost == {}

    virtual(main())


def test_settled_records_go_before_wanted_ones_and_stay_while_there_is_room(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        feed = journal.attach("u", lanes=LANES, start="head")
        for made in flood(10, "event"):
            await journal.append(made)
        await drain(feed)
        assert (await journal.status()).lanes["event"].records == 10, "acknowledged, and still there"
        assert feed.resend(journal.epoch, "event", 1, 10) == 10
        again = await take(feed, "event", "backlog")
        assert again is not None
        assert list(again.seqs) == [1, 2, 3], "a resend is backlog, and leaves live alone"
        feed.release(again)
        assert bodies(await drain(feed)) == numbered(10, 20_000)
        for made in flood(15):
            await journal.append(made)
        status = await journal.status()
        assert status.lanes["event"].records < 10
        assert status.uplinks["u"].lost == {}
        assert len(bodies(await drain(feed))) == 15

    virtual(main())


def test_resending_serves_what_is_left_and_says_what_is_not(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        feed = journal.attach("u", lanes=LANES, start="head")
        for made in flood(60):
            await journal.append(made)
            await drain(feed)
        kept = (await journal.status()).lanes["reading"].records
        assert 5 < kept < 60
        assert feed.resend(journal.epoch, "reading", 1, 1000) == kept
        blocks = await drain(feed)
        assert [gap.count for block in blocks for gap in block.gaps] == [60 - kept]
        assert len(bodies(blocks)) == kept
        assert (await journal.status()).uplinks["u"].lost == {}, "told again, not lost again"
        assert feed.resend("ffffffff", "reading", 3, 7) == 0
        (unknown,) = await drain(feed)
        assert (unknown.epoch, unknown.first, unknown.last, unknown.seqs) == ("ffffffff", 3, 7, ())
        assert unknown.gaps[0].reason == "unknown"
        assert feed.resend(journal.epoch, "reading", 5, 4) == 0
        assert await drain(feed) == []

    virtual(main())


def test_a_record_evicted_in_flight_is_a_gap_only_if_it_does_not_arrive(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        feeds = [journal.attach(name, lanes=LANES, start="head") for name in ("arrives", "lost")]
        await journal.append(entries("reading", numbered(3)))
        blocks = [await take(feed, "reading", "live") for feed in feeds]
        for made in flood(80):
            await journal.append(made)
        assert blocks[0] is not None
        assert blocks[1] is not None
        feeds[0].ack(blocks[0])
        feeds[1].release(blocks[1])
        gaps = [[gap for block in await drain(feed) for gap in block.gaps] for feed in feeds]
        assert gaps[0][0].first == 4
        assert gaps[1][0].first == 1
        assert gaps[1][0].last == gaps[0][0].last

    virtual(main())


def test_a_record_evicted_in_flight_is_a_gap_after_a_crash(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path / "a")
        feed = journal.attach("u", lanes=LANES, start="head")
        await journal.append(entries("reading", numbered(3)))
        assert await take(feed, "reading", "live") is not None
        for made in flood(80):
            await journal.append(made)
        again = open_journal(crash(tmp_path / "a", tmp_path / "b"))
        feed = again.attach("u", lanes=LANES, start="head")
        blocks = await drain(feed)
        gaps = sorted((gap for block in blocks for gap in block.gaps), key=lambda gap: gap.first)
        assert gaps[0].first == 1
        assert {gap.reason for gap in gaps} == {"quota"}
        assert sum(gap.count for gap in gaps) + len(bodies(blocks)) == 83

    virtual(main())


def test_forgetting_lets_go(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        journal.attach("gone", lanes=LANES, start="head")
        await journal.append(entries("event", [b"e"]))
        journal.forget("gone")
        await pause(6)
        assert journal.uplinks == ()
        await journal.close()
        assert open_journal(tmp_path).uplinks == ()

    virtual(main())


# --- 5. the quota


@pytest.mark.parametrize("lane", LANES)
def test_the_quota_is_hard_under_endless_outage(tmp_path: Path, lane: str) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        journal.attach("dead", lanes=LANES, start="head")
        highest = 0
        for made in flood(150, lane):
            await journal.append(made)
            highest = max(highest, directory_bytes(tmp_path))
        assert SMALL.quota_bytes * 0.5 < highest <= SMALL.quota_bytes * 1.05
        lost = (await journal.status()).uplinks["dead"]
        assert 0 < lost.lost["quota"] < 150
        assert lost.backlog[lane].records == 150 - lost.lost["quota"]

    virtual(main())


def test_the_lowest_lane_goes_first_and_alarms_have_a_reserve(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        feed = journal.attach("u", lanes=LANES, start="head")
        for made in flood(5, "event"):
            await journal.append(made)
        for made in flood(60):
            await journal.append(made)
        status = await journal.status()
        assert status.lanes["event"].records == 5
        before = status.lanes["reading"].records
        for made in flood(4, "alarm"):
            await journal.append(made)
        status = await journal.status()
        assert status.lanes["reading"].records == before, "the reserve took the alarms"
        for made in flood(40, "event"):
            await journal.append(made)
        status = await journal.status()
        assert status.lanes["reading"].records < 3, "readings went for events"
        events = status.lanes["event"].records
        assert events > 10
        for made in flood(3):
            await journal.append(made)
        status = await journal.status()
        assert status.lanes["event"].records == events, "events do not go for readings"
        assert status.lanes["alarm"].records == 4
        blocks = await drain(feed)
        assert bodies(blocks, "alarm") == numbered(4, 20_000)
        told = sum(gap.count for block in blocks for gap in block.gaps if gap.lane == "reading")
        assert told + len(bodies(blocks, "reading")) == 63

    virtual(main())


def test_acknowledged_alarms_within_the_reserve_make_no_room_for_readings(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        feed = journal.attach("u", lanes=LANES, start="head")
        for made in flood(4, "alarm"):
            await journal.append(made)
        await drain(feed)
        for made in flood(60):
            await journal.append(made)
        assert (await journal.status()).lanes["alarm"].records == 4
        assert feed.resend(journal.epoch, "alarm", 1, 4) == 4

    virtual(main())


def test_an_epoch_with_something_in_flight_is_kept(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        feed = journal.attach("u", lanes=LANES, start="head")
        old = journal.epoch
        await journal.append(entries("reading", numbered(3)))
        block = await take(feed, "reading", "live")
        assert block is not None
        await journal.renew_epoch("test")
        for made in flood(60):
            await journal.append(made)
        await pause(6)
        assert [epoch.epoch for epoch in (await journal.status()).epochs] == [old, journal.epoch]
        feed.release(block)
        gaps = [gap for block in await drain(feed) for gap in block.gaps]
        assert (old, 3) in [(gap.epoch, gap.count) for gap in gaps]
        await journal.append(entries("event", [b"e"]))
        await pause(6)
        assert [epoch.epoch for epoch in (await journal.status()).epochs] == [journal.epoch]

    virtual(main())


def test_a_lower_quota_is_reached(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path, options(quota_bytes=4 << 20))
        for made in flood(150):
            await journal.append(made)
        await journal.close()
        assert directory_bytes(tmp_path) > 2 << 20
        journal = open_journal(tmp_path)
        feed = journal.attach("u", lanes=LANES, start="oldest")
        await journal.append(entries("event", [b"goes on meanwhile"]))
        await pause(6)
        await journal.close()
        assert directory_bytes(tmp_path) <= SMALL.quota_bytes * 1.05
        journal = open_journal(tmp_path)
        feed = journal.attach("u", lanes=LANES, start="oldest")
        blocks = await drain(feed)
        lost = sum(gap.count for block in blocks for gap in block.gaps)
        assert len(bodies(blocks)) == 151 - lost
        assert len(bodies(blocks, "reading")) > 10

    virtual(main())


@pytest.mark.parametrize("changes", [{"quota_bytes": 1000}, {"alarm_reserve_bytes": 1 << 20}])
def test_a_quota_that_cannot_be_kept_is_refused(tmp_path: Path, changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"quota_bytes|alarm_reserve_bytes"):
        open_journal(tmp_path, options(**changes))


# --- 6. poison


def test_what_is_set_aside_holds_nothing_up(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        feed = journal.attach("u", lanes=LANES, start="head")
        other = journal.attach("other", lanes=LANES, start="head")
        await journal.append(entries("event", numbered(5)))
        blocks = [await feed.next("event", which="live", max_bytes=1, max_records=1) for _ in range(2)]
        assert blocks[0] is not None
        assert blocks[1] is not None
        feed.ack(blocks[0])
        feed.set_aside(blocks[1], "oversize")
        rest = await take(feed, "event", "live")
        assert rest is not None
        assert list(rest.seqs) == [3, 4, 5]
        (gap,) = rest.gaps
        assert (gap.first, gap.last, gap.count, gap.reason) == (2, 2, 1, "oversize")
        assert bodies(await drain(other)) == numbered(5)

    virtual(main())


# --- bounds and names of mistakes


def test_what_cannot_be_taken_is_refused_by_name(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path, options(max_pending_bytes=50_000))
        with pytest.raises(UnknownLane):
            journal.submit([Entry("gossip", 1, b"{}")])
        with pytest.raises(EntryTooLarge):
            journal.submit(entries("event", [b"x" * 300_000]))
        with pytest.raises(EntryTooLarge):
            journal.submit(entries("reading", numbered(10, 30_000)))
        waiting = [journal.submit(entries("reading", [body])) for body in numbered(40, 1200)]
        with pytest.raises(JournalBusy):
            journal.submit(entries("reading", numbered(5, 1200)))
        alarm = journal.submit(entries("alarm", numbered(1, 10_000)))
        assert (await alarm).durable
        assert all(future.done() for future in waiting)
        await journal.close()
        with pytest.raises(JournalClosed):
            journal.submit(entries("event", [b"{}"]))

    virtual(main())


def test_one_directory_has_one_owner(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        with pytest.raises(JournalInUse):
            open_journal(tmp_path)
        await journal.close()
        await open_journal(tmp_path).close()

    virtual(main())


def test_status_tells_all(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path)
        feed = journal.attach("u", lanes=LANES, start="head")
        await journal.append(entries("reading", numbered(4), at_ms=5000))
        await journal.append(entries("reading", numbered(4), at_ms=6000))
        block = await take(feed, "reading", "live", max_bytes=900)
        assert block is not None
        feed.ack(block)
        status = await journal.status()
        assert (status.epoch, status.durable, status.quota_bytes) == (journal.epoch, True, SMALL.quota_bytes)
        assert status.used_bytes == directory_bytes(tmp_path)
        lane = status.lanes["reading"]
        assert (lane.epoch, lane.head, lane.records, lane.oldest_at_ms) == (journal.epoch, 8, 8, 5000)
        backlog = status.uplinks["u"].backlog["reading"]
        assert (backlog.records, backlog.oldest_at_ms) == (4, 6000)
        assert 800 <= backlog.bytes <= 1600
        assert feed.backlog("reading") == backlog
        assert [(epoch.epoch, epoch.reason, epoch.heads["reading"]) for epoch in status.epochs] == [
            (journal.epoch, "new", 8)
        ]
        assert codes(journal) == ["epoch.new"]

    virtual(main())


def test_epochs_are_bounded(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path, options(max_epochs=5))
        feed = journal.attach("u", lanes=LANES, start="head")
        for number in range(12):
            await journal.append(entries("event", [b"%d" % number]))
            await journal.renew_epoch("test")
        await pause(6)
        assert len((await journal.status()).epochs) <= 6
        blocks = await drain(feed)
        assert len(bodies(blocks)) + sum(gap.count for block in blocks for gap in block.gaps) == 12
        await pause(6)
        await journal.append(entries("event", [b"last"]))
        await journal.close()
        assert isinstance(journal, Journal)
        assert isinstance(SMALL, Options)

    virtual(main())
