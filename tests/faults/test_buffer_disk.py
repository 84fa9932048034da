"""Disks that are slow, full, read-only, failing or stuck: alarms go on, nothing acknowledged is lost, it heals."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from courtyard.buffer import Entry, Journal
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
    numbered,
    open_journal,
    options,
    params,
    pause,
    take,
    virtual,
)

ALARM = Entry("alarm", 5, b'{"alarm":1}', b'{"alarm":1,"durable":false}')


class StuckDisk:
    """A gate for the writing thread: commits wait while it is shut."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.reached = threading.Event()

    def __call__(self, operation: str) -> None:
        if operation == "commit" and not self.open.is_set():
            self.reached.set()
            assert self.open.wait(200)


async def until(condition: Callable[[], bool], journal: Journal) -> None:
    """Waits for what the journal does, woken by its own pulse."""
    feed = journal.attach("watcher", lanes=("event",), start="head")
    seen = -1
    async with asyncio.timeout(100):
        while not condition():
            seen = await feed.wait(seen)


def test_a_slow_disk_delays_no_alarm_and_makes_no_second_record(tmp_path: Path) -> None:
    async def main() -> None:
        disk = StuckDisk()
        journal = open_journal(tmp_path, options(threads=True, gate=disk, commit_timeout_s=2.0))
        feed = journal.attach("u", lanes=LANES, start="head")
        await journal.append(entries("event", [b"before"]))
        disk.open.clear()
        under_way = journal.submit([ALARM, *entries("reading", [b"with it"])], {"occurrence": b"1"})
        reading = journal.submit(entries("reading", [b"waits"]), {"occurrence": b"0"})
        assert await asyncio.to_thread(disk.reached.wait, 100)
        first = await under_way
        second = await journal.append([ALARM._replace(body=b'{"alarm":2}', volatile=None)], {"occurrence": b"2"})
        assert not first.durable
        assert not second.durable
        assert first.epoch == second.epoch != journal.epoch
        assert (first.seqs, second.seqs) == ((1, 1), (2,))
        assert not journal.durable
        assert not reading.done(), "only alarms go on from memory while the disk is merely slow"
        assert journal.state() == {"occurrence": b"2"}
        block = await take(feed, "alarm", "live")
        assert block is not None
        assert (block.epoch, block.bodies) == (first.epoch, [b'{"alarm":1,"durable":false}', b'{"alarm":2}'])
        feed.ack(block)
        disk.open.set()
        assert (await reading).durable
        await until(lambda: journal.durable and not journal._refuge.waiting, journal)
        assert codes(journal) == ["epoch.new", "disk.slow", "epoch.new", "disk.ok"]
        assert journal.state() == {"occurrence": b"2"}, "the older value came later and changed nothing"
        blocks = await drain(feed)
        assert sorted(bodies(blocks)) == [b"before", b"waits", b"with it"]
        assert (await journal.append(entries("alarm", [b"after"]))).seqs == (2,), "the late transaction used number 1"
        assert bodies(await drain(feed)) == [b"after"]
        assert feed.resend(first.epoch, "alarm", 1, 2) == 2, "what memory had is on disk now"
        await journal.close()
        again = open_journal(tmp_path)
        assert again.state() == {"occurrence": b"2"}
        everything = again.attach("late", lanes=LANES, start="oldest")
        assert len(bodies(await drain(everything), "alarm")) == 4

    asyncio.run(main())


