"""What a child process does with a journal on a file system of 6 MB; run by test_buffer_disk in its own mount."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

from courtyard.buffer import Journal, Options
from tests.buffer_rig import LANES, bodies, codes, drain, entries, numbered

BIG = Options(quota_bytes=8 << 20, alarm_reserve_bytes=1 << 20, retry_s=(0.02, 0.05), recent_bytes=10_000)


def opened(directory: Path, boot: str = "boot") -> Journal:
    return Journal.open(directory / "journal", BIG, boot=boot, wall_ms=lambda: 1_700_000_000_000)


async def healed(journal: Journal) -> None:
    feed = journal.attach("watcher", lanes=("event",), start="head")
    seen = -1
    async with asyncio.timeout(100):
        while not journal.durable or journal._refuge.waiting:
            seen = await feed.wait(seen)


async def fills_up_and_is_cleared(disk: Path) -> None:
    """Records beyond the disk's end are kept in memory and reach the disk when somebody makes room."""
    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * 5_000_000)
    journal = opened(disk)
    feed = journal.attach("u", lanes=LANES, start="head")
    wanted = numbered(80, 20_000)
    durable = [(await journal.append(entries("reading", [body]), {"last": body[:3]})).durable for body in wanted]
    assert durable[0]
    assert not durable[-1]
    assert "disk.full" in codes(journal)
    alarm = await journal.append(entries("alarm", [b"{}"]))
    assert not alarm.durable
    ballast.unlink()
    await healed(journal)
    assert codes(journal)[-1] == "disk.ok"
    assert sorted(bodies(await drain(feed))) == sorted([*wanted, b"{}"])
    await journal.close()
    again = opened(disk, "boot-2")
    assert again.state() == {"last": b"80:"}
    assert not [code for code in codes(again) if code != "epoch.new"]
    await again.close()


async def turns_read_only(disk: Path) -> None:
    """The kernel finds an error in a running file system and makes it read-only, as it does with worn-out cards."""
    journal = opened(disk)
    feed = journal.attach("u", lanes=LANES, start="head")
    before = await journal.append(entries("event", [b"before"]), {"k": b"1"})
    assert before.durable
    (Path("/sys/fs/ext4") / _device(disk) / "trigger_fs_error").write_text("1")
    during = await journal.append(entries("event", [b"during"]), {"k": b"2"})
    assert not during.durable
    assert "disk.read_only" in codes(journal), list(journal.findings)
    assert not (await journal.append(entries("alarm", [b"fire"]))).durable
    assert sorted(bodies(await drain(feed))) == [b"before", b"during", b"fire"]
    assert journal.state() == {"k": b"2"}
    await journal.close()
    _mount_again(disk)
    again = opened(disk, "boot-2")
    assert again.durable
    assert again.epoch == before.epoch
    assert again.heads["event"] == 1
    assert again.state() == {"k": b"1"}
    await again.close()


async def read_only_from_the_start(disk: Path) -> None:
    """What is there can be read and delivered; what comes is kept in memory until the disk can be written."""
    journal = opened(disk)
    journal.attach("u", lanes=LANES, start="head")
    await journal.append(entries("event", [b"old"]), {"k": b"1"})
    await journal.close()
    epoch = journal.epoch
    _remount(disk, "ro")
    journal = opened(disk, "boot-2")
    assert not journal.durable
    assert journal.epoch != epoch
    assert codes(journal)[0] == "disk.read_only", codes(journal)
    assert journal.state() == {"k": b"1"}
    feed = journal.attach("u", lanes=LANES, start="head")
    assert not (await journal.append(entries("event", [b"new"]), {"k": b"2"})).durable
    assert sorted(bodies(await drain(feed))) == [b"new", b"old"]
    _remount(disk, "rw")
    await healed(journal)
    assert journal.epoch == epoch
    appended = await journal.append(entries("event", [b"newer"]))
    assert (appended.durable, appended.seqs) == (True, (2,))
    assert bodies(await drain(feed)) == [b"newer"]
    assert journal.state() == {"k": b"2"}
    await journal.close()


def _remount(disk: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(disk)], check=True)


def _mount_again(disk: Path) -> None:
    image = Path(f"/sys/block/{_device(disk)}/loop/backing_file").read_text().strip()
    subprocess.run(["umount", str(disk)], check=True)
    subprocess.run(["mount", "-o", "loop", image, str(disk)], check=True)


def _device(disk: Path) -> str:
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    return next(Path(mount[0]).name for mount in mounts if mount[1] == str(disk))
