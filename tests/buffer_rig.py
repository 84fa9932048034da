"""What the journal's tests share: opening with small bounds, a disk that fails on command, crashes, reading all."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import async_solipsism
import msgspec
import pytest

from courtyard.buffer import Block, Entry, Feed, Journal, Options

T = TypeVar("T")
MEMORY_DISK = Path("/dev/shm")
LANES = ("alarm", "event", "reading")
SMALL = Options(quota_bytes=1 << 20, alarm_reserve_bytes=128 << 10, threads=False)
"""The smallest quota, on a virtual clock."""


@pytest.fixture(name="tmp_path")
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A directory of which syncing costs nothing, for tests that do not ask whether the disk was waited for."""
    if not MEMORY_DISK.exists():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY_DISK, prefix="journal-") as directory:
        yield Path(directory)


class Disk:
    """A gate that lets everything pass until it is given an error; counts what passes.

    With `only`, the error is for that operation; `spare` of those are still let through.
    """

    def __init__(self) -> None:
        self.error: OSError | None = None
        self.only: str | None = None
        self.spare = 0
        self.passed: dict[str, int] = {}

    def __call__(self, operation: str) -> None:
        if self.error is not None and self.only in (None, operation):
            if not self.spare:
                raise self.error
            self.spare -= 1
        self.passed[operation] = self.passed.get(operation, 0) + 1


class Clock:
    """Wall time that stands still unless told otherwise."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


def virtual(main: Coroutine[Any, Any, T]) -> T:
    """Runs on a clock that jumps to the next timer whenever nothing else is to be done."""
    loop = async_solipsism.EventLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()


def options(base: Options = SMALL, **changes: Any) -> Options:
    return msgspec.structs.replace(base, **changes)


def open_journal(directory: Path, settings: Options = SMALL, *, boot: str = "boot-1") -> Journal:
    return Journal.open(directory, settings, boot=boot, wall_ms=Clock())


def crash(directory: Path, target: Path) -> Path:
    """The directory as a power cut would leave it now: what is in the files, nothing that only memory has."""
    target.mkdir(parents=True)
    for path in directory.iterdir():
        if not path.name.endswith("-shm"):
            shutil.copyfile(path, target / path.name)
    return target


def entries(lane: str, bodies: Iterable[bytes], at_ms: int = 1_700_000_000_000) -> list[Entry]:
    return [Entry(lane, at_ms, body) for body in bodies]


def numbered(count: int, size: int = 200, start: int = 1) -> list[bytes]:
    """Bodies that tell themselves apart."""
    return [b"%d:" % number + b"x" * (size - len(b"%d:" % number)) for number in range(start, start + count)]


async def pause(seconds: float) -> None:
    """Lets virtual time pass."""
    nothing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await asyncio.wait([nothing], timeout=seconds)


async def take(feed: Feed, lane: str, which: Any = "backlog", *, max_bytes: int = 64_000) -> Block | None:
    return await feed.next(lane, which=which, max_bytes=max_bytes, max_records=1000)


async def drain(feed: Feed, lanes: Iterable[str] = LANES) -> list[Block]:
    """Everything that can be had, acknowledged."""
    blocks = []
    for lane in lanes:
        for which in ("backlog", "live", "backlog"):
            while (block := await take(feed, lane, which)) is not None:
                feed.ack(block)
                blocks.append(block)
    return blocks


def bodies(blocks: Iterable[Block], lane: str | None = None) -> list[bytes]:
    return [body for block in blocks if lane in (None, block.lane) for body in block.bodies]


def directory_bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.iterdir())


def codes(journal: Journal) -> list[str]:
    return [finding.code for finding in journal.findings]


def params(journal: Journal, code: str) -> Mapping[str, Any]:
    """Of the last finding with this code."""
    return next(finding.params for finding in reversed(journal.findings) if finding.code == code)