def test_a_disk_that_never_answers_lets_all_go_on_and_close_ends(tmp_path: Path) -> None:
    async def main() -> None:
        disk = StuckDisk()
        settings = options(threads=True, gate=disk, commit_timeout_s=0.02, disk_timeout_s=0.05, close_s=0.2)
        journal = open_journal(tmp_path, settings)
        feed = journal.attach("u", lanes=LANES, start="head")
        disk.open.clear()
        under_way = journal.submit(entries("reading", [b"under way"]))
        assert await asyncio.to_thread(disk.reached.wait, 100)
        waiting = journal.submit(entries("reading", [b"waits"]))
        appended = await waiting
        assert not appended.durable
        assert journal.epoch == appended.epoch
        assert bodies(await drain(feed)) == [b"waits"]
        await journal.close()
        assert "close.unfinished" in codes(journal)
        with pytest.raises(Exception, match="closed"):
            await under_way
        disk.open.set()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EIO, "disk.io"),
        (errno.ENOSPC, "disk.full"),
        (errno.EROFS, "disk.read_only"),
        (errno.EACCES, "disk.permission"),
    ],
)
def test_an_error_takes_everything_to_memory_and_back(tmp_path: Path, number: int, code: str) -> None:
    async def main() -> None:
        disk = Disk()
        journal = open_journal(tmp_path / "a", options(gate=disk))
        feed = journal.attach("u", lanes=LANES, start="head")
        await journal.append(entries("event", [b"before"]), {"a": b"1", "b": b"1"})
        disk.error = OSError(number, os.strerror(number))
        appended = await journal.append([ALARM, *entries("reading", [b"r"])], {"a": b"2", "b": None})
        assert not appended.durable
        assert journal.epoch == appended.epoch
        status = await journal.status()
        assert [fault.code for fault in status.faults] == [code]
        assert not status.durable
        assert journal.state() == {"a": b"2"}
        await pause(300)
        assert disk.passed.get("open", 0) < 20, "tries again, ever more rarely"
        assert [c for c in codes(journal) if c == code] == [code], "said once"
        live = [b for lane in LANES if (b := await take(feed, lane, "live")) is not None and b.epoch == journal.epoch]
        assert sorted(bodies(live)) == [b"r", ALARM.volatile]
        disk.error = None
        await pause(40)
        assert journal.durable
        assert codes(journal)[-1] == "disk.ok"
        assert (await journal.status()).faults == ()
        assert (await journal.append(entries("event", [b"after"]))).seqs == (2,)
        again = open_journal(crash(tmp_path / "a", tmp_path / "b"))
        assert again.state() == {"a": b"2"}
        everything = again.attach("u", lanes=LANES, start="head")
        assert sorted(bodies(await drain(everything))) == sorted([b"before", b"r", ALARM.volatile or b"", b"after"])

    virtual(main())


def test_memory_is_bounded_and_what_goes_is_counted(tmp_path: Path) -> None:
    async def main() -> None:
        disk = Disk()
        journal = open_journal(tmp_path, options(gate=disk, memory_bytes=100_000))
        feed = journal.attach("u", lanes=LANES, start="head")
        disk.error = OSError(errno.EIO, "gone")
        await journal.append([ALARM])
        for made in numbered(100, 5000):
            await journal.append(entries("reading", [made]))
        disk.error = None
        await pause(40)
        blocks = await drain(feed)
        assert bodies(blocks, "alarm") == [ALARM.volatile]
        (gap,) = [gap for block in blocks for gap in block.gaps]
        assert gap.reason == "memory"
        assert gap.count + len(bodies(blocks, "reading")) == 100
        assert gap.count > 70
        await journal.close()

    virtual(main())


def test_a_transaction_in_doubt_that_had_committed_is_not_delivered_twice(tmp_path: Path) -> None:
    """The disk reports an error after it has taken the transaction; opening again shows it."""

    async def main() -> None:
        disk = Disk()
        journal = open_journal(tmp_path, options(gate=disk))
        feed = journal.attach("u", lanes=LANES, start="head")
        await journal.append(entries("event", [b"one"]))
        disk.error, disk.only = OSError(errno.EIO, "after the fact"), "committed"
        appended = await journal.append(entries("event", [b"two"]), {"k": b"2"})
        assert not appended.durable
        disk.error = None
        await pause(40)
        assert journal.durable
        assert bodies(await drain(feed)) == [b"one", b"two"]
        assert (await journal.append(entries("event", [b"three"]))).seqs == (3,), "the disk had taken number 2"
        assert bodies(await drain(feed)) == [b"three"]
        assert journal.state() == {"k": b"2"}

    virtual(main())


