"""Streams of cameras in the ways that a site meets: by UDP, with a login that only the stream refuses, and changing."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest

from courtyard.drivers.camera.driver import CameraDriver
from hw_sim.camera.channels import FilmChannel
from hw_sim.camera.device import SERVICES
from hw_sim.camera.film import GROUP, Unit, moving_pattern
from hw_sim.camera.media import Profile
from tests.camera_rig import PASSWORD, WAIT_S, Heard, driven, settings, simulated, so, turn
from tests.vision_rig import make


class OneKey(FilmChannel):
    """Has one key picture, the first: as with cameras that save bandwidth, the next is far away."""

    async def unit(self, number: int) -> Unit:
        return await super().unit(number if number < GROUP else 1 + number % (GROUP - 1))


def live(heard: Heard, camera: str) -> bool:
    """Whether its pictures are live, and nothing is wrong with it."""
    seen = any(each.device == camera and each.source == "picture" for each in heard.signals)
    return seen and heard.code(camera) is None


async def other_size(driver: CameraDriver, before: tuple[int, int] | None) -> tuple[int, int]:
    """Width and height of the first picture on the camera's board that has not this size."""
    async with asyncio.timeout(WAIT_S):
        while True:
            board = driver.frames("cam-1")
            frame = board.newest(0) if board is not None else None
            if board is not None:
                board.close()
            if frame is not None and (frame.width, frame.height) != before:
                return frame.width, frame.height
            await turn()


def test_pictures_by_udp_are_live_and_their_silence_is_noticed(tmp_path: Path) -> None:
    async def main() -> None:
        async with simulated() as camera, simulated() as other:
            by_udp = settings(camera.http.url, "cam-udp", transport="udp", events=False)
            by_tcp = settings(other.http.url, "cam-tcp", events=False)
            async with driven(tmp_path, by_udp, by_tcp) as (driver, heard):
                await heard.until(lambda: live(heard, "cam-udp") and live(heard, "cam-tcp"))
                assert (camera.rtsp.by_udp, other.rtsp.by_udp) == (camera.rtsp.played, 0)
                await camera.fault("freeze")
                await heard.until(lambda: (heard.code("cam-udp") or "").startswith("stream."))
                assert heard.code("cam-tcp") is None, "the other one does not notice"
                seen = driver.counters()["cam-udp"]["pictures"]
                await camera.heal()
                await heard.until(lambda: heard.code("cam-udp") is None)
                assert driver.counters()["cam-udp"]["streams_lost"] >= 1
                assert seen > 0

    asyncio.run(main())


def test_a_login_that_only_the_stream_refuses_is_tried_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with simulated() as camera, simulated() as good:
            camera.rtsp.guard = lambda: camera.refusing
            sites = settings(camera.http.url, "cam-locked", silence_s=5.0), settings(good.http.url, "cam-good")
            async with driven(tmp_path, *sites) as (_, heard):
                await heard.until(lambda: heard.code("cam-locked") == "stream.login")
                tried = camera.rtsp.refused
                await heard.until(lambda: True in heard.kinds("camera_silent") and live(heard, "cam-good"))
                assert camera.rtsp.refused == tried, "a second try so soon may lock the account"
                assert tried <= 2, "one login, which FFmpeg may repeat with a fresh challenge"
                assert not [call for call in camera.calls if ":" in call], "ONVIF itself accepts it"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("fault", "login", "token", "english", "chinese"),
    [
        ("", "gateway:wrong-one", "sub", "the login is refused", "登录被拒绝"),
        ("", f"gateway:{PASSWORD}", "none", "no stream at that address", "没有视频流"),
        ("refuse", f"gateway:{PASSWORD}", "sub", "nothing listens there", "请检查地址和端口"),
        ("hang", f"gateway:{PASSWORD}", "sub", "no video comes from it", "没有收到视频"),
    ],
)
def test_a_stream_that_cannot_be_watched_by_hand_is_named_without_its_login(
    tmp_path: Path, fault: str, login: str, token: str, english: str, chinese: str
) -> None:
    async def watch(address: str, language: str) -> str:
        words = ("vision", "watch", "--model", str(make(tmp_path)), "--lang", language, address)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "courtyard.agent", *words), stderr=asyncio.subprocess.PIPE
        )
        _, said = await process.communicate()
        assert process.returncode == 1
        return said.decode()

    async def main() -> None:
        async with simulated() as camera:
            address = camera.media.streams.replace("rtsp://", f"rtsp://{login}@") + f"/{token}"
            if fault:
                await camera.fault(fault)
            said = await watch(address, "en"), await watch(address, "zh")
            assert english in said[0]
            assert chinese in said[1]
            assert login not in "".join(said)

    asyncio.run(main())


