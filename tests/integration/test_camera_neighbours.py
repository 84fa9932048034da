"""Two cameras, one of them bad in one way after the other: that is named, and its neighbour never waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path

from courtyard.drivers.camera.driver import CameraDriver
from hw_sim.control import AsyncClient
from tests.camera_rig import WAIT_S, Heard, driven, own_process, settings, turn

GOOD, BAD = "cam-good", "cam-bad"
LONGEST_S = 2.0
"""Between two pictures of the good camera, and from its event to the gateway; a picture is handed on every 0.1 s."""
STREAMS = {"codec": "stream.codec", "size": "stream.too_large", "corrupt": "stream.damaged"}
"""Fault to its code.  `size` makes the main stream 4K while it is watched."""
NAMED_S = 15.0
"""So soon what is wrong is named; a request has 10 s for its answer."""


class Pictures:
    """When the good camera's pictures arrived, in seconds of the monotonic clock."""

    def __init__(self) -> None:
        self.at_s: list[float] = []

    def longest_s(self) -> float:
        """The longest time between two of them since the last call."""
        until_now = [*self.at_s, time.monotonic()]
        del self.at_s[:-1]
        return max(later - sooner for sooner, later in pairwise(until_now))

    async def watch(self, driver: CameraDriver) -> None:
        """Until cancelled."""
        board = driver.frames(GOOD)
        assert board is not None
        try:
            while True:
                glance = board.glance()
                if glance is not None and glance.at_s not in self.at_s[-1:]:
                    self.at_s.append(glance.at_s)
                await turn()
        finally:
            board.close()


@asynccontextmanager
async def watched(driver: CameraDriver) -> AsyncIterator[Pictures]:
    pictures = Pictures()
    task = asyncio.create_task(pictures.watch(driver))
    try:
        yield pictures
    finally:
        task.cancel()
        await asyncio.wait([task])


async def event_s(tell: AsyncClient, heard: Heard) -> float:
    """How long an event of the good camera takes."""
    count, began_s = len(heard.kinds("tamper")), asyncio.get_running_loop().time()
    for state in ("on", "off"):
        await tell(f"tamper {state}")
    await heard.until(lambda: heard.kinds("tamper")[count:] == [True, False])
    return asyncio.get_running_loop().time() - began_s


async def sees(driver: CameraDriver, heard: Heard, camera: str) -> None:
    """Until further pictures have come, and nothing is wrong with it."""
    before = driver.counters().get(camera, {}).get("pictures", 0)
    async with asyncio.timeout(WAIT_S):
        while driver.counters().get(camera, {}).get("pictures", 0) <= before or heard.code(camera) is not None:
            await turn()


async def named(heard: Heard, code: str) -> None:
    await heard.until(lambda: heard.code(BAD) == code, NAMED_S)


def test_a_bad_camera_is_named_and_its_neighbour_does_not_wait(tmp_path: Path) -> None:
    async def main() -> None:
        async with AsyncExitStack() as stack:
            good, good_address = await stack.enter_async_context(own_process(tmp_path / "good.sock"))
            bad, bad_address = await stack.enter_async_context(own_process(tmp_path / "bad.sock"))
            await bad("fault lease 2")  # so that it is asked every second
            sites = settings(good_address, GOOD), settings(bad_address, BAD, stream="main")
            driver, heard = await stack.enter_async_context(driven(tmp_path, *sites))
            await sees(driver, heard, GOOD)
            await sees(driver, heard, BAD)
            pictures = await stack.enter_async_context(watched(driver))
            for kind, code in {"huge": "camera.answer", "drip": "camera.silent"}.items():
                await bad(f"fault {kind}")
                if kind == "drip":
                    for fault, stream_code in STREAMS.items():
                        await bad(f"fault {fault}")
                        await named(heard, stream_code)
                        assert await event_s(good, heard) < LONGEST_S
                        assert pictures.longest_s() < LONGEST_S, fault
                        await bad(f"heal {fault}")
                await named(heard, code)
                assert await event_s(good, heard) < LONGEST_S
                assert pictures.longest_s() < LONGEST_S, kind
                await bad(f"heal {kind}")
            assert (heard.code(GOOD), driver.counters()[GOOD]["stale"]) == (None, 0)
            assert "streams_lost" not in driver.counters()[GOOD]

    asyncio.run(main())
