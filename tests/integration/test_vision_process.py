"""The real vision worker: it looks at pictures in memory, is killed, comes back; a model that does not fit is named."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil

from courtyard.agent.vision.messages import Attach, Keep, Kept, Load, Looked, Ready, Refused, Report, Still
from courtyard.agent.vision.process import VisionProcess
from courtyard.drivers.base import Fault
from courtyard.drivers.camera.frames import FrameBoard
from tests.vision_rig import make, reddish

WAIT_S = 100.0


class Rig:
    """One worker and what it says."""

    def __init__(self, manifest: Path, folder: Path) -> None:
        self.reports: list[Report] = []
        self.faults: list[Fault | None] = []
        start = Load(str(manifest), 0.8, str(folder / "pictures"), 10_000_000, (str(folder / "pictures-1"),))
        self.process = VisionProcess(start, self.reports.append, self.faults.append)
        self.board = FrameBoard(folder / "lift-1")
        self._folder = folder

    def show(self, red: int, *, moving: bool = True, age_s: float = 0.0) -> None:
        """One picture of now."""
        self.board.put(reddish(red).tobytes(), 64, 64, time.monotonic() - age_s, 0.1 if moving else 0.0)

    def attach(self) -> None:
        self.process.attach(Attach("lift-1", str(self._folder / "lift-1")))

    def last(self, kind: type[Report]) -> Report | None:
        return next((each for each in reversed(self.reports) if isinstance(each, kind)), None)

    def count(self, kind: type[Report]) -> int:
        return sum(isinstance(each, kind) for each in self.reports)

    async def until(self, condition: Callable[[], object], each: Callable[[], None] = lambda: None) -> None:
        """Does `each` ten times a second until it is so.  Raises TimeoutError."""
        over = asyncio.Event()
        async with asyncio.timeout(WAIT_S):
            while not condition():
                each()
                asyncio.get_running_loop().call_later(0.1, over.set)
                await over.wait()
                over.clear()


def play(manifest: Path, folder: Path, work: Callable[[Rig], Awaitable[None]]) -> None:
    async def main() -> None:
        rig = Rig(manifest, folder)
        running = asyncio.create_task(rig.process.run())
        try:
            await work(rig)
        finally:
            running.cancel()
            await asyncio.wait([running])
        assert not [child for child in psutil.Process().children() if "vision.worker" in " ".join(child.cmdline())]

    asyncio.run(main())


def test_it_looks_is_killed_and_looks_again(tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        rig.attach()
        await rig.until(lambda: rig.last(Looked), lambda: rig.show(230))
        looked = rig.last(Looked)
        assert isinstance(looked, Looked)
        assert looked.detections[0].label == "ebike"
        assert looked.detections[0].score > 0.8
        assert looked.stages.inference_ms > 0

        first = rig.process.process
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)
        await rig.until(lambda: rig.faults)
        fault = rig.faults[0]
        assert fault is not None
        assert "SIGKILL" in fault.what.zh
        rig.reports.clear()
        await rig.until(lambda: rig.last(Looked), lambda: rig.show(230))
        assert rig.last(Ready) is not None

    play(make(tmp_path), tmp_path, work)


def test_a_picture_that_is_old_is_never_looked_at_and_a_still_one_only_told(tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        rig.attach()
        await rig.until(lambda: rig.last(Looked), lambda: rig.show(10, moving=False))
        looks = rig.count(Looked)
        await rig.until(
            lambda: sum(isinstance(each, Still) for each in rig.reports) >= 5, lambda: rig.show(10, moving=False)
        )
        assert rig.count(Looked) == looks
        rig.reports.clear()
        for _ in range(10):
            rig.show(230, age_s=1.5)
        await rig.until(lambda: rig.last(Looked), lambda: rig.show(230))
        assert all(each.stages.queue_ms < 1200 for each in rig.reports if isinstance(each, Looked))

    play(make(tmp_path), tmp_path, work)


def test_pictures_of_a_moment_are_kept(tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        rig.attach()
        await rig.until(lambda: rig.last(Looked), lambda: rig.show(230))
        rig.process.keep(Keep("lift-1", "event", time.monotonic() - 4.0, small=True))
        await rig.until(lambda: rig.last(Kept), lambda: rig.show(230))
        kept = rig.last(Kept)
        assert isinstance(kept, Kept)
        assert (kept.picture, kept.clip) == ("event.jpg", "event.avi")
        assert kept.small
        assert (tmp_path / "pictures" / "event.avi").exists()
        assert (tmp_path / "pictures" / "before.jpg").read_bytes() == b"of a process that is no more"
        assert not former.exists()

    former = tmp_path / "pictures-1"
    former.mkdir()
    (former / "before.jpg").write_bytes(b"of a process that is no more")
    play(make(tmp_path), tmp_path, work)


def test_a_model_that_does_not_fit_is_named_and_the_worker_waits(tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        await rig.until(lambda: rig.last(Refused))
        refused = rig.last(Refused)
        assert isinstance(refused, Refused)
        assert refused.code == "model.hash"
        assert refused.cure[1]
        assert not rig.faults

    play(make(tmp_path, sha256="0" * 64), tmp_path, work)


def test_a_disk_that_takes_no_pictures_keeps_nobody_from_looking(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("a file where the folder should be")

    async def work(rig: Rig) -> None:
        rig.attach()
        await rig.until(lambda: rig.last(Looked), lambda: rig.show(230))
        rig.process.keep(Keep("lift-1", "event", time.monotonic(), small=False))
        await rig.until(lambda: rig.last(Kept))
        kept = rig.last(Kept)
        assert isinstance(kept, Kept)
        assert kept.error
        assert not rig.faults

    play(make(tmp_path), tmp_path, work)


def test_a_worker_whose_gateway_is_gone_ends_at_once() -> None:
    worker = [sys.executable, "-m", "courtyard.agent.vision.worker"]
    with subprocess.Popen(worker, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(WAIT_S) == 0
