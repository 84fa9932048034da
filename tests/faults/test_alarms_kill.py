"""kill -9 at any moment: no kept alarm is lost, occurrences go on, every command has one effect and one outcome."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from courtyard.buffer import Options
from courtyard.buffer.journal import Journal

ROOT = Path(__file__).parents[2]
KILLS = 100 if os.environ.get("COURTYARD_CAMPAIGN") == "full" else 4
SOURCES = ("1", "2", "3")
ISSUED_MS = time.time_ns() // 1_000_000


@contextmanager
def gateway(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.faults.alarm_gateway", str(folder), str(ISSUED_MS)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def script(random_: random.Random, life: int) -> list[str]:
    """A storm of conditions and commands; some ids were sent in an earlier life already."""
    lines = []
    for number in range(40):
        command_id = f"{random_.choice('ao')}-{max(0, life - random_.randrange(2))}-{random_.randrange(40)}"
        source = SOURCES[sum(map(ord, command_id)) % len(SOURCES)]
        command = f"acknowledge {command_id} {source}" if command_id[0] == "a" else f"output {command_id}"
        condition = f"{random_.choice(('raise', 'return'))} {random_.choice(SOURCES)}"
        lines.append(condition if number % 2 else command)
    return lines


async def records(folder: Path, lane: str) -> list[dict[str, Any]]:
    journal = Journal.open(folder, Options(quota_bytes=50_000_000), boot="judge", wall_ms=lambda: 0)
    feed = journal.attach("judge", lanes=("alarm", "event"), start="oldest")
    feed.mark_live()
    found: list[dict[str, Any]] = []
    while block := await feed.next(lane, which="backlog", max_bytes=1 << 20, max_records=1000):
        found += [msgspec.json.decode(body) for body in block.bodies]
        feed.ack(block)
    await journal.close()
    return found


def test_killed_at_any_moment(tmp_path: Path) -> None:
    random_ = random.Random(20261122)
    kept: Counter[str] = Counter()
    told: defaultdict[str, set[str]] = defaultdict(set)
    for life in range(KILLS):
        with gateway(tmp_path) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("".join(f"{line}\n" for line in script(random_, life)).encode())
            process.stdin.flush()
            for _ in range(random_.randrange(1, 35)):
                what, *rest = process.stdout.readline().decode().split()
                if what == "kept":
                    kept[" ".join(rest)] += 1
                else:
                    told[rest[0]].add(rest[1])
    with gateway(tmp_path) as process:  # the last start settles what was cut short
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(100) == 0

    alarms = asyncio.run(records(tmp_path / "journal", "alarm"))
    for source in SOURCES:
        life_of = [record for record in alarms if record["source"] == source]
        order = [(record["occurrence"], record["change"]) for record in life_of]
        assert all(later > earlier for earlier, later in pairwise(order))
        assert any(record["action"] == "raise" for record in life_of) or not kept[f"raise {source}"]
    events = asyncio.run(records(tmp_path / "journal", "event"))
    details = [(event["event"], event.get("details", {})) for event in events]
    accepted = {each["id"] for name, each in details if name == "command.accepted"}
    outcomes = Counter(each["id"] for name, each in details if name == "command.outcome")
    results = {each["id"]: each["result"] for name, each in details if name == "command.outcome"}
    assert accepted <= set(outcomes)
    assert set(outcomes.values()) == {1}
    assert all(answers == {results[command_id]} for command_id, answers in told.items())
    effects = Counter((tmp_path / "effects").read_text().split())
    assert set(effects.values()) <= {1}
    assert {command_id for command_id, result in results.items() if result == "done" and command_id[0] == "o"} <= set(
        effects
    )
    assert {command_id for command_id in effects if results[command_id] not in ("done", "unknown")} == set()
    assert len(kept) > 1
    assert len(told) > KILLS
