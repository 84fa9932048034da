"""Polygons drawn on a picture, for whoever sets a lift's regions up."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import av
import numpy as np

from courtyard.agent.vision.model import Picture
from courtyard.agent.vision.regions import Polygon

THICK: Final = 3
FLOOR_COLOUR, DOOR_COLOUR = (0, 220, 60), (255, 160, 0)
Colour = tuple[int, int, int]


def drawn(picture: Picture, polygons: Sequence[tuple[Polygon, Colour]]) -> Picture:
    """A copy with the outlines."""
    copy = picture.copy()
    height, width = copy.shape[:2]
    for polygon, colour in polygons:
        for (x1, y1), (x2, y2) in zip(polygon, (*polygon[1:], *polygon[:1]), strict=True):
            steps = 2 * max(width, height)
            across = np.linspace(x1 * (width - 1), x2 * (width - 1), steps).round().astype(int)
            down = np.linspace(y1 * (height - 1), y2 * (height - 1), steps).round().astype(int)
            for dx in range(-(THICK // 2), THICK // 2 + 1):
                for dy in range(-(THICK // 2), THICK // 2 + 1):
                    copy[np.clip(down + dy, 0, height - 1), np.clip(across + dx, 0, width - 1)] = colour
    return copy


def png(picture: Picture) -> bytes:
    """A picture (height x width x RGB) as PNG."""
    context = av.CodecContext.create("png", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.height, context.width = picture.shape[:2]
    context.pix_fmt, context.time_base = "rgb24", Fraction(1)
    frame = av.VideoFrame.from_ndarray(picture, "rgb24")
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


def toml(name: str, polygon: Polygon) -> str:
    """A region as the site file has it."""
    return f"{name} = [{', '.join(f'[{x:g}, {y:g}]' for x, y in polygon)}]"
