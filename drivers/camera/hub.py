"""The gateway's side of the stream workers: starts them, tells them what to watch, takes their reports.

Invariants
1. A worker that dies is noticed at once and started again with back-off; its cameras are told, others do not notice.
2. A login is written to a worker's standard input, never to its arguments or environment.
3. Workers end with the hub: their input closes, and after GRACE_S they are killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from courtyard.drivers.camera.frames import FrameBoard
from courtyard.drivers.camera.messages import Down, Leave, Order, Pace, Report, Watch, reports

COMMAND = (sys.executable, "-m", "courtyard.drivers.camera.worker")
STREAMS_PER_WORKER = 8
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 30.0
STABLE_S = 60.0
GRACE_S = 1.0
LONGEST_LINE = 1 << 16
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None


class Hub:
    """`told` is called for every report.  Used from the event loop only."""

    def __init__(self, told: Callable[[Report], None], command: Sequence[str] = COMMAND) -> None:
        self._told, self._command = told, command
        self._workers: list[_Worker] = []
        self._worker_of: dict[str, _Worker] = {}
        self._group: asyncio.TaskGroup | None = None
        self._folder: Path | None = None

    async def run(self) -> None:
        """Keeps workers running until cancelled."""
        with tempfile.TemporaryDirectory(prefix="courtyard-", dir=MEMORY) as folder:
            self._folder = Path(folder)
            try:
                async with asyncio.TaskGroup() as self._group:
                    for worker in self._workers:
                        self._group.create_task(worker.run())
                    await asyncio.get_running_loop().create_future()
            finally:
                self._group, self._folder = None, None

    def watch(self, order: Watch) -> None:
        """Watches a stream from now on; an order that is the same as before changes nothing."""
        worker = self._worker_of.get(order.camera)
        if worker is None:
            worker = next((each for each in self._workers if len(each.watched) < STREAMS_PER_WORKER), None)
            if worker is None:
                worker = _Worker(self._told, self._command)
                self._workers.append(worker)
                if self._group is not None:
                    self._group.create_task(worker.run())
            self._worker_of[order.camera] = worker
        if self._folder is not None:
            order = msgspec.structs.replace(order, frames=str(self._folder / order.camera))
        worker.watch(order)

    def leave(self, camera: str) -> None:
        worker = self._worker_of.pop(camera, None)
        if worker is not None:
            worker.leave(camera)

    def pace(self, camera: str, key_frames_only: bool) -> None:
        """Key frames are enough while the door of a lift is known to be closed."""
        worker = self._worker_of.get(camera)
        if worker is not None:
            worker.pace(Pace(camera, key_frames_only))

    def frames_file(self, camera: str) -> Path | None:
        """The file of a camera's FrameBoard; None while it is not watched."""
        worker = self._worker_of.get(camera)
        order = worker.watched.get(camera) if worker is not None else None
        return Path(order.frames) if order is not None and order.frames else None

    def board(self, camera: str) -> FrameBoard | None:
        """The newest pictures of a camera; None while it is not watched.  The caller closes it."""
        file = self.frames_file(camera)
        return FrameBoard(file) if file is not None else None

    def workers(self) -> list[int]:
        """Process ids."""
        return [worker.process.pid for worker in self._workers if worker.process is not None]


class _Worker:
    """One process and what it is to watch."""

    def __init__(self, told: Callable[[Report], None], command: Sequence[str]) -> None:
        self._told, self._command = told, command
        self.watched: dict[str, Watch] = {}
        self._paces: dict[str, Pace] = {}
        self.process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            began_s = loop.time()
            reason = await self._live()
            failures = 0 if loop.time() - began_s > STABLE_S else min(failures + 1, 10)
            retry_s = min(FIRST_RETRY_S * 2**failures, LAST_RETRY_S)
            for camera in self.watched:
                self._told(Down(camera, "stream.worker", {"reason": reason}, retry_s))
            await asyncio.sleep(retry_s)

    def watch(self, order: Watch) -> None:
        if self.watched.get(order.camera) != order:
            self.watched[order.camera] = order
            self._send(order)

    def leave(self, camera: str) -> None:
        self._paces.pop(camera, None)
        if self.watched.pop(camera, None) is not None:
            self._send(Leave(camera))

    def pace(self, order: Pace) -> None:
        self._paces[order.camera] = order
        self._send(order)

    async def _live(self) -> str:
        """One life of the process; why it ended."""
        environment = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PYTHONPATH")}
        process = self.process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            limit=LONGEST_LINE,
        )
        assert process.stdout is not None
        try:
            orders: tuple[Order, ...] = (*self.watched.values(), *self._paces.values())
            for order in orders:
                self._send(order)
            async for line in process.stdout:
                report = reports.decode(line)
                if report.camera in self.watched:
                    self._told(report)
        except (ValueError, msgspec.DecodeError):
            return "not its protocol"
        finally:
            self.process = None
            await end(process)
        return how_it_ended(process.returncode)

    def _send(self, order: Order) -> None:
        """A worker that has died gets everything again with its next life."""
        if self.process is not None and self.process.stdin is not None and not self.process.stdin.is_closing():
            self.process.stdin.write(msgspec.json.encode(order) + b"\n")


async def end(process: asyncio.subprocess.Process) -> None:
    """Closes the input of a worker and waits for its end; kills it after GRACE_S."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(GRACE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise


def how_it_ended(status: int | None) -> str:
    """The exit status of a process in words."""
    if status is not None and status < 0:
        return signal.Signals(-status).name
    return f"exit status {status}"
