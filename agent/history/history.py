"""The history of a running gateway: fed by a tap that never blocks, written by a thread, read by another.

Invariants
1. `tap` costs an append; when QUEUE readings wait, further ones are left out and counted.
2. A disk that fails costs history and nothing else: WAITING minutes wait for it in memory, older ones are counted as
   lost; it is tried again every AGAIN_S.
3. A damaged file is set aside, a new one begins at once, and the fault says so until an hour has been folded well.
4. Erasing reaches the readings that wait, the minute being counted, the file, and files that were set aside.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from courtyard.agent.history import RESOLUTION_S, HistoryStatus, Resolution, Series
from courtyard.agent.history import reading as reads
from courtyard.agent.history.buckets import Bucket
from courtyard.agent.history.database import Database
from courtyard.agent.history.minutes import Gauges, Minutes
from courtyard.agent.history.rollup import Keep, RollUp
from courtyard.buffer.disk import ThreadWorker, Worker, ask
from courtyard.drivers.base import Fault, Reading, Text

T = TypeVar("T")

QUEUE: Final = 4000
STEP_S: Final = 1.0
GRACE_MS: Final = 2000
WAITING: Final = 5
AGAIN_S: Final = 30.0
CLOSE_S: Final = 1.0
EARLIEST_MS: Final = 1_735_689_600_000
"""2025-01-01: a clock before this is not set."""
AHEAD_MS: Final = 3_600_000


class PointHistory:
    """Implements `courtyard.agent.history.History`.  Used from the event loop only."""

    def __init__(
        self,
        directory: Path,
        *,
        quota_bytes: int,
        keep: Keep,
        zone: ZoneInfo,
        wall_ms: Callable[[], int],
        say: Callable[[Fault | None], None] = lambda _: None,
        worker: Callable[[str], Worker] | None = None,
    ) -> None:
        """Nothing is opened before `run`.  `say` is told what is wrong, and None when it is over."""
        self._database = Database(directory, quota_bytes)
        self._rollup = RollUp(self._database, zone, keep)
        self._minutes: Minutes | None = None
        self._wall_ms, self._say = wall_ms, say
        self._make_worker = worker or (lambda name: ThreadWorker(asyncio.get_running_loop(), name))
        self._workers: dict[str, Worker] = {}
        self._queue: deque[Reading] = deque()
        self._gauges: Mapping[str, Gauges] = {}
        self._waiting: list[tuple[int, dict[int, Bucket]]] = []
        self._folding: Iterator[None] | None = None
        self._again_s = 0.0
        self._dropped = self._undated = self._lost = 0
        self._fault: Fault | None = None

    def tap(self, reading: Reading) -> None:
        """Takes a reading as it is recorded; never blocks."""
        if len(self._queue) < QUEUE:
            self._queue.append(reading)
        else:
            self._dropped += 1

    def adjust(self, gauges: Mapping[str, Gauges]) -> None:
        """From now on with these devices' counters; a new install number is another meter."""
        self._gauges = gauges

    async def run(self) -> None:
        """Counts, writes and folds, once a second, until cancelled."""
        while True:
            await self.step()
            await asyncio.sleep(STEP_S)

    async def step(self) -> None:
        """One second's work."""
        before = self._fault
        await self._write(self._step)
        if self._fault != before:
            self._say(self._fault)

    async def close(self) -> None:
        """Writes the minute being counted, if the disk answers within CLOSE_S, and ends the threads."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._write(self._end)
        except TimeoutError:
            return  # the disk does not answer; the threads end with the process
        finally:
            for worker in self._workers.values():
                worker.stop()
            self._workers.clear()

    async def query(
        self,
        device: str,
        point: str,
        since_ms: int,
        until_ms: int,
        *,
        resolution: Resolution | None = None,
        buckets: int = 1000,
    ) -> Series:
        since_s, until_s = max(since_ms // 1000, 0), min(-(-until_ms // 1000), self._wall_ms() // 1000 + 86_400)
        most, zone = max(1, min(buckets, reads.MOST)), self._rollup.zone
        counter = point in self._gauges.get(device, Gauges()).counters

        def work(sql: sqlite3.Connection) -> Series:
            oldest = reads.oldest_s(sql)
            chosen = resolution or reads.finest(since_s, until_s, oldest)
            begin = max(since_s, min((at for at in oldest.values() if at is not None), default=until_s))
            return reads.read(sql, device, point, begin, until_s, chosen, zone=zone, counter=counter, most=most)

        nothing = resolution or "day"
        empty = Series(device, point, nothing, RESOLUTION_S[nothing], counter, *[()] * 9)
        return await self._read(work, empty)

    async def points(self, device: str) -> Sequence[str]:
        def work(sql: sqlite3.Connection) -> Sequence[str]:
            rows = sql.execute("SELECT point FROM series WHERE device = ? ORDER BY point", (device,))
            return [point for (point,) in rows]

        return await self._read(work, [])

    async def erase(self, devices: Collection[str]) -> int:
        """Raises sqlite3.Error when the disk does not let it: nothing is then promised, and it is to be asked again."""
        gone = frozenset(devices)

        def work() -> int:
            self._step()
            self._folding = None
            series = self._minutes.forget(gone) if self._minutes is not None else set[int]()
            for _, batch in self._waiting:
                for number in series & batch.keys():
                    del batch[number]
            return self._rollup.erase(gone)

        return await self._write(work)

    async def status(self) -> HistoryStatus:
        oldest = await self._read(reads.oldest_s, dict[Resolution, int | None]())
        used = await self._write(self._database.used_bytes)
        left_out = self._minutes.left_out if self._minutes is not None else 0
        return HistoryStatus(
            used_bytes=used,
            quota_bytes=self._database.quota_bytes,
            series=len(self._minutes.numbers) if self._minutes is not None else 0,
            oldest_ms={name: None if at is None else at * 1000 for name, at in oldest.items()},
            dropped=self._dropped + left_out,
            undated=self._undated,
            lost_minutes=self._lost,
            fault=self._fault,
        )

    def _step(self, now_ms: int | None = None) -> None:
        """In the thread."""
        now_ms = self._wall_ms() if now_ms is None else now_ms
        readings = [self._queue.popleft() for _ in range(len(self._queue))]
        try:
            if self._minutes is None:
                self._open(now_ms)
            if self._minutes is None:
                self._dropped += len(readings)
                return
            self._minutes.adjust(self._gauges)
            for reading in readings:
                if EARLIEST_MS <= reading.at_ms <= now_ms + AHEAD_MS:
                    self._minutes.take(reading)
                else:
                    self._undated += 1
            self._waiting += self._minutes.close((now_ms - GRACE_MS) // 60_000).items()
            if now_ms / 1000 >= self._again_s or self._fault is None:
                self._flush(self._minutes)
                self._fold(now_ms / 1000)
        except (sqlite3.Error, OSError) as error:
            self._dropped += len(readings) if self._minutes is None else 0
            self._failed(error, now_ms)

    def _open(self, now_ms: int) -> None:
        if self._fault is not None and now_ms / 1000 < self._again_s:
            return
        evidence = self._database.open(now_ms)
        self._minutes = Minutes(*self._rollup.load())
        self._fault = None if evidence is None else _damaged(evidence)

    def _flush(self, minutes: Minutes) -> None:
        counters = minutes.counters() if self._waiting else set[int]()
        while self._waiting:
            minute, batch = self._waiting[0]
            self._rollup.write_minute(minute, batch, minutes.numbers, counters)
            self._waiting.pop(0)
        if self._fault is not None and self._fault.code == "history.disk":
            self._fault = None

    def _fold(self, now_s: float) -> None:
        if self._folding is None:
            self._folding = self._rollup.fold_hours(now_s)
        try:
            next(self._folding)
            self._fault = None
        except StopIteration:
            self._folding = None
        except BaseException:
            self._folding = None
            raise

    def _failed(self, error: Exception, now_ms: int) -> None:
        self._again_s = now_ms / 1000 + AGAIN_S
        over = len(self._waiting) - WAITING
        if over > 0:
            del self._waiting[:over]
            self._lost += over
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            try:
                self._fault = _damaged(self._database.set_aside(now_ms))
                self._rollup.begin_anew()
                self._again_s = 0.0
                return
            except (sqlite3.Error, OSError) as second:
                error = second
        self._fault = _disk(error)

    def _end(self) -> None:
        self._step()
        if self._minutes is not None:
            try:
                self._waiting += self._minutes.close(2**62).items()
                self._flush(self._minutes)
            except (sqlite3.Error, OSError) as error:
                self._failed(error, self._wall_ms())
        self._database.close()
        self._minutes = None

    async def _write(self, work: Callable[[], T]) -> T:
        return await self._on("history", work)

    async def _read(self, work: Callable[[sqlite3.Connection], T], nothing: T) -> T:
        """Reads beside the writer; a file that is not there yet, or was just found damaged, gives `nothing`."""
        path = self._database.path

        def reading() -> T:
            if not path.exists():
                return nothing
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)) as sql:
                sql.execute("BEGIN")
                return work(sql)

        try:
            return await self._on("history reads", reading)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            damage = error
        await self._write(lambda: self._failed(damage, self._wall_ms()))
        self._say(self._fault)
        return nothing

    async def _on(self, name: str, work: Callable[[], T]) -> T:
        worker = self._workers.get(name)
        if worker is None:
            worker = self._workers[name] = self._make_worker(name)
        return await ask(worker, work)


def _damaged(evidence: str) -> Fault:
    kept = Text(f" The old file is kept as {evidence}.", f"旧文件保存为 {evidence}。") if evidence else Text("", "")
    return Fault(
        "history.damaged",
        Text(f"The history was damaged and begins anew.{kept.en}", f"历史数据文件损坏，已重新开始记录。{kept.zh}"),
        Text("If it happens again, replace the disk.", "若再次发生，请更换磁盘。"),
    )


def _disk(error: Exception) -> Fault:
    return Fault(
        "history.disk",
        Text(f"The history can not be written: {error}.", f"历史数据无法写入：{error}。"),
        Text("Look at the disk: courtyard doctor.", "请检查磁盘：courtyard doctor。"),
    )
