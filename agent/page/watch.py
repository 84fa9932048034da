"""Looks at machine and journal every few seconds, so that the page need not wait for them."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, NamedTuple

from courtyard.agent.page.wear import WearWatch, releases
from courtyard.agent.web.model import Release, Wear
from courtyard.buffer.types import Status

EVERY_S: Final = 5.0
WINDOW: Final = 60
"""Looks that the pace is taken over: five minutes."""
SOON_S: Final = 30.0
"""A pace is told only when it was watched for as long."""


class Machine(NamedTuple):
    """The machine at one look; sizes in bytes, the share is of one core."""

    cpu_share: float | None
    memory: int
    machine_memory: int
    machine_memory_free: int
    load: tuple[float, float, float]
    disk: int
    disk_free: int
    wear: Wear | None = None
    releases: tuple[Release, ...] = ()


class Look(NamedTuple):
    """What was seen at one moment of the monotonic clock."""

    at_s: float
    heads: int
    cpu_s: float


class Watch:
    """`journal` and `machine` are of the last look."""

    def __init__(
        self,
        status: Callable[[], Awaitable[Status]],
        data: Path,
        *,
        mono_s: Callable[[], float] = time.monotonic,
        cpu_s: Callable[[], float] = time.process_time,
        proc: Path = Path("/proc"),
    ) -> None:
        self._status, self._data, self._mono_s, self._cpu_s, self._proc = status, data, mono_s, cpu_s, proc
        self._looks: deque[Look] = deque(maxlen=WINDOW)
        self._wear = WearWatch(data, proc=proc)
        self.journal: Status | None = None
        self.machine: Machine | None = None

    async def run(self) -> None:
        """Looks until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Looks once."""
        journal = self.journal = await self._status()
        heads = sum(lane.head for lane in journal.lanes.values())
        self._looks.append(Look(self._mono_s(), heads, self._cpu_s()))
        self.machine = await asyncio.to_thread(self._see)

    def pace_bytes_s(self) -> float | None:
        """How fast records fill the disk; None while that is not known."""
        journal = self.journal
        if journal is None or not self._looks:
            return None
        first, last = self._looks[0], self._looks[-1]
        records = sum(lane.records for lane in journal.lanes.values())
        if last.at_s - first.at_s < SOON_S or not records or last.heads < first.heads:
            return None
        mean = sum(lane.bytes for lane in journal.lanes.values()) / records
        return (last.heads - first.heads) * mean / (last.at_s - first.at_s)

    def _see(self) -> Machine:
        memory = {
            line.split(":")[0]: int(line.split()[1]) * 1024
            for line in (self._proc / "meminfo").read_text().splitlines()
            if line.startswith(("MemTotal", "MemAvailable"))
        }
        pages = int((self._proc / "self/statm").read_text().split()[1])
        disk = shutil.disk_usage(self._data)
        return Machine(
            self._share(),
            pages * os.sysconf("SC_PAGE_SIZE"),
            memory.get("MemTotal", 0),
            memory.get("MemAvailable", 0),
            os.getloadavg(),
            disk.total,
            disk.free,
            self._wear.look(self._mono_s()),
            releases(),
        )

    def _share(self) -> float | None:
        if len(self._looks) < 2:
            return None
        before, now = self._looks[max(0, len(self._looks) - 13)], self._looks[-1]
        passed_s = now.at_s - before.at_s
        return (now.cpu_s - before.cpu_s) / passed_s if passed_s > 0 else None