def test_what_memory_had_is_not_stored_twice_when_its_transaction_was_in_doubt(tmp_path: Path) -> None:
    async def main() -> None:
        disk = Disk()
        journal = open_journal(tmp_path / "a", options(gate=disk))
        feed = journal.attach("u", lanes=LANES, start="head")
        disk.error = OSError(errno.EIO, "gone")
        appended = await journal.append(entries("event", numbered(3)), {"k": b"1"})
        disk.only, disk.spare = "committed", 1
        await pause(0.6)
        assert disk.spare == 0, "opened, and what memory had was stored; the answer was an error all the same"
        disk.error = None
        await pause(60)
        assert journal.durable
        assert "db.damaged" not in codes(journal)
        again = open_journal(crash(tmp_path / "a", tmp_path / "b"))
        for each in (feed, again.attach("u", lanes=LANES, start="head")):
            blocks = await drain(each)
            assert [(block.epoch, list(block.seqs)) for block in blocks] == [(appended.epoch, [1, 2, 3])]

    virtual(main())


def test_a_reader_that_never_ends_cannot_make_the_log_exceed_the_quota(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_journal(tmp_path, options(retry_s=(0.5, 1.0)))
        feed = journal.attach("u", lanes=LANES, start="head")
        await journal.append(entries("event", [b"before"]))
        reader = sqlite3.connect(tmp_path / "journal.db")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM block").fetchone()
        wanted = numbered(60, 20_000)
        highest = 0
        for made in wanted:
            await journal.append(entries("reading", [made]))
            highest = max(highest, directory_bytes(tmp_path))
        assert highest <= SMALL.quota_bytes * 1.1
        assert params(journal, "disk.busy")["detail"] == "a reader keeps the log from beginning anew"
        assert not journal.durable
        reader.close()
        await pause(10)
        assert journal.durable
        await journal.append(entries("event", [b"after"]))
        await pause(10)
        assert directory_bytes(tmp_path) <= SMALL.quota_bytes * 1.05
        blocks = await drain(feed)
        assert sum(gap.count for block in blocks for gap in block.gaps) + len(bodies(blocks, "reading")) == 60
        assert bodies(blocks, "event") == [b"before", b"after"]

    virtual(main())


def test_progress_that_could_not_be_written_is_written_later(tmp_path: Path) -> None:
    async def main() -> None:
        disk = Disk()
        journal = open_journal(tmp_path / "a", options(gate=disk))
        feed = journal.attach("u", lanes=LANES, start="head")
        await journal.append(entries("event", numbered(3)))
        await drain(feed)
        disk.error = OSError(errno.ENOSPC, "full")
        await pause(10)
        disk.error = None
        await pause(40)
        again = open_journal(crash(tmp_path / "a", tmp_path / "b"))
        assert await drain(again.attach("u", lanes=LANES, start="head")) == []

    virtual(main())


# --- real disks: a small file system of its own, in a mount name space of the child


CHILD = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.faults.journal_on_small_disk import {name}
asyncio.run({name}(Path(sys.argv[1])))
print("as promised")
"""


def may(script: str) -> bool:
    return (
        os.geteuid() == 0 and not subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True).returncode
    )


@pytest.fixture(scope="module")
def small_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ext4 file system in a file."""
    image = tmp_path_factory.mktemp("image") / "ext4"
    image.write_bytes(b"")
    os.truncate(image, 12 << 20)
    made = subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], capture_output=True)
    if made.returncode or not may(f"mount -o loop {image} /mnt && umount /mnt"):
        pytest.skip("needs ext4 on a loop device")
    return image


def in_mount(directory: Path, mount: str, name: str) -> None:
    """Runs one function of journal_on_small_disk in a child, with a file system of its own mounted."""
    root = str(Path(__file__).parents[2])
    child = subprocess.run(
        ["unshare", "-m", "sh", "-c", f'mount {mount} {directory} && exec {sys.executable} -c "$CHILD" {directory}'],
        env={**os.environ, "CHILD": CHILD.format(root=root, name=name)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert child.stdout.strip().endswith("as promised"), child.stdout + child.stderr


@pytest.mark.parametrize("name", ["fills_up_and_is_cleared", "read_only_from_the_start"])
def test_on_a_small_disk(tmp_path: Path, name: str) -> None:
    if not may("mount -t tmpfs -o size=64k tmpfs /mnt"):
        pytest.skip("needs a mount name space")
    in_mount(tmp_path, "-t tmpfs -o size=6m tmpfs", name)


def test_on_a_disk_that_turns_read_only(tmp_path: Path, small_image: Path) -> None:
    in_mount(tmp_path, f"-o loop,errors=remount-ro {small_image}", "turns_read_only")
