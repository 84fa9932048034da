"""The journal against a bare model: random appends, deliveries, losses, disk faults, crashes.

The model is what a producer was answered and what platforms acknowledged; nothing of the journal's own accounts.
Checked at the end, after everything that can be had was taken: each record that an append returned reached each
uplink that wanted it, or is in a gap that this uplink was told; no identity ever had two bodies.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import async_solipsism
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from courtyard.buffer import Block, Entry, Feed, Journal
from tests.buffer_rig import LANES, MEMORY_DISK, SMALL, Disk, crash, directory_bytes, open_journal, options, pause

T = TypeVar("T")
FULL = os.environ.get("COURTYARD_CAMPAIGN") == "full"
Identity = tuple[str, str, int]
NAMES = ("community", "city")
QUOTA_BYTES = SMALL.quota_bytes


class Uplink:
    """What one platform should get and has got."""

    def __init__(self, lanes: tuple[str, ...]) -> None:
        self.lanes = lanes
        self.owed: set[Identity] = set()
        self.acked: set[Identity] = set()
        self.told: set[Identity] = set()
        self.flying: list[Block] = []


class JournalMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="journal-model-", dir=MEMORY_DISK if MEMORY_DISK.exists() else None))
        self.lives = 0
        self.directory = self.root / "0"
        self.disk = Disk()
        self.records: dict[Identity, bytes] = {}
        self.fleeting: set[Identity] = set()
        self.uplinks: dict[str, Uplink] = {}
        self.feeds: dict[str, Feed] = {}
        self.counter = 0
        self.alarm_bytes = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize(ranges=st.sampled_from([2, 4, 64]), deflate=st.booleans())
    def begin(self, ranges: int, deflate: bool) -> None:
        self.options = options(
            max_ranges=ranges, gate=self.disk, retry_s=(0.5, 2.0), memory_bytes=200_000, recent_bytes=20_000
        )
        self.open()

    def open(self) -> None:
        self.loop = async_solipsism.EventLoop()
        self.journal = open_journal(self.directory, self.options, boot=f"boot-{self.lives}")
        for name, uplink in self.uplinks.items():
            self.feeds[name] = self.run(self.attached(name, uplink.lanes, "head"))
            uplink.flying.clear()

    async def attached(self, name: str, lanes: tuple[str, ...], start: Any) -> Feed:
        return self.journal.attach(name, lanes=lanes, start=start)

    # --- producers

    @rule(
        sizes=st.lists(st.tuples(st.sampled_from(LANES), st.integers(20, 2000)), min_size=1, max_size=12),
        value=st.none() | st.binary(max_size=20),
    )
    def append(self, sizes: list[tuple[str, int]], value: bytes | None) -> None:
        self.put([(lane, size if lane != "alarm" else 20) for lane, size in sizes], value)

    @rule(count=st.integers(1, 30), lane=st.sampled_from(["event", "reading"]))
    def flood(self, count: int, lane: str) -> None:
        for _ in range(count):
            self.put([(lane, 30_000)], b"flood")

    def put(self, sizes: list[tuple[str, int]], value: bytes | None) -> None:
        made = []
        for lane, size in sizes:
            self.counter += 1
            body = b'{"n":%d,"x":"' % self.counter + b"x" * size + b'"}'
            made.append(Entry(lane, 1000 + self.counter, body, b'{"volatile":%d}' % self.counter))
        appended = self.run(self.journal.append(made, {"key": value, f"key-{self.counter % 5}": b"%d" % self.counter}))
        self.state_value = value
        for entry, seq in zip(made, appended.seqs, strict=True):
            identity = appended.epoch, entry.lane, seq
            assert identity not in self.records, "one number for two records"
            self.records[identity] = entry.body if appended.durable else entry.volatile or b""
            if not appended.durable:
                self.fleeting.add(identity)
            for uplink in self.uplinks.values():
                if entry.lane in uplink.lanes:
                    uplink.owed.add(identity)
        assert self.journal.state("key").get("key") == value

    # --- uplinks

    @rule(name=st.sampled_from(NAMES), lanes=st.sampled_from([LANES, ("alarm", "reading")]), oldest=st.booleans())
    def attach(self, name: str, lanes: tuple[str, ...], oldest: bool) -> None:
        if name not in self.uplinks:
            self.uplinks[name] = Uplink(lanes)
            self.feeds[name] = self.run(self.attached(name, lanes, "oldest" if oldest else "head"))

    @rule(name=st.sampled_from(NAMES))
    def forget(self, name: str) -> None:
        if self.uplinks.pop(name, None) is not None:
            self.run(self.forgotten(name))
            del self.feeds[name]

    async def forgotten(self, name: str) -> None:
        self.journal.forget(name)
        await pause(6)

    @rule(name=st.sampled_from(NAMES))
    def mark_live(self, name: str) -> None:
        if name in self.feeds:
            self.feeds[name].mark_live()

    @rule(
        name=st.sampled_from(NAMES),
        lane=st.sampled_from(LANES),
        which=st.sampled_from(["live", "backlog"]),
        most=st.sampled_from([1, 5000, 70_000]),
    )
    def next(self, name: str, lane: str, which: Any, most: int) -> None:
        if name in self.feeds:
            block = self.run(self.feeds[name].next(lane, which=which, max_bytes=most, max_records=40))
            if block is not None:
                self.check(name, block)
                self.uplinks[name].flying.append(block)

    @rule(name=st.sampled_from(NAMES), at=st.integers(0, 9), fate=st.sampled_from(["ack", "ack", "release", "aside"]))
    def settle(self, name: str, at: int, fate: str) -> None:
        uplink = self.uplinks.get(name)
        if uplink is None or not uplink.flying:
            return
        block = uplink.flying.pop(at % len(uplink.flying))
        if fate == "ack":
            self.acked(uplink, block)
            self.feeds[name].ack(block)
        elif fate == "release":
            self.feeds[name].release(block)
        else:
            self.feeds[name].set_aside(block, "refused")

    @rule(name=st.sampled_from(NAMES), lane=st.sampled_from(LANES), first=st.integers(0, 30), count=st.integers(0, 40))
    def resend(self, name: str, lane: str, first: int, count: int) -> None:
        uplink = self.uplinks.get(name)
        if uplink is None or lane not in uplink.lanes:
            return
        epoch = self.journal.epoch
        coming = self.feeds[name].resend(epoch, lane, first, first + count - 1)
        asked = {(epoch, lane, seq) for seq in range(max(first, 1), first + count)} & self.records.keys()
        assert 0 <= coming <= len(asked)
        uplink.owed |= asked
        uplink.acked -= asked
        uplink.told -= asked

    def check(self, name: str, block: Block) -> None:
        uplink = self.uplinks[name]
        assert list(block.seqs) == (list(range(block.first, block.last + 1)) if block.bodies else [])
        flying = {(b.epoch, b.lane, seq) for b in uplink.flying for seq in b.seqs}
        for seq, body in zip(block.seqs, block.bodies, strict=True):
            identity = block.epoch, block.lane, seq
            assert self.records[identity] == body
            assert identity not in flying, "twice in flight"
        for gap in block.gaps:
            assert 0 < gap.count <= gap.last - gap.first + 1
            assert gap.reason in ("quota", "memory", "refused"), gap
            assert (gap.lane, gap.reason) != ("alarm", "quota"), "alarms have a reserve"
            lost = {(gap.epoch, gap.lane, seq) for seq in range(gap.first, gap.last + 1)}
            assert lost <= self.records.keys()
            if gap.count == len(lost) and self.lives == 0:
                assert not lost & uplink.acked, "delivered, and yet counted as lost"

    def acked(self, uplink: Uplink, block: Block) -> None:
        uplink.acked |= {(block.epoch, block.lane, seq) for seq in block.seqs}
        for gap in block.gaps:
            uplink.told |= {(gap.epoch, gap.lane, seq) for seq in range(gap.first, gap.last + 1)}

    # --- what happens to the box

    @rule()
    def time_passes(self) -> None:
        self.run(pause(6))

    @rule(number=st.sampled_from([errno.EIO, errno.ENOSPC]))
    def disk_fails(self, number: int) -> None:
        self.disk.error = OSError(number, os.strerror(number))

    @rule()
    def disk_heals(self) -> None:
        self.disk.error = None
        self.run(pause(10))
        assert self.journal.durable

    @rule()
    def new_epoch(self) -> None:
        if self.disk.error is None and self.journal.durable:
            before = self.journal.epoch
            self.run(self.journal.renew_epoch("test"))
            assert self.journal.epoch != before

    @rule()
    def crashes(self) -> None:
        if self.disk.error is not None:
            return
        self.lives += 1
        before, self.directory = self.directory, self.root / str(self.lives)
        crash(before, self.directory)
        self.loop.close()
        gone = self.fleeting
        for uplink in self.uplinks.values():
            uplink.owed -= gone
        self.fleeting = set()
        self.open()

    @rule()
    def restarts(self) -> None:
        if self.disk.error is not None:
            return
        state = self.journal.state()
        self.run(pause(10))
        self.run(self.journal.close())
        self.loop.close()
        self.lives += 1
        self.fleeting = set()
        self.open()
        assert self.journal.state() == state
        assert not any(finding.code == "epoch.new" for finding in self.journal.findings)

    @invariant()
    def quota_is_kept(self) -> None:
        if self.directory.exists():
            assert directory_bytes(self.directory) <= QUOTA_BYTES * 1.05

    def teardown(self) -> None:
        if not hasattr(self, "journal"):
            return
        self.disk.error = None
        self.run(pause(10))
        for name, uplink in self.uplinks.items():
            for block in uplink.flying:
                self.feeds[name].release(block)
            uplink.flying.clear()
            self.run(self.take_all(name, uplink))
            missing = {i for i in uplink.owed - uplink.acked - uplink.told if i[1] in uplink.lanes}
            assert not missing, f"neither delivered nor counted for {name}: {sorted(missing)[:5]}"
        self.run(self.journal.close())
        self.loop.close()
        shutil.rmtree(self.root)

    async def take_all(self, name: str, uplink: Uplink) -> None:
        feed = self.feeds[name]
        for _ in range(3):
            for lane in uplink.lanes:
                for which in ("backlog", "live"):
                    while (block := await feed.next(lane, which=which, max_bytes=64_000, max_records=500)) is not None:  # type: ignore[arg-type]
                        self.check(name, block)
                        self.acked(uplink, block)
                        feed.ack(block)
            feed.mark_live()
        for lane in uplink.lanes:
            assert feed.backlog(lane).records == 0


JournalMachine.TestCase.settings = settings(
    max_examples=400 if FULL else 25,
    stateful_step_count=60 if FULL else 40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
test_journal_against_model = JournalMachine.TestCase


def test_journal_type_is_exported() -> None:
    assert Journal.__module__ == "courtyard.buffer.journal"
