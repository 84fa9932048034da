"""A month of minute values of one point, as a chart asks for it."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.report import Row, Section
from courtyard.drivers.base import Reading
from tests.history_rig import START_S, Box

POINT, TARGET_S, TRIES = "water.volume.total", 0.2, 7


def measure(days: int = 31) -> tuple[list[float], int]:
    """Seconds that each query took, and how many buckets came."""
    with TemporaryDirectory(prefix="courtyard-bench-") as folder:
        return asyncio.run(_measure(Path(folder), days))


async def _measure(folder: Path, days: int) -> tuple[list[float], int]:
    box = Box(folder)
    for minute in range(days * 1440):
        box.clock.now_s = START_S + 60 * minute + 5
        value = minute * 0.013 + minute % 7
        for device in ("wm-1", "wm-2"):
            box.history.tap(Reading(device, box.clock.wall_ms(), minute * 60_000, {POINT: value}))
        await box.history.step()
    took, buckets = [], 0
    for _ in range(TRIES):
        until_ms = box.clock.wall_ms()
        began_s = time.perf_counter()
        series = await box.history.query("wm-1", POINT, until_ms - days * 86_400_000, until_ms)
        took.append(time.perf_counter() - began_s)
        buckets = len(series.at_ms)
    box.crash()
    return took, buckets


def section(days: int = 31) -> Section:
    """A month."""
    took, buckets = measure(days)
    median = statistics.median(took)
    what = f"{days} days of minute values, thinned to {buckets} buckets"
    return Section(
        "History", "python -m bench history", [Row(what, f"{median * 1000:.0f} ms", "< 200 ms", median < TARGET_S)]
    )


if __name__ == "__main__":
    import sys

    print(section(int(sys.argv[1])))
