"""What cameras cost, and how soon they are back: memory of ONVIF, a core's share of watched streams, faults."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from courtyard.drivers.camera.hub import Hub
from courtyard.drivers.camera.messages import Live, Report, Watch
from hw_sim.control import Client
from tests.camera_campaign import Campaign, campaign

USER, PASSWORD = "gateway", "gateway-demo"
_MEMORY = """
import os, sys
import courtyard.config.read
size = lambda: int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6
before = size()
from courtyard.drivers.camera.onvif import OnvifCamera
from courtyard.drivers.camera.settings import Camera, Login
cameras = []
for number in range(int(sys.argv[2])):
    camera = OnvifCamera(
        Camera(id=f"cam-{number}", address=sys.argv[1], username="gateway", password_file="-"),
        Login("gateway", "gateway-demo"),
    )
    camera.connect()
    camera.stream()
    held = camera.subscribe()
    camera.pull(held, 0.1)
    camera.unsubscribe(held)
    cameras.append(camera)
print(size() - before)
"""


class Watched(NamedTuple):
    """Streams watched by one worker: pictures a second of each, share of a core of each, memory of the worker."""

    pictures_s: float
    share: float
    rss_mb: float


@contextmanager
def simulator() -> Iterator[dict[str, str]]:
    """One simulated camera in a process of its own; its addresses."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hw_sim", "camera", "--control", f"{folder}/control.sock"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            try:
                yield ready
            finally:
                client = Client(ready["control"])
                client("quit")
                client.close()


def memory_mb(cameras: int) -> float:
    """Memory that so many connected ONVIF cameras add to a process, imports and WSDLs included."""
    with simulator() as ready:
        done = subprocess.run(
            [sys.executable, "-c", _MEMORY, ready["device"], str(cameras)], capture_output=True, text=True, check=True
        )
    return float(done.stdout)


def watched(streams: int, seconds: float, *, key_frames_only: bool) -> Watched:
    """The cost of `streams` sub-streams of 640x360 at 25 pictures a second, in one worker."""
    with simulator() as ready:
        return asyncio.run(_watch(ready["streams"], streams, seconds, key_frames_only))


async def _watch(address: str, streams: int, seconds: float, key_frames_only: bool) -> Watched:
    counts: Counter[str] = Counter()

    def told(report: Report) -> None:
        if isinstance(report, Live):
            counts[report.camera] += report.pictures

    hub = Hub(told)
    for number in range(streams):
        hub.watch(Watch(f"cam-{number}", f"{address}/sub", USER, PASSWORD))
        hub.pace(f"cam-{number}", key_frames_only)
    running = asyncio.create_task(hub.run())
    while len(counts) < streams:
        await asyncio.sleep(0.1)
    worker = psutil.Process(hub.workers()[0])
    before, spent = counts.total(), sum(worker.cpu_times()[:2])
    await asyncio.sleep(seconds)
    spent, shown = sum(worker.cpu_times()[:2]) - spent, counts.total() - before
    rss = worker.memory_info().rss / 1e6
    running.cancel()
    await asyncio.wait([running])
    return Watched(shown / seconds / streams, spent / seconds / streams, rss)


def faults(count: int) -> Campaign:
    """So many random faults, how soon after each the pictures were back, and what the run left."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(campaign(Path(folder), count))
