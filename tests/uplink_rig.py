"""A journal and its uplinks in one event loop, for tests against real brokers."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from courtyard.agent.records import LaneStatus, Status, stamp
from courtyard.agent.uplinks.inbox import Execute
from courtyard.agent.uplinks.uplink import MqttUplink
from courtyard.buffer import Entry, Journal, Options
from courtyard.config.uplink import Uplink
from courtyard.drivers.base import Fault
from tests.consumer import Consumer
from tests.tasks import end

TIMEOUT_S = 200.0


def realtime(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs an async test in a loop of its own, for at most so long as a hang is to take."""

    @functools.wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(TIMEOUT_S):
                await test(*args, **kwargs)

        asyncio.run(bounded())

    return run


def wall_ms() -> int:
    return int(time.time() * 1000)


class Faults:
    """What an uplink says is wrong, over time; waits for what it will say."""

    def __init__(self) -> None:
        self.now: Fault | None = None
        self.history: list[Fault | None] = []
        self._changed = asyncio.Condition()
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, fault: Fault | None) -> None:
        self.now = fault
        self.history.append(fault)
        task = self._loop.create_task(self._notify())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait(self, code: str | None) -> Fault | None:
        """Returns when the fault of this code (None: no fault) is the present one, or has been."""
        async with self._changed:
            await self._changed.wait_for(lambda: any((said.code if said else None) == code for said in self.history))
        return next(said for said in reversed(self.history) if (said.code if said else None) == code)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


class Gateway:
    """One gateway: a real journal, and uplinks that run until the end of the `async with`."""

    def __init__(self, directory: Path, name: str = "gw-1", options: Options | None = None) -> None:
        self.name = name
        self.directory = directory
        self._options = options or Options(stamp=stamp, commit_timeout_s=60.0, disk_timeout_s=60.0)
        self._tasks: list[asyncio.Task[None]] = []
        self.faults: dict[str, Faults] = {}

    async def __aenter__(self) -> Self:
        self.journal = Journal.open(self.directory / "journal", self._options, boot="boot-1", wall_ms=wall_ms)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.stop_uplinks()
        await self.journal.close()

    def uplink(
        self,
        url: str,
        name: str = "platform",
        *,
        inventory: Mapping[str, bytes] | None = None,
        commands: Execute | None = None,
        commands_allowed: bool = True,
        jitter: Callable[[], float] = lambda: 0.0,
        retained_timeout_s: float = 0.1,
        **settings: Any,
    ) -> MqttUplink:
        """Starts an uplink that wants everything from the oldest record on."""
        wanted = Uplink(name=name, url=url, start="oldest", commands=commands_allowed, **settings)
        feed = self.journal.attach(name, lanes=wanted.filter.lanes, start=wanted.start)
        self.faults[name] = Faults()
        uplink = MqttUplink(
            wanted,
            self.name,
            feed,
            self.journal,
            status=self.status,
            wall_ms=wall_ms,
            directory=self.directory,
            commands=commands,
            fault=self.faults[name],
            jitter=jitter,
            retained_timeout_s=retained_timeout_s,
        )
        if inventory is not None:
            uplink.set_inventory(inventory)
        self._tasks.append(asyncio.create_task(uplink.run()))
        return uplink

    def status(self) -> Status:
        lanes: Any = {lane: LaneStatus(self.journal.epoch, head) for lane, head in self.journal.heads.items()}
        return Status(v=1, gateway=self.name, online=True, lanes=lanes)

    async def append(self, lane: str, *records: Mapping[str, Any]) -> None:
        """Returns when they are on disk."""
        await self.journal.append([Entry(lane, wall_ms(), msgspec.json.encode(record)) for record in records])

    async def fill(self, lane: str, count: int, size: int = 300, start: int = 0) -> None:
        """Appends `count` records with the member n = start, start + 1, ... of about `size` bytes each."""
        pad = "x" * max(0, size - 60)
        for first in range(start, start + count, 500):
            numbers = range(first, min(first + 500, start + count))
            await self.append(lane, *({"device": f"wm-{n % 50}", "n": n, "pad": pad} for n in numbers))

    async def stop_uplinks(self) -> None:
        """Stops them as the daemon does; raises what went wrong in one of them."""
        tasks, self._tasks = self._tasks, []
        await end(tasks)


def arrives(consumer: Consumer, condition: Callable[[], bool], timeout_s: float = 90.0) -> Awaitable[None]:
    """Waits for the consumer without blocking the loop."""
    return asyncio.to_thread(consumer.wait, condition, timeout_s)
