"""Keeps parts of the daemon running: what fails is restarted with back-off, and never stops another part.

Invariants
1. A part that ends or raises is started again after its back-off; a part that is stopped on purpose is not.
2. Whatever one part does, every other part keeps running.
3. A part that tells by when it gets on, and does not, is cancelled and started again as one that failed.
4. Stopping cancels every part and waits at most the grace time; parts that do not end by then are named.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

import msgspec

from courtyard.drivers.base import Clock, Fault, Text

FIRST_BACKOFF_S = 1.0
LAST_BACKOFF_S = 60.0
STABLE_S = 60.0
"""A part that ran this long starts again with the first back-off, and is well again."""
LOOK_S = 5.0
"""How often it is looked whether parts get on.  Late at one look, they have until the next: a process that was held
up as a whole is late without its parts being stuck."""

Start = Callable[[], Awaitable[None]]


class Report(Protocol):
    """Told of every end that nobody asked for."""

    def __call__(self, part: str, error: BaseException | None, restart_in_s: float) -> None: ...


class Stuck(Exception):
    """A part has made no progress for longer than it ever needs."""


class PartStatus(msgspec.Struct):
    """How one part fares: `running`, `waiting` (to restart) or `stopped`; since when; how often it failed; why last."""

    name: str
    state: str
    since_ms: int
    restarts: int = 0
    last_error: str | None = None


def part_fault(name: str, error: BaseException | None) -> Fault:
    """An unexpected end of a part is a mistake of ours, and says so; one that is stuck may wait for its adapter."""
    if isinstance(error, Stuck):
        return Fault(
            "part.stuck",
            Text(
                f"The part {name} made no progress any more; it is started again.",
                f"部件 {name} 长时间没有进展，正在自动重启。",
            ),
            Text(
                "If it comes again: unplug the adapter of this line and plug it in; then send a support bundle.",
                "若再次出现：请将该线路的转换器拔下再插上；仍未解决请发送支持包。",
            ),
        )
    reason = f"{type(error).__name__}: {error}" if error else "ended"
    return Fault(
        "part.failed",
        Text(
            f"The part {name} failed ({reason}); it is started again.", f"部件 {name} 出错（{reason}），正在自动重启。"
        ),
        Text(
            "A defect of the gateway, not of the site: send a support bundle.",
            "这是网关自身的缺陷，与现场无关：请发送支持包。",
        ),
    )


class Supervisor:
    """Runs named parts."""

    def __init__(
        self,
        clock: Clock,
        report: Report,
        *,
        recovered: Callable[[str], None] = lambda _: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`recovered` is told of a part that failed and has run for `STABLE_S` since, or is stopped."""
        self._clock, self._report, self._recovered, self._jitter = clock, report, recovered, jitter
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._status: dict[str, PartStatus] = {}
        self._failing: set[str] = set()

    def start(self, name: str, start: Start, *, on_time: Callable[[], bool] = lambda: True) -> None:
        """Starts a part; the name must be free.  `on_time` says whether it gets on as fast as it always should."""
        if name in self._tasks:
            raise ValueError(f"part {name} is already running")
        self._status[name] = PartStatus(name, "running", self._clock.mono_ms())
        self._tasks[name] = asyncio.create_task(self._keep(name, start, on_time), name=name)

    async def stop(self, names: Iterable[str], grace_s: float = 4.0) -> list[str]:
        """Cancels the named parts together; returns those that did not end in time."""
        tasks = {self._tasks.pop(name): name for name in names if name in self._tasks}
        for task in tasks:
            task.cancel()
        stuck: list[str] = []
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace_s)
            stuck = [tasks[task] for task in late]
        for name in tasks.values():
            del self._status[name]
            self._recover(name)
        return stuck

    async def stop_all(self, grace_s: float = 4.0) -> list[str]:
        """Cancels everything."""
        return await self.stop(list(self._tasks), grace_s)

    def names(self) -> list[str]:
        """The parts that are kept running."""
        return list(self._tasks)

    def status(self) -> list[PartStatus]:
        """How every part fares."""
        return list(self._status.values())

    async def _keep(self, name: str, start: Start, on_time: Callable[[], bool]) -> None:
        status, failures, loop = self._status[name], 0, asyncio.get_running_loop()
        while True:
            began = self._clock.mono_ms()
            status.state, status.since_ms = "running", began
            error: Exception | None = None
            well = loop.call_later(STABLE_S, self._recover, name)
            try:
                await _watched(start, on_time)
            except Exception as caught:
                error = caught
            finally:
                well.cancel()
            if self._clock.mono_ms() - began >= STABLE_S * 1000:
                failures = 0
            backoff_s = min(FIRST_BACKOFF_S * 2**failures, LAST_BACKOFF_S) * (0.5 + self._jitter() / 2)
            failures = min(failures + 1, 10)
            status.state, status.since_ms, status.restarts = "waiting", self._clock.mono_ms(), status.restarts + 1
            status.last_error = f"{type(error).__name__}: {error}" if error else "ended by itself"
            self._failing.add(name)
            self._report(name, error, backoff_s)
            await asyncio.sleep(backoff_s)

    def _recover(self, name: str) -> None:
        if name in self._failing:
            self._failing.remove(name)
            self._recovered(name)


async def _watched(start: Start, on_time: Callable[[], bool]) -> None:
    """Runs a part to its end.  Raises what it raises, and Stuck."""
    loop, was_on_time = asyncio.get_running_loop(), True
    next_look: asyncio.TimerHandle

    def look() -> None:
        nonlocal was_on_time, next_look
        is_on_time = on_time()
        if not (is_on_time or was_on_time):
            limit.reschedule(loop.time())
            return
        was_on_time = is_on_time
        next_look = loop.call_later(LOOK_S, look)

    next_look = loop.call_later(LOOK_S, look)
    try:
        async with asyncio.timeout(None) as limit:
            await start()
    except TimeoutError as error:
        if limit.expired():
            raise Stuck("no progress") from error
        raise
    finally:
        next_look.cancel()
