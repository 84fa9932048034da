"""The history of points: counters, gaps, thinning, quota, retention, erasure, damage, a disk that fails."""

from __future__ import annotations

import asyncio
import math
import os
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from courtyard.agent.history import RESOLUTION_S, History
from courtyard.agent.history.buckets import Bucket
from courtyard.agent.history.database import Database
from courtyard.agent.history.history import QUEUE, PointHistory
from courtyard.agent.history.minutes import Gauges, SeriesId
from courtyard.agent.history.reading import oldest_s, read
from courtyard.agent.history.rollup import Keep, RollUp, day_begin_s, local_day
from courtyard.drivers.base import Reading
from tests.gateway_rig import virtual
from tests.history_rig import FOR_EVER, START_S, Box, bucket_of

FLOW, TOTAL = "water.flow", "water.volume.total"


def with_box(directory: Path, main: Callable[[Box], Awaitable[None]], **more: object) -> None:
    async def run() -> None:
        box = Box(directory, **more)  # type: ignore[arg-type]
        await box.history.step()
        await main(box)
        await box.history.close()

    virtual(run)


async def increases(box: Box, *values: float | None, **quality: str) -> float:
    """What a counter went on over these values, one a minute; the quality is that of the last one."""
    for number, value in enumerate(values):
        last = number == len(values) - 1
        await box.say({TOTAL: value}, **(quality if last else {}))
        await box.pass_s(60)
    await box.pass_s(60)
    series = await box.series(TOTAL)
    assert series.counter
    return sum(step for step in series.increase if step is not None)


@pytest.mark.parametrize(
    ("values", "quality", "wanted"),
    [
        ((100.0, 101.5, 103.0), {}, 3.0),
        ((9_999.0, 2.0), {}, 3.0),  # the dial wraps at 10,000
        ((500.0, 3.0), {"water_volume_total": "uncertain:reset"}, 0.0),
        ((500.0, 499.5), {"water_volume_total": "uncertain:reverse"}, -0.5),
        ((500.0, None, 501.0), {}, 1.0),
        ((500.0, 777.0), {"water_volume_total": "bad:range"}, 0.0),
        ((500.0, math.inf, 501.0), {}, 1.0),
    ],
)
def test_counters_count_what_went_on(
    tmp_path: Path, values: tuple[float | None, ...], quality: dict[str, str], wanted: float
) -> None:
    async def main(box: Box) -> None:
        assert await increases(box, *values, **quality) == wanted

    with_box(tmp_path, main)


def test_another_meter_adds_nothing_by_where_it_stands(tmp_path: Path) -> None:
    async def main(box: Box) -> None:
        await increases(box, 100.0, 110.0)
        box.history.adjust({"wm-1": Gauges(2, {TOTAL: 10_000.0})})
        await box.history.step()
        assert await increases(box, 7_000.0, 7_001.0) == 11.0

    with_box(tmp_path, main)


def test_a_bucket_tells_everything_of_its_minute(tmp_path: Path) -> None:
    async def main(box: Box) -> None:
        for value, quality in ((3.0, {}), (1.0, {"water_flow": "uncertain:stale"}), (None, {}), (8.0, {})):
            await box.say({FLOW: value, "name": "text", "door": True}, **quality)
            box.clock.now_s += 10
        await box.pass_s(120)
        series = await box.series()
        assert (series.count, series.good) == ((4,), (0.5,))
        assert (series.minimum, series.maximum, series.mean) == ((1.0,), (8.0,), (4.0,))
        assert (series.first, series.last, series.increase) == ((3.0,), (8.0,), (None,))
        assert await box.history.points("wm-1") == ["door", FLOW]
        assert (await box.series("door")).mean == (1.0,)

    with_box(tmp_path, main)


def test_gaps_are_gaps_and_nothing_is_drawn_across_them(tmp_path: Path) -> None:
    async def main(box: Box) -> None:
        for _ in range(2):
            for _ in range(5):
                await box.say({FLOW: 1.0})
                await box.pass_s(60)
            await box.pass_s(1800)
        series = await box.series()
        assert series.count == (1,) * 5 + (0,) + (1,) * 5
        assert series.mean[5] is None
        assert series.good[5] is None
        assert series.at_ms[5] == series.at_ms[4] + 60_000

    with_box(tmp_path, main)


