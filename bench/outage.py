"""An outage without end: the disk quota holds, memory stays flat, polling goes on."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NamedTuple

from bench.process import cpu_share, usage
from bench.throughput import rig

QUOTA_BYTES = 64_000_000
SETTLE_S = 30.0
"""From the full quota until memory is what it will be."""


class Outage(NamedTuple):
    """Of one run: the greatest directory size seen after the quota was reached, memory at its begin and end."""

    written_bytes: int
    largest_bytes: int
    rss_first_mb: float
    rss_last_mb: float
    core_share: float
    polls_per_s: float


def measure(seconds: float = 90.0) -> Outage:
    """200 devices of 100 points, 16 polls a second each, no broker; counts from when the quota is full."""
    extra = f'[journal]\nquota = "{QUOTA_BYTES}B"\nalarm_reserve = "1MB"\n'
    with rig(devices=200, points=100, every_s=0.0625, extra=extra) as stage:
        stage.stop_broker()
        directory = stage.folder / "data" / "journal"
        deadline = time.monotonic() + seconds
        while _size(directory) < 0.9 * QUOTA_BYTES and time.monotonic() < deadline:
            time.sleep(0.5)
        time.sleep(SETTLE_S)
        served, before, largest = _answers(stage.served("served")), usage(stage.agent_pid), 0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            largest = max(largest, _size(directory))
            time.sleep(0.2)
        after = usage(stage.agent_pid)
        polls = (_answers(stage.served("served")) - served) / (after.at_s - before.at_s)
        written = after.written_bytes - before.written_bytes
        share = cpu_share(before, after)
        return Outage(written, largest, before.rss_bytes / 1e6, after.rss_bytes / 1e6, share, polls)


def _answers(served: dict[str, int]) -> int:
    return served["answers"]


def _size(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.glob("*")) if directory.exists() else 0


if __name__ == "__main__":
    print(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 90.0))
