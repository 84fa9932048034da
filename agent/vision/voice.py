"""What the box says through its own loudspeaker while an e-bike is in a lift: a WAV file, by `aplay`, again and again.

Invariants
1. One player at a time, which lasts LONGEST_S at most and is ended when nothing is to be said any more.
2. No shell: the program, its device and the file are arguments.
"""

from __future__ import annotations

import asyncio
import io
import math
import struct
import wave
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from courtyard.drivers.base import Fault, Text

SPEECH: Final = Path(__file__).with_name("sounds") / "ebike.zh.wav"
"""电动自行车禁止进入电梯，请退出。 (No e-bikes in the lift, please leave.)  RATE, one channel, 16 bits."""
PLAYER: Final = "aplay"
LONGEST_S: Final = 20.0
PAUSE_S: Final = 1.0
RATE: Final = 16_000
TONES: Final = ((880.0, 0.35), (660.0, 0.45))
"""Hertz and seconds."""
LOUDNESS: Final = 0.5
FADE_S: Final = 0.02
GAP_S: Final = 0.3
"""Between the chime and the words."""


class Voice:
    """Used from the event loop only; has an effect while `run` is running."""

    def __init__(self, wav: Path, device: str, failed: Callable[[Fault | None], None], *, player: str = PLAYER) -> None:
        """`failed` hears why nothing can be heard, and None when it can."""
        self._command = (player, "-q", "-D", device, str(wav))
        self._failed = failed
        self._wanted = asyncio.Event()
        self._unwanted = asyncio.Event()
        self._unwanted.set()

    def want(self, wanted: bool) -> None:
        """Speaks from now on, or no longer."""
        if wanted:
            self._unwanted.clear()
            self._wanted.set()
        else:
            self._wanted.clear()
            self._unwanted.set()

    async def run(self) -> None:
        """Until cancelled; then it is silent."""
        while True:
            await self._wanted.wait()
            self._failed(await self._say())
            try:
                async with asyncio.timeout(PAUSE_S):
                    await self._unwanted.wait()
            except TimeoutError:
                continue

    async def _say(self) -> Fault | None:
        """Plays once, or until nothing is wanted any more; why it could not be heard."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
            )
        except OSError as error:
            return _fault(error.strerror or type(error).__name__)
        ending, unwanted = asyncio.create_task(process.communicate()), asyncio.create_task(self._unwanted.wait())
        try:
            await asyncio.wait((ending, unwanted), timeout=LONGEST_S, return_when=asyncio.FIRST_COMPLETED)
            if ending.done() and process.returncode:
                return _fault(ending.result()[1].decode("utf-8", "replace").strip()[:200])
            return None
        finally:
            unwanted.cancel()
            if process.returncode is None:
                process.kill()
            await asyncio.wait((ending,))


def chime() -> bytes:
    """Two falling tones, as a WAV file."""
    samples: list[int] = []
    for hertz, seconds in TONES:
        count, fade = round(seconds * RATE), round(FADE_S * RATE)
        for number in range(count):
            loud = LOUDNESS * min(1.0, number / fade, (count - number) / fade)
            samples.append(round(32767 * loud * math.sin(2 * math.pi * hertz * number / RATE)))
    return _wav(struct.pack(f"<{len(samples)}h", *samples))


def speech() -> bytes:
    """The chime, then the words, as a WAV file.  Blocks for a read."""
    with wave.open(io.BytesIO(chime())) as tones, wave.open(str(SPEECH)) as words:
        pause = bytes(2 * round(GAP_S * RATE))
        return _wav(tones.readframes(tones.getnframes()) + pause + words.readframes(words.getnframes()))


SOUNDS: Final[Mapping[str, Callable[[], bytes]]] = {"chime": chime, "speech": speech}
"""What the product brings, by the name that a site gives it."""


def _wav(frames: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(frames)
    return file.getvalue()


def _fault(reason: str) -> Fault:
    return Fault(
        "vision.voice",
        Text(f"The voice of the lift watch cannot be heard: {reason}.", f"电梯语音提示无法播放：{reason}。"),
        Text(
            "Install alsa-utils, put the service into the group audio, and check `sound_device` with `aplay -L`.",
            "请安装 alsa-utils，把服务加入 audio 组，并用 aplay -L 核对 sound_device 设置。",
        ),
    )
