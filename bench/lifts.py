"""What watching lifts costs on one core: looks a second of every camera that moves, and the core's share of all of it.

Streams come from simulated cameras over RTSP, are decoded by a stream worker and looked at by a vision worker, as in a
gateway; both workers are bound to one core, the simulators to the others where there are any.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil

from bench.cameras import PASSWORD, USER, simulator
from bench.report import Row, Section
from courtyard.agent.vision.messages import Attach, Load, Looked, Ready, Refused, Still
from courtyard.agent.vision.messages import Report as Told
from courtyard.agent.vision.process import VisionProcess
from courtyard.agent.vision.shipped import MANIFEST
from courtyard.drivers.base import Fault
from courtyard.drivers.camera.hub import Hub
from courtyard.drivers.camera.messages import Report, Watch
from hw_sim.control import Client

SETTLE_S = 12.0
"""Until the motion gate has learnt the pictures that stand still, and the first looks are over."""
LOAD = 0.8


class Watched(NamedTuple):
    """Looks a second of each moving and each still lift; shares of a core; milliseconds; megabytes."""

    moving_hz: tuple[float, ...]
    still_hz: tuple[float, ...]
    decoding: float
    looking: float
    inference_ms: float
    latency_ms: float
    rss_mb: float

    @property
    def look_cpu_ms(self) -> float:
        """Tells a slow model from a busy machine."""
        return 1000 * self.looking / max(sum(self.moving_hz) + sum(self.still_hz), 1e-9)


def watched(manifest: Path, moving: int, still: int, seconds: float) -> Watched:
    """So many live sub-streams of 640x360 at 25 pictures a second.  Raises RuntimeError for a model that is refused."""
    with simulator() as lively, simulator() as calm:
        client = Client(calm["control"])
        client("fault still")
        client.close()
        addresses = {f"moving-{number}": lively["streams"] for number in range(moving)}
        addresses |= {f"still-{number}": calm["streams"] for number in range(still)}
        with tempfile.TemporaryDirectory() as folder:
            return asyncio.run(_watch(manifest, addresses, seconds, folder))


async def _watch(manifest: Path, addresses: Mapping[str, str], seconds: float, folder: str) -> Watched:
    looks: Counter[str] = Counter()
    taken: defaultdict[str, list[float]] = defaultdict(list)
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def told(report: Told) -> None:
        match report:
            case Ready() if not ready.done():
                ready.set_result(None)
            case Refused(_, what) if not ready.done():
                ready.set_exception(RuntimeError(what[0]))
            case Looked(lift, stages=stages):
                looks[lift] += 1
                taken["inference"].append(stages.inference_ms)
                taken["latency"].append(sum(stages))
            case Still(lift):
                looks[lift] += 0

    hub = Hub(_ignore)
    vision = VisionProcess(Load(str(manifest), LOAD, folder, 100_000_000), told, _raise)
    running = [asyncio.create_task(hub.run()), asyncio.create_task(vision.run())]
    await asyncio.sleep(0)
    for name, address in addresses.items():
        hub.watch(Watch(name, f"{address}/sub", USER, PASSWORD))
    await ready
    while set(looks) != set(addresses):
        await asyncio.sleep(0.2)
        for name in addresses:
            file = hub.frames_file(name)
            if file is not None and file.exists():
                vision.attach(Attach(name, str(file)))
    assert vision.process is not None
    processes = [psutil.Process(pid) for pid in (*hub.workers(), vision.process.pid)]
    for process in processes:
        process.cpu_affinity([min(os.sched_getaffinity(0))])
    await asyncio.sleep(SETTLE_S)
    looks.clear()
    taken.clear()
    before = [sum(process.cpu_times()[:2]) for process in processes]
    await asyncio.sleep(seconds)
    spent = [sum(process.cpu_times()[:2]) - was for process, was in zip(processes, before, strict=True)]
    rss_mb = sum(process.memory_info().rss for process in processes) / 1e6
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    hz = {name: looks[name] / seconds for name in addresses}
    return Watched(
        tuple(value for name, value in hz.items() if name.startswith("moving")),
        tuple(value for name, value in hz.items() if name.startswith("still")),
        sum(spent[:-1]) / seconds,
        spent[-1] / seconds,
        median(taken["inference"]) if taken["inference"] else 0.0,
        median(taken["latency"]) if taken["latency"] else 0.0,
        rss_mb,
    )


def _ignore(report: Report) -> None:
    """The hub's reports are the driver's business."""


def _raise(fault: Fault | None) -> None:
    if fault is not None:
        raise RuntimeError(fault.what.en)


def section(seconds: float = 30.0) -> Section:
    """Eight lifts of which three, all and none move."""
    named = "Lifts", "python -m bench lifts"
    if not MANIFEST.exists():
        return Section(*named, [Row("the product's own model", "not built", "built", False)])
    some, all_, none = (watched(MANIFEST, moving, 8 - moving, seconds) for moving in (3, 8, 0))
    each = (none.decoding + none.looking) / 8
    rows = [
        Row("one look", f"{some.inference_ms:.0f} ms", "<= 30 ms", some.inference_ms <= 30),
        Row("one look: processor time, everything else of the worker with it", f"{some.look_cpu_ms:.0f} ms"),
        Row(
            "3 of 8 move: looks a second, the least", f"{min(some.moving_hz):.1f}", ">= 4.8", min(some.moving_hz) >= 4.8
        ),
        Row(
            "the same: share of the core",
            f"{some.decoding + some.looking:.0%}",
            "<= 100 %",
            some.decoding + some.looking <= 1,
        ),
        Row("the same: picture to result, median", f"{some.latency_ms:.0f} ms"),
        Row("8 of 8 move: looks a second, the least", f"{min(all_.moving_hz):.1f}", ">= 3", min(all_.moving_hz) >= 3),
        Row("the same: the most", f"{max(all_.moving_hz):.1f}"),
        Row("none moves: share of a core each", f"{each:.1%}", "<= 4 %", each <= 0.04),
        Row("both workers: resident memory", f"{some.rss_mb:.0f} MB"),
    ]
    return Section(*named, rows)
