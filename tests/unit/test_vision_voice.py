"""The voice: one player at a time, ended at once, and a fault where nothing can be heard."""

from __future__ import annotations

import asyncio
import io
import os
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path

from courtyard.agent.vision.voice import Voice, chime
from courtyard.drivers.base import Fault

WAIT_S = 20.0


def play(work: Callable[[Voice, list[Fault | None]], Awaitable[None]], player: str) -> None:
    async def main() -> None:
        faults: list[Fault | None] = []
        voice = Voice(Path("/tmp/e-bike.wav"), "default", faults.append, player=player)
        running = asyncio.create_task(voice.run())
        try:
            async with asyncio.timeout(WAIT_S):
                await work(voice, faults)
        finally:
            running.cancel()
            await asyncio.wait([running])

    asyncio.run(main())


def test_it_speaks_while_it_is_wanted_and_one_player_ends_before_the_next(tmp_path: Path) -> None:
    said, player = tmp_path / "said", tmp_path / "player"
    os.mkfifo(said)
    player.write_text(f'#!/bin/sh\necho "$$ $@" > {said}\nexec sleep 60\n')
    player.chmod(0o755)

    async def work(voice: Voice, faults: list[Fault | None]) -> None:
        voice.want(True)
        first = await asyncio.to_thread(said.read_text)
        assert first.split()[1:] == ["-q", "-D", "default", "/tmp/e-bike.wav"]
        voice.want(False)
        voice.want(True)
        second = await asyncio.to_thread(said.read_text)
        assert second.split()[0] != first.split()[0]
        assert not Path(f"/proc/{first.split()[0]}").exists()
        assert faults == [None]

    play(work, str(player))


def test_a_box_without_a_player_says_so(tmp_path: Path) -> None:
    async def work(voice: Voice, faults: list[Fault | None]) -> None:
        voice.want(True)
        while not faults:
            await asyncio.get_running_loop().run_in_executor(None, os.getpid)
        fault = faults[0]
        assert fault is not None
        assert fault.code == "vision.voice"
        assert "alsa-utils" in fault.cure.en

    play(work, str(tmp_path / "none"))


def test_the_chime_is_a_short_sound() -> None:
    with wave.open(io.BytesIO(chime())) as sound:
        assert (sound.getnchannels(), sound.getsampwidth()) == (1, 2)
        assert 0.5 < sound.getnframes() / sound.getframerate() < 2
        frames = memoryview(sound.readframes(sound.getnframes())).cast("h")
    assert 10_000 < max(frames) < 20_000
