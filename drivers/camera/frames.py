"""The newest picture of a camera, handed from one process to another through a file in memory.

Invariants
1. Bounded: three places for pictures of at most MOST_PIXELS; the newest overwrites the oldest.
2. A reader gets a whole picture or none, never one that is being overwritten; it never makes the writer wait.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import NamedTuple

LARGEST, MOST_PIXELS = 1920 * 1088, 640 * 480
"""Pixels of a picture that is decoded at most, and of one that is handed on."""
PLACES = 3
_NUMBER = struct.Struct("<Q")
_HEAD = struct.Struct("<QdIIfff4x")
"""Number, seconds of the monotonic clock, width, height, share that moves, seconds of delay, seconds of decoding."""
_PLACE = _HEAD.size + MOST_PIXELS * 3
SIZE = _NUMBER.size + PLACES * _PLACE


class Frame(NamedTuple):
    """A picture: `pixels` is height x width x RGB; `at_s` is when it arrived, by this machine's monotonic clock.

    `late_s` is by how much it came later than the quickest ones do, `decode_s` how long its decoding took.
    """

    number: int
    at_s: float
    width: int
    height: int
    moving: float
    pixels: bytes
    late_s: float = 0.0
    decode_s: float = 0.0


class Glance(NamedTuple):
    """The newest picture without its pixels."""

    number: int
    at_s: float
    moving: float


class FrameBoard:
    """One camera's pictures.  One process writes, any number read."""

    def __init__(self, path: Path) -> None:
        """Makes the file when it is not there.  Raises OSError."""
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.truncate(SIZE)
            self._map = mmap.mmap(file.fileno(), SIZE)
        self._next: int = _NUMBER.unpack_from(self._map)[0] + 1

    def put(
        self,
        pixels: bytes,
        width: int,
        height: int,
        at_s: float,
        moving: float,
        *,
        late_s: float = 0.0,
        decode_s: float = 0.0,
    ) -> int:
        """Its number.  Raises ValueError for a picture that is too large."""
        if width * height > MOST_PIXELS or len(pixels) != width * height * 3:
            raise ValueError(f"a picture of {width}x{height} in {len(pixels)} bytes")
        number, self._next = self._next, self._next + 1
        at = self._place(number)
        _NUMBER.pack_into(self._map, at, 0)  # a reader that is here now sees that its copy is no good
        self._map[at + _HEAD.size : at + _HEAD.size + len(pixels)] = pixels
        _HEAD.pack_into(self._map, at, number, at_s, width, height, moving, late_s, decode_s)
        _NUMBER.pack_into(self._map, 0, number)
        return number

    def glance(self) -> Glance | None:
        """What the newest picture is, cheaply; None while there is none."""
        number = _NUMBER.unpack_from(self._map)[0]
        if number == 0:
            return None
        head = _HEAD.unpack_from(self._map, self._place(number))
        return Glance(number, head[1], head[4]) if head[0] == number else None

    def newest(self, after: int = 0) -> Frame | None:
        """The newest picture, if it is newer than number `after`."""
        number = _NUMBER.unpack_from(self._map)[0]
        if number <= after:
            return None
        at = self._place(number)
        head = _HEAD.unpack_from(self._map, at)
        _, at_s, width, height, moving, late_s, decode_s = head
        if width * height > MOST_PIXELS:
            return None
        pixels = self._map[at + _HEAD.size : at + _HEAD.size + width * height * 3]
        return (
            Frame(number, at_s, width, height, moving, pixels, late_s, decode_s)
            if _HEAD.unpack_from(self._map, at)[0] == number
            else None
        )

    def close(self) -> None:
        self._map.close()

    @staticmethod
    def _place(number: int) -> int:
        return _NUMBER.size + number % PLACES * _PLACE
