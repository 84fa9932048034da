"""Random faults on a few cameras, each healed; how long each camera needs to be back."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil

from courtyard.drivers.camera.driver import CameraDriver
from hw_sim.control import AsyncClient
from tests.camera_rig import Heard, driven, own_process, settings

FAULTS = (
    "refuse",
    "hang",
    "freeze",
    "corrupt",
    "codec",
    "size",
    "huge",
    "truncated",
    "bomb",
    "slots",
    "xaddr",
    "drop",
    "clock 450",
)
LOCKED = "cam-locked"
"""A camera beside the others that refuses the password all the time."""
HEAL_S = 10.0
FAULT_S = 1.5
LOOK_S = 0.5
NEW = 10
"""So many further pictures make a camera live again."""


class Campaign(NamedTuple):
    """All faults of a run; what it left: worker processes, zombies, memory of this process and its workers in MB.  The
    simulated cameras are processes of their own, and do not count.

    `early_mb` is the median over the second quarter of the faults, when everything has been loaded once, `late_mb` that
    over the last quarter: the larger pictures that one of the faults sends take room only while they last.
    """

    healed: list[Healed]
    workers: int
    zombies: int
    early_mb: float
    late_mb: float
    refused: int
    seconds: float


class Healed(NamedTuple):
    """One fault and the seconds from its end to live pictures."""

    fault: str
    seconds: float


async def campaign(folder: Path, faults: int, seed: int = 1, cameras: int = 5) -> Campaign:
    """Cameras break independently, each `faults // cameras` times."""
    began_s = asyncio.get_running_loop().time()
    async with AsyncExitStack() as stack:
        locked, address = await stack.enter_async_context(own_process(folder / f"{LOCKED}.sock"))
        await locked("fault password")
        simulators = await asyncio.gather(
            *(stack.enter_async_context(own_process(folder / f"cam-{number}.sock")) for number in range(cameras))
        )
        sites = [settings(device, f"cam-{number}") for number, (_, device) in enumerate(simulators)]
        sites.append(settings(address, LOCKED))
        healed: list[list[Healed]] = [[] for _ in simulators]
        async with driven(folder, *sites) as (driver, heard), asyncio.TaskGroup() as group:
            runs = [
                group.create_task(
                    _suffer(
                        driver,
                        heard,
                        simulators[number][0],
                        number,
                        faults // cameras,
                        random.Random(seed + number),
                        healed[number],
                    )
                )
                for number in range(cameras)
            ]
            quarters: list[list[float]] = [[], [], [], []]
            while not all(run.done() for run in runs):
                await _wait(LOOK_S)
                done = sum(len(each) for each in healed)
                quarters[min(3, done * 4 // faults)].append(_memory_mb(driver.hub.workers()))
            results = [each for run in runs for each in await run]
            zombies = [each for each in psutil.Process().children() if each.status() == psutil.STATUS_ZOMBIE]
            workers = driver.hub.workers()
            refused = sum("wrong password" in call for call in await locked("calls"))
            seconds = asyncio.get_running_loop().time() - began_s
            early_mb, late_mb = median(quarters[1]), median(quarters[3])
            return Campaign(results, len(workers), len(zombies), early_mb, late_mb, refused, seconds)


async def _suffer(
    driver: CameraDriver,
    heard: Heard,
    tell: AsyncClient,
    number: int,
    faults: int,
    chance: random.Random,
    results: list[Healed],
) -> list[Healed]:
    """One camera's faults, one after the other."""
    name, loop = f"cam-{number}", asyncio.get_running_loop()
    await _live(driver, heard, name, 40.0)
    for _ in range(faults):
        fault = chance.choice(FAULTS)
        await tell("drop" if fault == "drop" else f"fault {fault}")
        await _wait(FAULT_S)
        await tell("heal")
        began = loop.time()
        await _live(driver, heard, name, 60.0)
        results.append(Healed(fault.split()[0], round(loop.time() - began, 2)))
    return results


async def _live(driver: CameraDriver, heard: Heard, camera: str, timeout_s: float) -> None:
    """Until NEW more live pictures, with no fault of the stream standing."""
    counts = driver.counters
    before = counts()[camera].get("pictures", 0) if camera in counts() else 0
    async with asyncio.timeout(timeout_s):
        while True:
            now = counts().get(camera, {}).get("pictures", 0)
            code = heard.code(camera) or ""
            if now > before + NEW and not code.startswith("stream."):
                return
            await _wait(0.1)


def _memory_mb(workers: Sequence[int]) -> float:
    """Of this process, which holds the driver, and of the stream workers."""
    return sum(psutil.Process(pid).memory_info().rss for pid in (os.getpid(), *workers)) / 1e6


async def _wait(seconds: float) -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await over.wait()
