"""Shapes as quadrilaterals: lofts, tubes, wheels, ellipsoids, boxes.

Metres; x forward, y to the left, z up.  Colours are BGR, 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[Any]
"""Of float32."""
Colour: TypeAlias = tuple[float, float, float]

BLACK: Final = (0.05, 0.05, 0.05)
RUBBER: Final = (0.075, 0.07, 0.07)
CHROME: Final = (0.72, 0.71, 0.70)
STEEL: Final = (0.45, 0.45, 0.46)
PLASTIC: Final = (0.13, 0.13, 0.13)


class Mesh(NamedTuple):
    """`points` n x 3; `faces` m x 4 indices, seen from outside anticlockwise; per face: colour, gloss, and whether both
    of its sides show."""

    points: Floats
    faces: NDArray[np.int32]
    colours: Floats
    gloss: Floats
    thin: NDArray[np.bool_]

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Mesh:
        return self._replace(points=self.points + np.array((x, y, z), np.float32))

    def turned(self, turn: Floats, about: ArrayLike = (0.0, 0.0, 0.0)) -> Mesh:
        """Rotated by a 3 x 3 matrix about a point."""
        centre = np.asarray(about, np.float32)
        return self._replace(points=(self.points - centre) @ turn.T + centre)

    def scaled(self, x: float, y: float, z: float) -> Mesh:
        return self._replace(points=self.points * np.array((x, y, z), np.float32))


def turn_z(angle: float) -> Floats:
    """Rotation from x towards y."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array(((c, -s, 0), (s, c, 0), (0, 0, 1)), np.float32)


def turn_y(angle: float) -> Floats:
    """Rotation from z towards x: leans forward."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array(((c, 0, s), (0, 1, 0), (-s, 0, c)), np.float32)


def turn_x(angle: float) -> Floats:
    """Rotation from y towards z: leans to the right."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array(((1, 0, 0), (0, c, -s), (0, s, c)), np.float32)


def join(parts: Iterable[Mesh]) -> Mesh:
    """One mesh of several."""
    listed = list(parts)
    starts = np.cumsum([0] + [len(part.points) for part in listed[:-1]])
    return Mesh(
        np.concatenate([part.points for part in listed]),
        np.concatenate([part.faces + start for part, start in zip(listed, starts, strict=True)]).astype(np.int32),
        np.concatenate([part.colours for part in listed]),
        np.concatenate([part.gloss for part in listed]),
        np.concatenate([part.thin for part in listed]),
    )


@cache
def _sides(rings: int, around: int, closed: bool, caps: bool) -> NDArray[np.int32]:
    """Faces of a loft, and the ring that each begins at in the fifth column."""
    faces: list[tuple[int, ...]] = []
    for ring in range(rings if closed else rings - 1):
        here, there = ring * around, (ring + 1) % rings * around
        for at in range(around):
            after = (at + 1) % around
            faces.append((here + at, here + after, there + after, there + at, ring))
    if caps and not closed:
        for start, order, ring in ((0, -1, 0), ((rings - 1) * around, 1, rings - 2)):
            for at in range(1, around - 1, 2):
                corners = [start, start + at, start + at + 1, start + min(at + 2, around - 1)]
                faces.append((*(corners if order > 0 else corners[::-1]), ring))
    return np.array(faces, np.int32)


def loft(
    rings: ArrayLike,
    colour: Colour | Sequence[Colour],
    gloss: float = 0.1,
    *,
    caps: bool = True,
    closed: bool = False,
    thin: bool = False,
) -> Mesh:
    """A skin over rings of points (rings x around x 3); a colour for all, or one for each step from ring to ring."""
    placed = np.asarray(rings, np.float32)
    count, around = placed.shape[:2]
    sides = _sides(count, around, closed, caps)
    points, faces = placed.reshape(-1, 3), sides[:, :4]
    corners = points[faces]
    if not thin:
        normals = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
        if float(np.sum((corners.mean(1) - points.mean(0)) * normals)) < 0:
            faces = faces[:, ::-1]
    colours = np.asarray(colour, np.float32)
    colours = np.broadcast_to(colours, (len(faces), 3)) if colours.ndim == 1 else colours[sides[:, 4]]
    return Mesh(points, faces, colours, np.full(len(faces), gloss, np.float32), np.full(len(faces), thin))


@cache
def _circle(around: int, phase: float = 0.0) -> Floats:
    angles = (np.arange(around) + phase) * (2 * np.pi / around)
    return np.stack((np.cos(angles), np.sin(angles)), 1).astype(np.float32)


def tube(path: ArrayLike, radius: ArrayLike, colour: Colour, gloss: float = 0.2, *, sides: int = 5) -> Mesh:
    """A round rod along points; `radius` may be given for each of them."""
    points = np.asarray(path, np.float32)
    ways = np.empty_like(points)
    ways[1:-1] = points[2:] - points[:-2]
    ways[0], ways[-1] = points[1] - points[0], points[-1] - points[-2]
    ways /= np.linalg.norm(ways, axis=1, keepdims=True) + 1e-9
    reference = np.zeros(3, np.float32)
    reference[int(np.argmin(np.abs(ways).max(0)))] = 1.0
    across = np.cross(ways, reference)
    across /= np.linalg.norm(across, axis=1, keepdims=True) + 1e-9
    up = np.cross(ways, across)
    radii = np.broadcast_to(np.asarray(radius, np.float32), len(points))[:, None, None]
    circle = _circle(sides)
    rings = points[:, None] + radii * (circle[None, :, :1] * across[:, None] + circle[None, :, 1:] * up[:, None])
    return loft(rings, colour, gloss)


