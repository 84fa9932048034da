"""Random faults on a few cameras, each healed; how long each camera needs to be back."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import NamedTuple

from courtyard.drivers.camera.driver import CameraDriver
from hw_sim.camera.camera import SimCamera
from tests.camera_rig import Heard, driven, settings

FAULTS = ("refuse", "hang", "freeze", "corrupt", "codec", "size", "huge", "truncated", "bomb", "slots", "xaddr", "drop")
HEAL_S = 10.0
FAULT_S = 1.5


class Healed(NamedTuple):
    """One fault and the seconds from its end to live pictures."""

    fault: str
    seconds: float


async def campaign(folder: Path, faults: int, seed: int = 1, cameras: int = 5) -> tuple[list[Healed], int]:
    """Every fault with its time, and the number of worker processes at the end; cameras break independently."""
    simulators = [SimCamera() for _ in range(cameras)]
    for simulator in simulators:
        await simulator.open()
    sites = [settings(each.http.url, f"cam-{number}") for number, each in enumerate(simulators)]
    try:
        async with driven(folder, *sites) as (driver, heard), asyncio.TaskGroup() as group:
            runs = [
                group.create_task(
                    _suffer(driver, heard, simulators[number], number, faults // cameras, random.Random(seed + number))
                )
                for number in range(cameras)
            ]
            results = [healed for run in runs for healed in await run]
            return results, len(driver.hub.workers())
    finally:
        for simulator in simulators:
            await simulator.close()


async def _suffer(
    driver: CameraDriver, heard: Heard, simulator: SimCamera, number: int, faults: int, chance: random.Random
) -> list[Healed]:
    """One camera's faults, one after the other."""
    name, loop = f"cam-{number}", asyncio.get_running_loop()
    await _live(driver, heard, name, 40.0)
    results: list[Healed] = []
    for _ in range(faults):
        fault = chance.choice(FAULTS)
        await _break(simulator, fault)
        await _wait(FAULT_S)
        await simulator.heal()
        began = loop.time()
        await _live(driver, heard, name, 60.0)
        results.append(Healed(fault, round(loop.time() - began, 2)))
    return results


async def _break(simulator: SimCamera, fault: str) -> None:
    if fault == "drop":
        simulator.rtsp.drop()
    else:
        await simulator.fault(fault)


async def _live(driver: CameraDriver, heard: Heard, camera: str, timeout_s: float) -> None:
    """Until three more reports of live pictures, with no fault of the stream standing."""
    counts = driver.counters
    before = counts()[camera].get("pictures", 0) if camera in counts() else 0
    async with asyncio.timeout(timeout_s):
        while True:
            now = counts().get(camera, {}).get("pictures", 0)
            code = heard.code(camera) or ""
            if now > before + 10 and not code.startswith("stream."):
                return
            await _wait(0.1)


async def _wait(seconds: float) -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await over.wait()
