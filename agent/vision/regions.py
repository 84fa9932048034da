"""Boxes and polygons of a picture, in shares of its width and height: (0, 0) top left, (1, 1) bottom right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

Polygon = Sequence[tuple[float, float]]
Where = Literal["car", "door", "outside"]
LEAST_CORNERS: Final = 3


class Box(NamedTuple):
    """Left, top, right, bottom."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """Share of the picture; nothing for a box that is turned inside out."""
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)

    @property
    def foot(self) -> tuple[float, float]:
        """Where the thing stands: the middle of the lower edge."""
        return (self.left + self.right) / 2, self.bottom


def overlap(one: Box, other: Box) -> float:
    """Intersection over union, 0 to 1."""
    inner = Box(
        max(one.left, other.left), max(one.top, other.top), min(one.right, other.right), min(one.bottom, other.bottom)
    )
    if inner.area <= 0.0:
        return 0.0
    return min(1.0, inner.area / (one.area + other.area - inner.area))


def contains(polygon: Polygon, point: tuple[float, float]) -> bool:
    """Whether the point is inside (even-odd rule)."""
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            inside = not inside
    return inside


class Region(NamedTuple):
    """Where of a camera's picture things count: the floor of the car, and the strip of the door in front of it."""

    floor: Polygon
    door: Polygon = ()

    def where(self, box: Box) -> Where:
        """Where a thing stands, by its foot.  Without a floor drawn, everything is in the car."""
        if len(self.floor) < LEAST_CORNERS or contains(self.floor, box.foot):
            return "car"
        return "door" if len(self.door) >= LEAST_CORNERS and contains(self.door, box.foot) else "outside"