def test_a_picture_that_changes_its_size_stays_live(tmp_path: Path) -> None:
    async def main() -> None:
        async with AsyncExitStack() as stack:
            camera = await stack.enter_async_context(simulated())
            site = settings(camera.http.url, events=False)
            driver, heard = await stack.enter_async_context(driven(tmp_path, site))
            await heard.until(lambda: live(heard, "cam-1"))
            size = await other_size(driver, None)
            camera.mischief.set("size")
            large = await other_size(driver, size)
            assert large[0] > size[0]
            camera.mischief.heal("size")
            assert await other_size(driver, large) == size
            await heard.until(lambda: live(heard, "cam-1"))

    asyncio.run(main())


def test_a_camera_whose_sub_stream_is_h265_is_watched(tmp_path: Path) -> None:
    """The first has Media2 beside Media, the second Media alone."""
    profiles = Profile("main", 3840, 2160), Profile("sub", 640, 360, "H265")

    async def main() -> None:
        newer = simulated(profiles=profiles)
        older = simulated(services={each: SERVICES[each] for each in ("tds", "tev", "trt")})
        async with newer as h265, older as h264:
            sites = settings(h265.http.url, "cam-h265"), settings(h264.http.url, "cam-h264")
            async with driven(tmp_path, *sites) as (driver, heard):
                await heard.until(lambda: live(heard, "cam-h265") and live(heard, "cam-h264"))
                assert (h265.media.asked, h264.media.asked) == ({"media2"}, {"media"})
                for camera in ("cam-h265", "cam-h264"):
                    board = driver.frames(camera)
                    assert board is not None
                    frame = board.newest(0)
                    board.close()
                    assert frame is not None
                    assert (frame.width, frame.height) == (640, 360)
                    pixels = np.frombuffer(frame.pixels, np.uint8).reshape(360, 640, 3).astype(int)
                    assert abs(pixels - moving_pattern(0)).mean() < 12, "it is the picture that the camera shows"

    asyncio.run(main())


def test_the_first_key_picture_is_enough(tmp_path: Path) -> None:
    async def main() -> None:
        async with simulated() as camera:
            camera.rtsp.channel = lambda token: OneKey(moving_pattern, 640, 360, camera.mischief)
            async with driven(tmp_path, settings(camera.http.url, events=False)) as (driver, heard):
                await heard.until(lambda: live(heard, "cam-1"), 10.0)
                assert camera.rtsp.played == 1
                assert driver.counters()["cam-1"]["stale"] == 0

    asyncio.run(main())


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_session_is_kept_before_its_camera_ends_it(tmp_path: Path, transport: str) -> None:
    async def main() -> None:
        async with simulated() as camera:
            await camera.fault("session", 2)
            site = settings(camera.http.url, transport=transport, events=False)
            async with driven(tmp_path, site) as (driver, heard):
                await heard.until(lambda: live(heard, "cam-1"))
                rtsp = camera.rtsp
                await so(
                    lambda: rtsp.played > 1 or (rtsp.kept >= 3 and (transport == "tcp" or rtsp.reports > 0)),
                )
                assert camera.rtsp.played == 1
                assert "streams_lost" not in driver.counters()["cam-1"]

    asyncio.run(main())
