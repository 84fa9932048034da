"""The voice: one player at a time, ended at once, and a fault where nothing can be heard."""

from __future__ import annotations

import asyncio
import io
import os
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from courtyard.agent.vision.voice import LONGEST_S, RATE, SPEECH, Voice, chime, speech
from courtyard.drivers.base import Fault

WAIT_S = 20.0


Faults = asyncio.Queue[Fault | None]


def play(work: Callable[[Voice, Faults], Awaitable[None]], player: str) -> None:
    async def main() -> None:
        faults: Faults = asyncio.Queue()
        voice = Voice(Path("/tmp/e-bike.wav"), "default", faults.put_nowait, player=player)
        running = asyncio.create_task(voice.run())
        try:
            async with asyncio.timeout(WAIT_S):
                await work(voice, faults)
        finally:
            running.cancel()
            await asyncio.wait([running])

    asyncio.run(main())


@asynccontextmanager
async def lines_of(fifo: Path) -> AsyncIterator[asyncio.StreamReader]:
    """What anyone writes into the named pipe; open for writing too, so that it never ends."""
    reader = asyncio.StreamReader()
    pipe = os.fdopen(os.open(fifo, os.O_RDWR | os.O_NONBLOCK), "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        yield reader
    finally:
        transport.close()


def test_it_speaks_while_it_is_wanted_and_one_player_ends_before_the_next(tmp_path: Path) -> None:
    said, player = tmp_path / "said", tmp_path / "player"
    os.mkfifo(said)
    player.write_text(f'#!/bin/sh\necho "$$ $@" > {said}\nexec sleep 60\n')
    player.chmod(0o755)

    async def work(voice: Voice, faults: Faults) -> None:
        async with lines_of(said) as lines:
            voice.want(True)
            first = (await lines.readline()).decode().split()
            assert first[1:] == ["-q", "-D", "default", "/tmp/e-bike.wav"]
            voice.want(False)
            assert await faults.get() is None
            assert not Path(f"/proc/{first[0]}").exists()
            voice.want(True)
            second = (await lines.readline()).decode().split()
            assert second[0] != first[0]
            assert faults.empty()

    play(work, str(player))


def test_a_box_without_a_player_says_so(tmp_path: Path) -> None:
    async def work(voice: Voice, faults: Faults) -> None:
        voice.want(True)
        fault = await faults.get()
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


def test_the_words_are_loud_and_not_clipped_and_begin_and_end_at_once() -> None:
    assert SPEECH.stat().st_size <= 200_000
    with wave.open(str(SPEECH)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, RATE)
        assert 3 < sound.getnframes() / RATE < 8
        frames = memoryview(sound.readframes(sound.getnframes())).cast("h")
    assert 20_000 < max(map(abs, frames)) < 32_000
    assert max(map(abs, frames[: RATE // 5])) > 500
    assert max(map(abs, frames[-RATE // 5 :])) > 500


def test_the_chime_comes_before_the_words_and_both_are_over_in_time() -> None:
    tones = chime()
    with (
        wave.open(io.BytesIO(speech())) as sound,
        wave.open(io.BytesIO(tones)) as alone,
        wave.open(str(SPEECH)) as words,
    ):
        assert sound.getframerate() == RATE
        assert sound.readframes(alone.getnframes()) == alone.readframes(alone.getnframes())
        sound.setpos(sound.getnframes() - words.getnframes())
        assert sound.readframes(words.getnframes()) == words.readframes(words.getnframes())
        assert sound.getnframes() / RATE < LONGEST_S / 2
