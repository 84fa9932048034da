"""Pictures as a camera encodes them: H.264 or H.265 with a key frame every GROUP pictures, or MPEG-4 part 2.

The encoder is whatever the installed FFmpeg has: for H.264 OpenH264 (BSD) where it is built in, else x264.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple, TypeAlias

import av
import numpy as np
from av.codec.codec import codecs_available
from numpy.typing import NDArray

RATE = 25
"""Pictures a second."""
GROUP = 50
"""Pictures from one key frame to the next, as real cameras have."""
ENCODERS = {"h264": ("libopenh264", "libx264"), "hevc": ("libkvazaar", "libx265")}
"""Encoders of a codec, the preferred one first; of any other, the one that has its name."""

Picture: TypeAlias = NDArray[np.uint8]
"""height x width x RGB."""
Source: TypeAlias = Callable[[float], Picture]
"""The picture at so many seconds."""


class Unit(NamedTuple):
    """One encoded picture, as an Annex B byte stream where it is H.264 or H.265."""

    data: bytes
    key: bool


class Encoder:
    """Encodes pictures of one size, one after the other, without delay."""

    def __init__(self, width: int, height: int, *, codec: str = "h264", group: int = GROUP) -> None:
        name = next(name for name in ENCODERS.get(codec, (codec,)) if name in codecs_available)
        self._context = context = av.CodecContext.create(name, "w")
        assert isinstance(context, av.VideoCodecContext)
        self._video = context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.framerate, context.time_base = Fraction(RATE), Fraction(1, RATE)
        context.gop_size, context.max_b_frames, context.bit_rate = group, 0, 512_000
        if name == "libx264":
            context.options = {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1", "sc_threshold": "0"}
        if name == "libx265":
            quiet = f"keyint={group}:min-keyint={group}:scenecut=0:repeat-headers=1:pools=1:log-level=none"
            context.options = {"preset": "ultrafast", "tune": "zerolatency", "x265-params": quiet}
        context.thread_count = 1
        self._count = 0

    def encode(self, picture: Picture) -> Unit:
        """The next picture."""
        frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(
            width=self._video.width, height=self._video.height, format="yuv420p"
        )
        frame.pts, self._count = self._count, self._count + 1
        packets = list(self._video.encode(frame))
        return Unit(b"".join(bytes(packet) for packet in packets), any(packet.is_keyframe for packet in packets))


class Film:
    """The first seconds of a source, whole groups of pictures, to be repeated for ever; each is encoded once, when it
    is asked for.  From any thread."""

    def __init__(self, source: Source, width: int, height: int, *, seconds: float = 4.0, codec: str = "h264") -> None:
        self.length = max(1, round(seconds * RATE / GROUP)) * GROUP
        self._source, self._encoder = source, Encoder(width, height, codec=codec)
        self._units: list[Unit] = []
        self._lock = threading.Lock()

    def has(self, number: int) -> bool:
        """Whether picture `number` needs no work."""
        return number % self.length < len(self._units)

    def unit(self, number: int) -> Unit:
        with self._lock:
            while not self.has(number):
                self._units.append(self._encoder.encode(self._source(len(self._units) / RATE)))
            return self._units[number % self.length]


def moving_pattern(seconds: float, width: int = 640, height: int = 360) -> Picture:
    """A textured room with a block that walks through it."""
    rows, columns = np.mgrid[0:height, 0:width]
    room = (90 + 40 * ((rows // 24 + columns // 24) % 2) + columns * 60 // width).astype(np.uint8)
    picture = np.repeat(room[:, :, None], 3, axis=2)
    left = round(seconds * 80) % (width - 80)
    picture[height // 3 : height // 3 + 120, left : left + 80] = (200, 60, 40)
    return picture


def from_file(path: str, width: int, height: int) -> Source:
    """The pictures of a video file, repeated at its end."""

    def pictures() -> Iterator[Picture]:
        while True:
            with av.open(path) as container:
                for frame in container.decode(video=0):
                    plain = frame.reformat(width=width, height=height, format="rgb24").to_ndarray()
                    yield np.asarray(plain, np.uint8)

    endless = pictures()
    return lambda seconds: next(endless)
