"""A gateway's inside from line to disk, with real parts: driver, pipeline, alarms, journal.

As a program (`python -m tests.fire_driver_gateway DIRECTORY`) it is a centre for transmission devices that prints
the port it listens on, for tests that kill it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.alarms.engine import AlarmEngine
from courtyard.agent.care.discretion import Discretion
from courtyard.agent.clock import SystemClock
from courtyard.agent.normalise import Places
from courtyard.agent.pipeline import Pipeline
from courtyard.agent.recorder import Recorder
from courtyard.agent.rules.rulebook import RuleBook
from courtyard.buffer import Options
from courtyard.buffer.journal import Journal
from courtyard.drivers.base import Fault, Reading, Signal
from courtyard.drivers.fire.panel import PanelDriver
from courtyard.drivers.fire.settings import FirePanel
from courtyard.drivers.lines.listening import ListeningLine
from courtyard.drivers.lines.settings import LineSettings, TcpServerLine
from tests.gateway_rig import site

SETTLE_S = 100.0


class Stopwatch:
    """A sink in front of the pipeline that notes when each signal was on disk (monotonic seconds)."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._began: dict[str, list[tuple[float, Signal]]] = {}
        self.faults: list[tuple[str, str | None]] = []
        self._changed = asyncio.Condition()

    def reading(self, reading: Reading) -> None:
        self._pipeline.reading(reading)

    def health(self, subject: str, fault: Fault | None) -> None:
        self.faults.append((subject, fault.code if fault else None))
        self._pipeline.health(subject, fault)

    async def signal(self, signal: Signal) -> None:
        await self._pipeline.signal(signal)
        if signal.active:
            self.began(signal.kind).append((time.monotonic(), signal))
        async with self._changed:
            self._changed.notify_all()

    def began(self, kind: str) -> list[tuple[float, Signal]]:
        """When what began was on disk, in the order of arrival there."""
        return self._began.setdefault(kind, [])

    async def until(self, kind: str, count: int, timeout_s: float = SETTLE_S) -> list[tuple[float, Signal]]:
        """Waits until so many have begun."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: len(self.began(kind)) >= count)
        return self.began(kind)


class Inside:
    """What `inside` gives."""

    def __init__(self, driver: PanelDriver, journal: Journal, sink: Stopwatch) -> None:
        self.driver, self.journal, self.sink = driver, journal, sink

    async def port(self) -> int:
        """The port on which the driver listens, once it does."""
        async with asyncio.timeout(SETTLE_S):
            while self.driver.links.listening is None:
                turn = asyncio.get_running_loop().create_future()
                asyncio.get_running_loop().call_later(0.01, turn.set_result, None)
                await turn
        return self.driver.links.listening.address[1]


@asynccontextmanager
async def inside(
    directory: Path, line: LineSettings | ListeningLine, panels: Sequence[FirePanel]
) -> AsyncIterator[Inside]:
    """Runs a driver into a journal in `directory`."""
    clock = SystemClock()
    patient = Options(quota_bytes=200_000_000, commit_timeout_s=SETTLE_S, disk_timeout_s=SETTLE_S)
    journal = Journal.open(directory, patient, boot=clock.boot, wall_ms=clock.wall_ms)
    settings = site()
    places = Places(settings)
    recorder = Recorder(journal, clock, places.place)
    book = AlarmBook(recorder)
    engine = AlarmEngine(book, gateway=settings.gateway.id)
    pipeline = Pipeline(recorder, book, engine, places, settings, RuleBook(settings), Discretion((), lambda _: False))
    sink = Stopwatch(pipeline)
    driver = PanelDriver(line, panels, clock)
    running = asyncio.get_running_loop().create_task(driver.run(sink))
    try:
        yield Inside(driver, journal, sink)
    finally:
        running.cancel()
        await asyncio.wait((running,))
        await pipeline.close()
        await journal.close()
        if not running.cancelled():
            await running


async def records(directory: Path, lane: str = "alarm") -> list[dict[str, Any]]:
    """Everything that the journal in `directory` has in a lane, oldest first."""
    journal = Journal.open(directory, Options(quota_bytes=200_000_000), boot="0", wall_ms=lambda: 0)
    feed = journal.attach("reader", lanes=(lane,), start="oldest")
    found: list[dict[str, Any]] = []
    while block := await feed.next(lane, which="backlog", max_bytes=1 << 20, max_records=1000):
        found += [{"seq": seq, **msgspec.json.decode(body)} for seq, body in zip(block.seqs, block.bodies, strict=True)]
        feed.ack(block)
    await journal.close()
    return found


async def main(directory: Path) -> None:
    line = TcpServerLine(name="fire-1", port=0, bind="127.0.0.1")
    async with inside(directory, line, (FirePanel(id="uitd", protocol="gb26875"),)) as gateway:
        print(await gateway.port(), flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
