"""What the journal alone costs: CPU per record in and out, latency of a commit, bytes written per day."""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.process import usage
from bench.report import Row, Section
from courtyard.buffer import Entry, Feed, Journal, JournalBusy, Options

RECORDS = 300_000
BODY = b'{"device":"wm-b03-u02-601","values":{"water.volume.total":1234.56},"x":"' + b"x" * 526 + b'"}'
BLOCK_BYTES = 64_000
LANES = ("alarm", "event", "reading")
METERS, MINUTES = 50, 240


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


@contextmanager
def directory() -> Iterator[Path]:
    """On the disk of the working directory, not in memory."""
    made = Path(tempfile.mkdtemp(prefix="journal-cost-", dir=Path.cwd()))
    try:
        yield made
    finally:
        shutil.rmtree(made)


def cpu_s() -> float:
    """User and system time of this process, all threads."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


async def fill(journal: Journal, count: int) -> None:
    """Submits records one by one as fast as they are taken."""
    last = None
    for number in range(count):
        while True:
            try:
                last = journal.submit([Entry("reading", number, BODY)])
                break
            except JournalBusy:
                assert last is not None
                await last
        if number % 256 == 0:
            await asyncio.sleep(0)
    assert last is not None
    await last


async def empty(feed: Feed) -> int:
    """Takes and acknowledges the whole backlog; returns the bytes."""
    size = 0
    while block := await feed.next("reading", which="backlog", max_bytes=BLOCK_BYTES, max_records=1000):
        size += sum(map(len, block.bodies))
        feed.ack(block)
    return size


async def rates(path: Path) -> list[Row]:
    """Records of 600 bytes in and out, and a lone append."""
    journal = Journal.open(path, Options(), boot="bench", wall_ms=wall_ms)
    feed = journal.attach("uplink", lanes=LANES, start="oldest")
    delays = []
    for number in range(200):
        started = time.perf_counter()
        await journal.append([Entry("reading", number, BODY)])
        delays.append(time.perf_counter() - started)
    delays.sort()
    started, cpu = time.perf_counter(), cpu_s()
    await fill(journal, RECORDS)
    in_s, in_cpu = time.perf_counter() - started, cpu_s() - cpu
    feed.mark_live()
    started, cpu = time.perf_counter(), cpu_s()
    size = await empty(feed)
    out_s, out_cpu = time.perf_counter() - started, cpu_s() - cpu
    await journal.close()
    return [
        Row(
            f"append, {len(BODY)} bytes each, synchronous=FULL",
            f"{RECORDS / in_s:,.0f} records/s, {in_cpu / RECORDS * 1e6:.1f} µs of CPU each",
        ),
        Row(
            f"drain in blocks of {BLOCK_BYTES // 1000} kB",
            f"{RECORDS / out_s:,.0f} records/s, {size / out_s / 1e6:.0f} MB/s,"
            f" {out_cpu / RECORDS * 1e6:.1f} µs of CPU each",
        ),
        Row("lone append until it is on disk", f"p50 {delays[100] * 1e3:.1f} ms, p99 {delays[198] * 1e3:.1f} ms"),
    ]


def reading(source: random.Random, meter: int, minute: int) -> bytes:
    """One reading as the pipeline encodes it, about 400 bytes."""
    record = {
        "device": f"wm-b{meter // 20:02}-u{meter // 5 % 4:02}-{meter % 5}01",
        "place": f"370213/005/012/0007/b{meter // 20:02}/u{meter // 5 % 4:02}/f{meter % 5:02}/r{meter % 5}01",
        "at": f"2026-11-22T{minute // 60 % 24:02}:{minute % 60:02}:{source.uniform(0, 60):06.3f}Z",
        "mono_ms": minute * 60_000 + source.randrange(60_000),
        "clock": "synced",
        "values": {
            "water.volume.total": round(1000 + minute * 0.013 + meter, 3),
            "water.volume.reverse": 0.0,
            "water.flow": round(source.random() * 1.2, 3),
            "water.temperature": round(14 + source.random(), 2),
            "device.battery.voltage": 3.6,
            "device.signal.strength": -source.randrange(60, 90),
        },
        "device_at": f"2026-11-22T{minute // 60 % 24:02}:{minute % 60:02}:00.000Z",
    }
    return json.dumps(record, separators=(",", ":")).encode()


async def day(path: Path, minutes: int) -> tuple[float, float]:
    """Bytes that a day of 50 meters writes with reading_commit = 60 s, and the mean size of a reading.

    A minute is a group of readings committed together, delivered, and its progress made durable by a commit of
    its own, as five seconds later in life.
    """
    settings = Options(reading_commit_s=0.01, progress_s=0.005)
    journal = Journal.open(path, settings, boot="bench", wall_ms=wall_ms)
    feed = journal.attach("uplink", lanes=LANES, start="oldest")
    source, size = random.Random(1), 0
    before = usage(os.getpid()).written_bytes
    for minute in range(minutes):
        bodies = [reading(source, meter, minute) for meter in range(METERS)]
        size += sum(map(len, bodies))
        futures = [journal.submit([Entry("reading", wall_ms(), body)]) for body in bodies]
        for future in futures:
            await future
        block = await feed.next("reading", which="live", max_bytes=BLOCK_BYTES, max_records=1000)
        assert block is not None
        feed.ack(block)
        await asyncio.sleep(0.008)
    await journal.close()
    written = usage(os.getpid()).written_bytes - before
    return written * 24 * 60 / minutes, size / minutes / METERS


def measure() -> Section:
    """The journal by itself, on the disk of the working directory."""
    with directory() as path:
        rows = asyncio.run(rates(path / "rates"))
        per_day, mean = asyncio.run(day(path / "day", MINUTES))
    rows.append(
        Row(
            f"{METERS} meters a minute, {mean:.0f} bytes each, reading_commit = 60s",
            f"{per_day / 1e6:.0f} MB written a day, log, checkpoints and progress included",
            "<= 120 MB",
            per_day <= 120e6,
        )
    )
    return Section("Journal", "python -m bench journal", rows)