def test_thinning_keeps_every_peak_and_every_sample(tmp_path: Path) -> None:
    async def main(box: Box) -> None:
        for minute in range(300):
            await box.say({FLOW: 1000.0 if minute == 123 else -5.0 if minute == 200 else 1.0})
            await box.pass_s(60)
        await box.pass_s(60)
        series = await box.series(buckets=20)
        assert len(series.at_ms) <= 20
        assert (max(filter(None, series.maximum)), min(filter(None, series.minimum))) == (1000.0, -5.0)
        assert sum(series.count) == 300
        assert series.step_s % 60 == 0

    with_box(tmp_path, main)


def test_without_a_wish_the_finest_resolution_that_reaches_back_is_taken(tmp_path: Path) -> None:
    async def main(box: Box) -> None:
        for _ in range(100):
            await box.say({FLOW: 1.0})
            await box.pass_s(3600)
        await box.settle()
        end_ms = box.clock.wall_ms()
        last_day = await box.history.query("wm-1", FLOW, end_ms - 86_400_000, end_ms)
        everything = await box.history.query("wm-1", FLOW, 0, end_ms)
        assert (last_day.resolution, everything.resolution) == ("minute", "hour")
        assert (await box.history.query("wm-1", "no.such", 0, end_ms)).at_ms == ()
        assert (await box.history.query("wm-9", FLOW, end_ms, 0)).at_ms == ()

    with_box(tmp_path, main, keep=Keep(2 * 86_400, 1e9, 1e9))


def test_each_resolution_is_kept_as_long_as_it_is_to_be(tmp_path: Path) -> None:
    async def main(box: Box) -> None:
        for _ in range(24 * 12):
            await box.say({FLOW: 1.0})
            await box.pass_s(3600)
        await box.settle()
        oldest = (await box.history.status()).oldest_ms
        ages_h = [(box.clock.wall_ms() - at) / 3_600_000 for at in oldest.values() if at is not None]
        assert [round(age) for age in ages_h[:2]] == pytest.approx([24, 5 * 24], abs=26)
        assert sum((await box.series(resolution="day")).count) == 24 * 12

    with_box(tmp_path, main, keep=Keep(86_400, 5 * 86_400, 1e9))