def pair(path: Sequence[Sequence[float]], radius: ArrayLike, colour: Colour, gloss: float = 0.2) -> Mesh:
    """The same rod on the left and on the right."""
    left = tube(path, radius, colour, gloss)
    right = tube([(x, -y, z) for x, y, z in path], radius, colour, gloss)
    return join((left, right))


def box(centre: Sequence[float], size: Sequence[float], colour: Colour, gloss: float = 0.1, taper: float = 1.0) -> Mesh:
    """An upright box; `taper` is how wide its top is beside its bottom."""
    square = np.array(((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)), np.float32)
    rings = [
        [
            (centre[0] + a * size[0] * k, centre[1] + b * size[1] * k, centre[2] + size[2] * (level - 0.5))
            for a, b in square
        ]
        for level, k in ((0, 1.0), (1, taper))
    ]
    return loft(rings, colour, gloss)


def ellipsoid(
    centre: Sequence[float], radii: Sequence[float], colour: Colour, gloss: float = 0.1, *, around: int = 8, up: int = 5
) -> Mesh:
    levels = np.linspace(-1, 1, up + 2)[:, None] * (np.pi / 2) * 0.96
    circle = _circle(around)
    rings = np.empty((up + 2, around, 3), np.float32)
    rings[:, :, 0] = centre[0] + radii[0] * np.cos(levels) * circle[:, 0]
    rings[:, :, 1] = centre[1] + radii[1] * np.cos(levels) * circle[:, 1]
    rings[:, :, 2] = centre[2] + radii[2] * np.sin(levels)
    return loft(rings, colour, gloss)


def torus(
    centre: Sequence[float], radius: float, thick: float, colour: Colour, gloss: float = 0.1, *, around: int = 18
) -> Mesh:
    """A ring that stands in the x-z plane, as a tyre does."""
    outer, inner = _circle(around), _circle(5)
    rings = np.empty((around, 5, 3), np.float32)
    reach = radius + thick * inner[None, :, 0]
    rings[:, :, 0] = centre[0] + outer[:, :1] * reach
    rings[:, :, 1] = centre[1] + thick * inner[None, :, 1]
    rings[:, :, 2] = centre[2] + outer[:, 1:] * reach
    return loft(rings, colour, gloss, closed=True)


def disc(
    centre: Sequence[float], radius: float, width: float, colour: Colour, gloss: float = 0.2, *, around: int = 12
) -> Mesh:
    """A coin that stands in the x-z plane."""
    circle = _circle(around, 0.5) * radius
    rings = np.empty((2, around, 3), np.float32)
    rings[:, :, 0], rings[:, :, 2] = centre[0] + circle[:, 0], centre[2] + circle[:, 1]
    rings[:, :, 1] = centre[1] + np.array(((-width / 2,), (width / 2,)))
    return loft(rings, colour, gloss)


def along(sections: ArrayLike, colour: Colour | Sequence[Colour], gloss: float = 0.15, **options: Any) -> Mesh:
    """A body along x: sections of (x, lowest z, highest z, half width), rounded."""
    table = np.asarray(sections, np.float32)
    return loft(_rounded(table, (0, 1, 2)), colour, gloss, **options)


def upward(sections: ArrayLike, colour: Colour | Sequence[Colour], gloss: float = 0.15, **options: Any) -> Mesh:
    """A body along z: sections of (z, rear x, front x, half width), rounded."""
    table = np.asarray(sections, np.float32)
    return loft(_rounded(table, (2, 1, 0)), colour, gloss, **options)


def _rounded(table: Floats, axes: tuple[int, int, int]) -> Floats:
    circle = _circle(10, 0.5)
    soft = np.sign(circle) * np.abs(circle) ** 0.62
    rings = np.empty((len(table), len(circle), 3), np.float32)
    rings[:, :, axes[0]] = table[:, :1]
    rings[:, :, axes[2]] = (table[:, 1:2] + table[:, 2:3]) / 2 + (table[:, 2:3] - table[:, 1:2]) / 2 * soft[:, 0]
    rings[:, :, axes[1]] = table[:, 3:4] * soft[:, 1]
    return rings


def sheet(corners: ArrayLike, colour: Colour, gloss: float = 0.1, *, cuts: tuple[int, int] = (1, 1)) -> Mesh:
    """A flat quadrilateral that shows both sides, cut into pieces so that a lens can bend it."""
    a, b, c, d = np.asarray(corners, np.float32)
    u = np.linspace(0, 1, cuts[0] + 1)[None, :, None]
    v = np.linspace(0, 1, cuts[1] + 1)[:, None, None]
    grid = (a * (1 - u) + b * u) * (1 - v) + (d * (1 - u) + c * u) * v
    rows, columns = np.mgrid[0 : cuts[1], 0 : cuts[0]]
    first = (rows * (cuts[0] + 1) + columns).ravel()
    faces = np.stack((first, first + 1, first + cuts[0] + 2, first + cuts[0] + 1), 1).astype(np.int32)
    count = len(faces)
    colours = np.tile(np.asarray(colour, np.float32), (count, 1))
    return Mesh(
        grid.reshape(-1, 3).astype(np.float32), faces, colours, np.full(count, gloss, np.float32), np.ones(count, bool)
    )
