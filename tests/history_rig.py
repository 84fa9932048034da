"""A history on a clock that the test sets, and what a bare model says that it must hold."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from courtyard.agent.history import RESOLUTION_S, Resolution, Series
from courtyard.agent.history.history import PointHistory
from courtyard.agent.history.minutes import Gauges
from courtyard.agent.history.rollup import Keep, day_begin_s, local_day
from courtyard.buffer.disk import InlineWorker
from courtyard.drivers.base import Fault, Reading, Scalar

START_S = 1_795_305_600
"""2026-11-22T00:00:00Z: 08:00 in Shanghai."""
ZONE = ZoneInfo("Asia/Shanghai")
FOR_EVER = Keep(1e9, 1e9, 1e9)
METER = {"wm-1": Gauges(1, {"water.volume.total": 10_000.0}), "wm-2": Gauges(1, {"water.volume.total": None})}


class SetClock:
    """Wall time as the test sets it."""

    def __init__(self, now_s: float = START_S) -> None:
        self.now_s = now_s

    def wall_ms(self) -> int:
        return round(self.now_s * 1000)


class Box:
    """A history that can crash: what is only in memory is then gone."""

    def __init__(self, directory: Path, *, quota_bytes: int = 100_000_000, keep: Keep = FOR_EVER) -> None:
        self.directory, self.clock, self.said = directory, SetClock(), list[Fault | None]()
        self._quota_bytes, self._keep = quota_bytes, keep
        self.gauges: Mapping[str, Gauges] = METER
        self.history = self.start()

    def start(self) -> PointHistory:
        loop = asyncio.get_running_loop()
        self.history = PointHistory(
            self.directory,
            quota_bytes=self._quota_bytes,
            keep=self._keep,
            zone=ZONE,
            wall_ms=self.clock.wall_ms,
            say=self.said.append,
            worker=lambda _: InlineWorker(loop),
        )
        self.history.adjust(self.gauges)
        return self.history

    def crash(self) -> None:
        """Leaves the files as they are and begins again."""
        self.history._database.close()
        self.start()

    async def say(self, values: dict[str, Scalar | None], *, device: str = "wm-1", **quality: str) -> None:
        """One reading now."""
        told = {point.replace("_", "."): reason for point, reason in quality.items()}
        self.history.tap(Reading(device, self.clock.wall_ms(), 0, values, told))

    async def pass_s(self, seconds: float) -> None:
        """Lets time pass, in steps of a minute, or in twenty."""
        end_s = self.clock.now_s + seconds
        while self.clock.now_s < end_s:
            self.clock.now_s = min(end_s, self.clock.now_s + max(60, seconds / 20))
            await self.history.step()

    async def settle(self) -> None:
        """Folds everything that is over."""
        while True:
            before = self.history._folding
            await self.history.step()
            if before is None and self.history._folding is None:
                return

    async def series(
        self,
        point: str = "water.flow",
        resolution: Resolution = "minute",
        *,
        device: str = "wm-1",
        buckets: int = 50_000,
    ) -> Series:
        until_ms = self.clock.wall_ms() + 86_400_000
        return await self.history.query(device, point, 0, until_ms, resolution=resolution, buckets=buckets)


class Sample:
    """What one reading said of one point."""

    def __init__(self, at_s: float, value: float | None, good: bool = True) -> None:
        self.at_s, self.value, self.good = at_s, value, good and value is not None


def expected(
    samples: Iterable[Sample], resolution: Resolution, *, modulus: float | None = None
) -> list[tuple[float, ...]]:
    """Begin (s), count, good share, minimum, maximum, mean, first, last, increase of every bucket; NaN for no value."""
    buckets: dict[int, list[Sample]] = {}
    steps: dict[int, float] = {}
    before = None
    for sample in samples:
        begin = bucket_of(int(sample.at_s), resolution)
        buckets.setdefault(begin, []).append(sample)
        if sample.value is not None:
            step = 0.0 if before is None else sample.value - before
            steps[begin] = steps.get(begin, 0.0) + (step if step >= 0 else step + modulus if modulus else 0.0)
            before = sample.value
    found: list[tuple[float, ...]] = []
    for begin, inside in sorted(buckets.items()):
        values = [sample.value for sample in inside if sample.value is not None]
        good = sum(sample.good for sample in inside) / len(inside)
        numbers = (min(values), max(values), math.fsum(values) / len(values), values[0], values[-1]) if values else ()
        row = numbers or (math.nan,) * 5
        found.append((begin, len(inside), good, *row, steps[begin] if values else math.nan))
    return found


def bucket_of(at_s: int, resolution: Resolution) -> int:
    """The begin of the bucket that an instant falls into."""
    if resolution == "day":
        return day_begin_s(local_day(at_s, ZONE), ZONE)
    return at_s // RESOLUTION_S[resolution] * RESOLUTION_S[resolution]


def told(series: Series) -> list[tuple[float, ...]]:
    """A series as `expected` gives it, without the marks of gaps."""
    increase = series.increase if series.counter else (0.0,) * len(series.at_ms)
    columns = (series.minimum, series.maximum, series.mean, series.first, series.last, increase)
    return [
        (at // 1000, count, good or 0.0, *(_number(column[row]) for column in columns))
        for row, (at, count, good) in enumerate(zip(series.at_ms, series.count, series.good, strict=True))
        if count
    ]


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def same(left: list[tuple[float, ...]], right: list[tuple[float, ...]]) -> bool:
    """Whether both say the same, up to rounding."""
    return len(left) == len(right) and all(
        math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-6) or (math.isnan(a) and math.isnan(b))
        for one, other in zip(left, right, strict=True)
        for a, b in zip(one, other, strict=True)
    )