def test_the_quota_is_never_exceeded_and_hours_outlive_minutes(tmp_path: Path) -> None:
    noise, quota_bytes, sizes = random.Random(7), 8_000_000, list[int]()
    database = Database(tmp_path, quota_bytes)
    assert database.open(START_S * 1000) is None
    rollup = RollUp(database, ZoneInfo("Asia/Shanghai"), FOR_EVER)
    numbers = {SeriesId("d-1", f"point.{number}"): number for number in range(1, 401)}
    buckets = [Bucket(9, 9, 9, *(noise.random() for _ in range(6))) for _ in numbers]
    for hour in range(7):
        for minute in range(60):
            noise.shuffle(buckets)
            batch = dict(zip(numbers.values(), buckets, strict=True))
            rollup.write_minute(START_S // 60 + hour * 60 + minute, batch, numbers, ())
            sizes.append(database.used_bytes())
        for _ in rollup.fold_hours(START_S + (hour + 1) * 3600 + 120):
            sizes.append(database.used_bytes())
    begins = oldest_s(database.sql)
    assert START_S < (begins["minute"] or 0) <= START_S + 6 * 3600
    assert (begins["hour"] or 0) <= START_S
    hours = read(
        database.sql, "d-1", "point.1", START_S, START_S + 25_200, "hour", zone=rollup.zone, counter=False, most=99
    )
    assert hours.count == (540,) * 7
    database.close()
    assert 0.7 * quota_bytes <= max(sizes) <= quota_bytes


def test_erasing_leaves_nothing_of_a_device_in_the_files(tmp_path: Path) -> None:
    needle = b"resident-secret"

    async def main(box: Box) -> None:
        for _ in range(130):
            await box.say({"vital.heart_rate": 61.0}, device=needle.decode())
            await box.say({FLOW: 2.0})
            await box.pass_s(60)
        await box.settle()
        await box.say({"vital.heart_rate": 99.0}, device=needle.decode())
        assert await box.history.erase([needle.decode(), "unknown"]) == 1
        assert needle not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
        for resolution in RESOLUTION_S:
            assert (await box.series("vital.heart_rate", resolution, device=needle.decode())).at_ms == ()
            assert sum((await box.series(FLOW, resolution)).count) >= 129
        await box.pass_s(120)
        assert (await box.series("vital.heart_rate", device=needle.decode())).at_ms == ()

    with_box(tmp_path, main)


@pytest.mark.parametrize(("where", "length"), [(0, 100), (100, 3000), (4096, 10**6)])
def test_a_damaged_file_is_set_aside_and_counting_goes_on(tmp_path: Path, where: int, length: int) -> None:
    async def main(box: Box) -> None:
        for _ in range(130):
            await box.say({FLOW: 1.0})
            await box.pass_s(60)
        await box.settle()
        await box.history.close()
        file = tmp_path / "history.db"
        content = bytearray(file.read_bytes())
        content[where : where + length] = os.urandom(len(content[where : where + length]))
        file.write_bytes(content)
        box.start()
        for _ in range(130):
            await box.say({FLOW: 2.0})
            await box.pass_s(60)
            await box.series()
        fault = next(fault for fault in box.said if fault is not None)
        assert fault.code == "history.damaged"
        assert list(tmp_path.glob("damaged-*"))
        assert set((await box.series()).maximum) == {2.0}
        await box.settle()
        assert box.said[-1] is None
        await box.history.erase(["wm-1"])
        assert not list(tmp_path.glob("damaged-*"))

    with_box(tmp_path, main)


def test_a_disk_that_fails_costs_history_alone_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "history"
    folder.write_text("a file where the folder should be")

    async def main(box: Box) -> None:
        await box.say({FLOW: 1.0})
        await box.pass_s(300)
        assert box.said[0] is not None
        assert box.said[0].code == "history.disk"
        assert (await box.history.status()).dropped == 1
        folder.unlink()
        await box.pass_s(60)
        await box.say({FLOW: 1.0})
        await box.pass_s(120)
        assert box.said[-1] is None
        assert (await box.series()).count == (1,)

    with_box(folder, main)


def test_what_comes_faster_than_it_is_counted_is_dropped_and_counted(tmp_path: Path) -> None:
    async def main(box: Box) -> None:
        for _ in range(QUEUE + 10):
            await box.say({FLOW: 1.0})
        box.history.tap(Reading("wm-1", 5_000, 0, {FLOW: 1.0}))
        await box.pass_s(120)
        box.history.tap(Reading("wm-1", 5_000, 0, {FLOW: 1.0}))
        await box.history.step()
        status = await box.history.status()
        assert (status.dropped, status.undated) == (11, 1)
        assert (await box.series()).count == (QUEUE,)

    with_box(tmp_path, main)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Kolkata", "Europe/Berlin", "America/St_Johns", "UTC"])
def test_local_days_join_without_gap_or_overlap(zone: str) -> None:
    zone_info = ZoneInfo(zone)
    for day in range(20_000, 20_400):
        begin_s, end_s = day_begin_s(day, zone_info), day_begin_s(day + 1, zone_info)
        assert local_day(begin_s, zone_info) == local_day(end_s - 1, zone_info) == day
        assert end_s - begin_s in (82_800, 86_400, 90_000)
    assert bucket_of(START_S, "day") == START_S - 8 * 3600


def test_threads_write_and_read_beside_a_running_loop(tmp_path: Path) -> None:
    async def main() -> None:
        history = PointHistory(
            tmp_path, quota_bytes=10**8, keep=FOR_EVER, zone=ZoneInfo("UTC"), wall_ms=lambda: START_S * 1000
        )
        port: History = history
        assert (await port.status()).series == 0
        running = asyncio.create_task(history.run())
        history.tap(Reading("wm-1", START_S * 1000 - 120_000, 0, {FLOW: 4.0}))
        await history.step()
        assert (await port.query("wm-1", FLOW, 0, START_S * 1000)).mean == (4.0,)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await history.close()

    asyncio.run(main())
