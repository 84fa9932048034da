"""Cameras under test: the simulator, the driver's own parts, and a sink that can be waited for."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from courtyard.drivers.base import Fault, Reading, Signal
from courtyard.drivers.camera.driver import CameraDriver
from courtyard.drivers.camera.login import InstalledCamera
from courtyard.drivers.camera.settings import Camera
from hw_sim.camera.camera import SimCamera
from hw_sim.control import AsyncClient

PASSWORD = "gateway-demo"
WAIT_S = 100.0


class RealClock:
    """This machine's clocks."""

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def mono_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000


class Heard:
    """A Sink that keeps what it hears."""

    def __init__(self) -> None:
        self.signals: list[Signal] = []
        self.faults: dict[str, Fault | None] = {}
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def reading(self, reading: Reading) -> None:
        raise AssertionError("cameras have no readings")

    async def signal(self, signal: Signal) -> None:
        self.signals.append(signal)
        await self._wake()

    def health(self, subject: str, fault: Fault | None) -> None:
        self.faults[subject] = fault
        task = asyncio.create_task(self._wake())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def until(self, condition: Callable[[], bool], timeout_s: float = WAIT_S) -> None:
        """Waits until it is so.  Raises TimeoutError."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(condition)

    def kinds(self, kind: str) -> list[bool]:
        """Whether each signal of a kind begins or ends."""
        return [signal.active for signal in self.signals if signal.kind == kind]

    def code(self, camera: str) -> str | None:
        """Code of the camera's present fault."""
        fault = self.faults.get(camera)
        return fault.code if fault is not None else None

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def settings(address: str, name: str = "cam-1", **more: Any) -> Camera:
    """A camera of a site whose password file is `password`."""
    fields: dict[str, Any] = {"id": name, "username": "gateway", "password_file": "password", **more}
    return Camera(address=address, **fields)


async def turn() -> None:
    """A little later."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, over.set)
    await over.wait()


async def so(condition: Callable[[], bool]) -> None:
    """Waits until it is so.  Raises TimeoutError."""
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await turn()


@asynccontextmanager
async def simulated(**options: Any) -> AsyncIterator[SimCamera]:
    """One simulated camera, running."""
    camera = SimCamera(**options)
    await camera.open()
    try:
        yield camera
    finally:
        await camera.close()


@asynccontextmanager
async def own_process(control: Path) -> AsyncIterator[tuple[AsyncClient, str]]:
    """One simulated camera in a process of its own: what tells it its faults, and its address."""
    command = (sys.executable, "-m", "hw_sim", "camera", "--control", str(control))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        ready = json.loads(await process.stdout.readline())
        client = await AsyncClient.connect(control)
        try:
            yield client, ready["device"]
        finally:
            await client.close()
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def driven(folder: Path, *cameras: Camera) -> AsyncIterator[tuple[CameraDriver, Heard]]:
    """The driver, running."""
    (folder / "password").write_text(PASSWORD + "\n")
    heard = Heard()
    driver = CameraDriver([InstalledCamera(camera, folder) for camera in cameras], RealClock())
    running = asyncio.create_task(driver.run(heard))
    try:
        yield driver, heard
    finally:
        running.cancel()
        await asyncio.wait([running])
        if not running.cancelled():
            running.result()
