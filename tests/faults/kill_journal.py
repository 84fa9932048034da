"""kill -9 against the journal: a child appends, delivers and reports what it was told; the parent kills and checks.

    python tests/faults/kill_journal.py [--kills 200] [--seed 1] [--directory DIR]

The child says `a EPOCH LANE SEQ NUMBER` for each record of an append that has returned, and `d EPOCH LANE SEQ NUMBER`
for each record in a block, before it acknowledges that block.  After each kill the parent, in the dead child's files:

- finds every record that an append returned, with its bytes, under its number;
- finds each lane without holes, the accounts in order, and producer state that belongs to the records exactly;
- has seen no number with two contents, in this life or any before.

At the end everything that was never delivered is delivered.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import msgspec

sys.path.insert(0, str(Path(__file__).parents[2]))

from courtyard.buffer import Block, Entry, Feed, Journal, Options

LANES = ("alarm", "event", "reading")
PATIENT_S = 60.0
"""For a commit: this is about kills, and a disk that others use may stop for seconds."""
PATIENT = Options(quota_bytes=256 << 20, commit_timeout_s=PATIENT_S, disk_timeout_s=PATIENT_S)
OPTIONS = msgspec.structs.replace(PATIENT, alarm_reserve_bytes=1 << 20, recent_bytes=50_000, progress_s=0.02)
READY_S = 100.0


class Summary(NamedTuple):
    """What a campaign came to; `mistakes` is empty when every promise was kept."""

    kills: int
    appended: int
    delivered: int
    repeated: int
    mistakes: tuple[str, ...]


def body(number: int) -> bytes:
    """The record with this number; its size varies with it."""
    return b'{"n":%d,"x":"' % number + b"x" * (number * 37 % 900) + b'"}'


def number_of(record: bytes) -> int:
    return int(record[5 : record.index(b",")])


# --- the child


async def child(directory: Path, life: int, seed: str) -> None:
    """Appends and delivers until it is killed."""
    source = random.Random(seed)
    settings = OPTIONS if source.random() < 0.7 else msgspec.structs.replace(PATIENT, reading_commit_s=0.01)
    journal = Journal.open(directory, settings, boot=f"life-{life}", wall_ms=lambda: life)
    feed = journal.attach("platform", lanes=LANES, start="oldest")
    feed.mark_live()
    print("r", journal.epoch, flush=True)
    counter = int(journal.state().get("count", b"0"))
    next_number = [max(counter, life * 1_000_000)]
    await asyncio.gather(
        *(_append(journal, source, next_number) for _ in range(4)), *(_deliver(feed, lane) for lane in LANES)
    )


async def _append(journal: Journal, source: random.Random, next_number: list[int]) -> None:
    while True:
        made, numbers = [], []
        for _ in range(source.choice([1, 1, 1, 3, 40])):
            next_number[0] += 1
            numbers.append(next_number[0])
            made.append(Entry(source.choice(LANES), next_number[0], body(next_number[0])))
        state = {"count": b"%d" % numbers[-1], f"with-{numbers[-1] % 7}": b"%d" % numbers[-1]}
        appended = await journal.append(made, state)
        assert appended.durable
        said = zip(made, appended.seqs, numbers, strict=True)
        _say("".join(f"a {appended.epoch} {entry.lane} {seq} {number}\n" for entry, seq, number in said))


async def _deliver(feed: Feed, lane: str) -> None:
    seen = -1
    while True:
        block = await feed.next(lane, which="live", max_bytes=20_000, max_records=50)
        block = block or await feed.next(lane, which="backlog", max_bytes=20_000, max_records=50)
        if block is None:
            seen = await feed.wait(seen)
        else:
            said = zip(block.seqs, block.bodies, strict=True)
            _say("".join(f"d {block.epoch} {lane} {seq} {number_of(record)}\n" for seq, record in said))
            feed.ack(block)


def _say(text: str) -> None:
    """Whole lines at once, straight into the pipe: a pipe outlives its writer."""
    data = text.encode()
    while data:
        data = data[os.write(1, data) :]


# --- the parent


class Campaign:
    """Lives of one journal, and all that its children said."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.directory, self.source = directory, random.Random(seed)
        self.appended: dict[tuple[str, str, int], int] = {}
        self.delivered: dict[tuple[str, str, int], int] = {}
        self.repeated = 0
        self.mistakes: list[str] = []

    def live_and_die(self, life: int) -> None:
        """One child, killed at a random moment after it has begun to answer."""
        process = subprocess.Popen(
            [sys.executable, __file__, "--child", str(self.directory), str(life), str(self.source.random())],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        said = self._listen(process.stdout.fileno(), self.source.choice([0.0, 0.001, 0.01, 0.03, 0.1]))
        process.send_signal(signal.SIGKILL)
        said += process.stdout.read()
        process.stdout.close()
        process.wait()
        for line in said.decode().splitlines():
            kind, *rest = line.split()
            if kind in "ad" and len(rest) == 4:
                self._hear(kind, (rest[0], rest[1], int(rest[2])), int(rest[3]))

    def _listen(self, pipe: int, extra_s: float) -> bytes:
        said, first_at = b"", 0.0
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            ready, _, _ = select.select([pipe], [], [], 0.005)
            if ready:
                data = os.read(pipe, 1 << 16)
                if not data:
                    self.mistakes.append("the child ended by itself")
                    return said
                said += data
            if not first_at and b"\na " in said:
                first_at = time.monotonic()
            if first_at and time.monotonic() - first_at >= extra_s:
                return said
        self.mistakes.append("the child never answered")
        return said

    def _hear(self, kind: str, identity: tuple[str, str, int], number: int) -> None:
        for known in (self.appended, self.delivered):
            if known.get(identity, number) != number:
                self.mistakes.append(f"{identity} was {known[identity]} and is {number}")
        self.repeated += kind == "d" and identity in self.delivered
        (self.appended if kind == "a" else self.delivered)[identity] = number

    def check(self) -> None:
        """What the dead child left, against what it and those before it said."""
        from courtyard.buffer import inspection  # not for the child, which is to start fast

        found: dict[tuple[str, str, int], int] = {}
        tops: dict[tuple[str, str], int] = {}
        highest = 0
        for record in inspection.export(self.directory):
            identity = record.epoch, record.lane, record.seq
            number = number_of(record.body)
            if record.body != body(number):
                self.mistakes.append(f"{identity} has wrong bytes")
            if record.seq != tops.get(identity[:2], 0) + 1:
                self.mistakes.append(f"a hole before {identity}")
            tops[identity[:2]] = record.seq
            found[identity] = number
            highest = max(highest, number)
        for identity, number in self.appended.items():
            if found.get(identity) != number:
                self.mistakes.append(f"{identity} was returned as {number} and is {found.get(identity)}")
        for identity, number in self.delivered.items():
            if found.get(identity) != number:
                self.mistakes.append(f"{identity} was delivered as {number} and is {found.get(identity)}")
        if len(set(found.values())) != len(found):
            self.mistakes.append("a record is there twice")
        self.mistakes.extend(str(problem) for problem in inspection.verify(self.directory).problems)
        epochs = inspection.status(self.directory).epochs
        if len(epochs) != 1:
            self.mistakes.append(f"{len(epochs)} epochs after mere kills")
        self.found, self.highest = found, highest

    async def finish(self) -> None:
        """Everything that is there and was never delivered can be."""
        journal = Journal.open(self.directory, OPTIONS, boot="after", wall_ms=lambda: 0)
        if int(journal.state()["count"]) != self.highest:
            self.mistakes.append(f"state says {journal.state()['count']!r}, the newest record is {self.highest}")
        feed = journal.attach("platform", lanes=LANES, start="oldest")
        for lane in LANES:
            while (block := await feed.next(lane, which="backlog", max_bytes=60_000, max_records=999)) is not None:
                self._take(feed, block)
        if self.delivered.keys() != self.found.keys():
            self.mistakes.append(f"{len(self.found.keys() - self.delivered.keys())} records were never delivered")
        await journal.close()

    def _take(self, feed: Feed, block: Block) -> None:
        for seq, record in zip(block.seqs, block.bodies, strict=True):
            self._hear("d", (block.epoch, block.lane, seq), number_of(record))
        if block.gaps:
            self.mistakes.append(f"gaps {block.gaps}")
        feed.ack(block)


def campaign(directory: Path, kills: int, seed: int) -> Summary:
    """So many lives of one journal."""
    run = Campaign(directory, seed)
    for life in range(1, kills + 1):
        run.live_and_die(life)
        run.check()
        if run.mistakes:
            break
    if not run.mistakes:
        asyncio.run(run.finish())
    return Summary(kills, len(run.appended), len(run.delivered), run.repeated, tuple(run.mistakes[:20]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--directory", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="journal-kills-") as made:
        summary = campaign(chosen.directory or Path(made), chosen.kills, chosen.seed)
    print(f"{summary.kills} kills, {summary.appended} records returned, {summary.delivered} delivered,", end=" ")
    print(f"{summary.repeated} of them again after a kill, {len(summary.mistakes)} mistakes")
    print("\n".join(summary.mistakes))
    return 1 if summary.mistakes else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        asyncio.run(child(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
    else:
        sys.exit(main())
