"""The driver on simulated cameras: real SOAP, real RTSP, real H.264, worker processes of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from courtyard.drivers.base import DriverError, Write
from courtyard.drivers.camera.driver import CameraDriver
from courtyard.drivers.camera.login import InstalledCamera
from hw_sim.camera.desk import MOTION, TAMPER
from hw_sim.camera.media import Profile
from tests.camera_rig import Heard, driven, settings, simulated

SOURCE = {"VideoSourceConfigurationToken": "vsc"}


def pictures(heard: Heard, camera: str = "cam-1") -> bool:
    """Whether its live pictures have been seen, and nothing is wrong with it now."""
    seen = any(each.device == camera and each.source == "picture" for each in heard.signals)
    return seen and heard.code(camera) is None


async def frame_after(driver: CameraDriver, camera: str, number: int) -> int:
    """Waits for a newer picture on the camera's board."""
    async with asyncio.timeout(100):
        while True:
            board = driver.frames(camera)
            frame = board.newest(number) if board is not None else None
            if board is not None:
                board.close()
            if frame is not None:
                assert len(frame.pixels) == frame.width * frame.height * 3
                return int(frame.number)
            turn = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(0.05, turn.set_result, None)
            await turn


def test_events_relays_and_pictures_of_one_camera(tmp_path: Path) -> None:
    async def main() -> None:
        async with simulated() as simulator:
            camera = settings(simulator.http.url, relays=("relay_0",))
            async with driven(tmp_path, camera) as (driver, heard):
                await heard.until(lambda: heard.kinds("motion") != [])
                first = await frame_after(driver, "cam-1", 0)
                assert await frame_after(driver, "cam-1", first) > first
                async with asyncio.timeout(100):
                    while not simulator.events.subscriptions:
                        await asyncio.to_thread(os.sched_yield)
                simulator.notify(TAMPER, SOURCE, {"IsTamper": "1"})
                await heard.until(lambda: heard.kinds("tamper") == [True])
                simulator.notify(TAMPER, SOURCE, {"IsTamper": "false"})
                await heard.until(lambda: heard.kinds("tamper") == [True, False])
                simulator.notify(MOTION, SOURCE, {"IsMotion": "true"})
                await heard.until(lambda: any(each.details.get("topic") for each in heard.signals))
                tamper = next(each for each in heard.signals if each.kind == "tamper")
                assert (tamper.severity, tamper.source) == (2, "VideoSourceConfigurationToken=vsc")
                await driver.write(Write("cam-1", "relay_0", True))
                assert simulator.device.relays["relay_0"] == "active"
                with pytest.raises(DriverError):
                    await driver.write(Write("cam-1", "relay_1", True))
                assert (await driver.snapshot("cam-1")).startswith(b"\xff\xd8")
                assert heard.code("cam-1") is None
                workers = driver.hub.workers()
            assert not simulator.events.subscriptions, "the slot was given back"
            assert workers
            for pid in workers:
                with pytest.raises(ProcessLookupError):
                    os.kill(pid, 0)

    asyncio.run(main())


def test_a_dead_camera_delays_no_other_and_is_an_alarm(tmp_path: Path) -> None:
    async def main() -> None:
        async with simulated() as good, simulated() as dead:
            await dead.fault("hang")
            cameras = settings(dead.http.url, "cam-dead", silence_s=5.0), settings(good.http.url, "cam-good")
            async with driven(tmp_path, *cameras) as (_, heard):
                await heard.until(lambda: pictures(heard, "cam-good"))
                assert "cam-dead" not in heard.faults, "the good one did not wait for it"
                await heard.until(lambda: True in heard.kinds("camera_silent"))
                assert {each.device for each in heard.signals if each.kind == "camera_silent" and each.active} == {
                    "cam-dead"
                }
                await dead.heal()
                await heard.until(lambda: heard.kinds("camera_silent")[-1] is False)

    asyncio.run(main())


def test_a_killed_worker_is_noticed_and_started_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with AsyncExitStack() as stack:
            simulator = await stack.enter_async_context(simulated())
            camera = settings(simulator.http.url, events=False)
            driver, heard = await stack.enter_async_context(driven(tmp_path, camera))
            number = await frame_after(driver, "cam-1", 0)
            (pid,) = driver.hub.workers()
            os.kill(pid, signal.SIGKILL)
            await heard.until(lambda: heard.code("cam-1") == "stream.worker")
            await heard.until(lambda: pictures(heard))
            assert driver.hub.workers() != [pid]
            assert await frame_after(driver, "cam-1", number) > number

    asyncio.run(main())


def test_a_refused_password_is_tried_once_and_not_again_soon(tmp_path: Path) -> None:
    async def main() -> None:
        async with simulated() as simulator:
            await simulator.fault("password")
            async with driven(tmp_path, settings(simulator.http.url, silence_s=5.0)) as (_, heard):
                await heard.until(lambda: heard.code("cam-1") == "camera.login")
                refused = [call for call in simulator.calls if ":" in call]
                await heard.until(lambda: True in heard.kinds("camera_silent"))
                assert [call for call in simulator.calls if ":" in call] == refused
                assert len(refused) == 1
                said = heard.signals[-1]
                assert said.details["code"] == "camera.login"

    asyncio.run(main())


def test_pictures_that_cannot_be_watched_are_named(tmp_path: Path) -> None:
    async def main() -> None:
        huge = (Profile("sub", 3840, 2160),)
        async with simulated(profiles=huge) as large, simulated() as other:
            await other.fault("codec")
            cameras = settings(large.http.url, "cam-4k"), settings(other.http.url, "cam-old")
            async with driven(tmp_path, *cameras) as (_, heard):
                await heard.until(lambda: heard.code("cam-old") == "stream.codec")
                await heard.until(lambda: heard.code("cam-4k") == "stream.too_large")
                await other.heal()
                other.rtsp.drop()
                await heard.until(lambda: pictures(heard, "cam-old"))

    asyncio.run(main())


def test_a_changed_list_touches_only_what_changed(tmp_path: Path) -> None:
    async def main() -> None:
        async with simulated() as one, simulated() as two:
            first = settings(one.http.url, "cam-one", events=False)
            async with driven(tmp_path, first) as (driver, heard):
                await heard.until(lambda: pictures(heard, "cam-one"))
                played = one.rtsp.played
                second = settings(two.http.url, "cam-two", events=False)
                driver.adjust([InstalledCamera(first, tmp_path), InstalledCamera(second, tmp_path)])
                await heard.until(lambda: pictures(heard, "cam-two"))
                driver.adjust([InstalledCamera(second, tmp_path)])
                assert driver.frames("cam-one") is None
                assert one.rtsp.played == played

    asyncio.run(main())
