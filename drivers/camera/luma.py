"""The brightness of a decoded picture, made small, straight from the decoder's own plane.

Each point is the mean of four places of the picture, spread evenly; 16 to 235 are stretched to 0 to 255 where a video
has that range.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from courtyard.drivers.camera.picture import HEIGHT, WIDTH, Grey

FULL_RANGE: Final = frozenset({"yuvj420p", "yuvj422p", "yuvj444p", "gray"})
LUMA_FIRST: Final = FULL_RANGE | {"yuv420p", "yuv422p", "yuv444p", "nv12"}
"""Formats whose first plane is brightness, one byte each."""
BLACK, WHITE = 16, 235
TAPS: Final = 2
"""Places of a point across, and down."""


def grey(frame: VideoFrame) -> Grey:
    """HEIGHT x WIDTH of what it shows."""
    name = frame.format.name
    if name not in LUMA_FIRST:
        return np.asarray(frame.reformat(width=WIDTH, height=HEIGHT, format="gray").to_ndarray(), np.uint8)
    plane: Any = frame.planes[0]  # PyAV does not say that it is a buffer
    luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
    is_full = name in FULL_RANGE or frame.color_range == ColorRange.JPEG
    return small(luma, is_full=is_full)


def small(luma: NDArray[np.uint8], *, is_full: bool) -> Grey:
    """HEIGHT x WIDTH of a plane of brightness."""
    height, width = luma.shape
    taps = luma[_places(height, TAPS * HEIGHT)]
    step, rest = divmod(width, TAPS * WIDTH)
    taps = taps[:, step // 2 :: step] if not rest else taps.take(_places(width, TAPS * WIDTH), 1)
    sums = np.add(taps[::2, ::2], taps[::2, 1::2], dtype=np.uint16)
    sums += taps[1::2, ::2]
    sums += taps[1::2, 1::2]
    return _levels(is_full=is_full).take(sums)


@lru_cache(16)
def _places(size: int, count: int) -> NDArray[np.intp]:
    return ((np.arange(count) + 0.5) * size / count).astype(np.intp)


@lru_cache(2)
def _levels(*, is_full: bool) -> NDArray[np.uint8]:
    """The level of each sum of a point's places."""
    mean = np.arange(TAPS * TAPS * 255 + 1) / (TAPS * TAPS)
    if not is_full:
        mean = (mean - BLACK) * 255 / (WHITE - BLACK)
    return np.clip(np.rint(mean), 0, 255).astype(np.uint8)
