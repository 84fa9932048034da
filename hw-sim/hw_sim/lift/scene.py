"""Draws things in a lift car, and tells the truth about each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hw_sim.lift.car import NUMBER, Backdrop, Car, backdrop, blend, lens, lights, lobby_lights, panels
from hw_sim.lift.lens import NEAREST_M, Lens
from hw_sim.lift.mesh import Floats, Mesh, turn_z
from hw_sim.lift.raster import FINER, Faces, Layer, draw, faces, silhouette
from hw_sim.lift.sensor import Sensor

LEAST_PIXELS: Final = 6
CELL_M: Final = 0.05


class Truth(NamedTuple):
    """One thing of a frame.  `box` is left, top, right, bottom of its visible pixels; `visible` is which share of it is
    neither hidden nor outside of the picture; `inside` is its middle in the car; `over_sill` any of it in the car."""

    label: str
    box: tuple[float, float, float, float]
    inside: bool
    over_sill: bool
    visible: float
    thing: int


class Frame(NamedTuple):
    """`bgr` is uint8, height x width x 3; `door` is 0 (shut) to 1 (open); `seconds` since the beginning."""

    bgr: NDArray[np.uint8]
    truth: tuple[Truth, ...]
    door: float
    seconds: float


class Placed(NamedTuple):
    """A thing where it stands: metres, `heading` from x towards y."""

    label: str
    thing: int
    mesh: Mesh
    x: float
    y: float
    heading: float

    def world(self) -> Mesh:
        return self.mesh.turned(turn_z(self.heading)).moved(self.x, self.y)


class Scene:
    """One car through one camera, at one size."""

    def __init__(self, car: Car, width: int = 640, height: int = 360) -> None:
        self.car = car
        self.lens: Lens = lens(car, width, height)
        self._back: Backdrop = backdrop(car, self.lens)
        self._lights, self._lobby_lights = lights(car), lobby_lights(car)
        shape = height * FINER, width * FINER, 4
        self._layers: tuple[Layer, Layer] = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
        self._doorway = (self._back.doorway > 0).astype(np.uint8)
        self._doorway_fine = self._back.doorway_fine.astype(np.uint8) * 255

    def frame(
        self, things: Sequence[Placed], sensor: Sensor, *, door: float = 1.0, lobby: float = 1.0, seconds: float = 0.0
    ) -> Frame:
        """`lobby` is how bright the lobby is, 0 to 1."""
        outer, inner = self._layers
        outer.fill(0)
        inner.fill(0)
        drawn = faces([(number, each.world()) for number, each in enumerate(things, 1)]) if things else None
        if drawn is not None:
            beyond = drawn.centres[:, 1] > self.car.depth + 0.02
            if door > 0.02:
                draw(outer, drawn.where(beyond), self._lobby_lights.dimmed(lobby), self.lens)
            draw(inner, drawn.where(~beyond), self._lights, self.lens)
        shown = panels(self.car, door)
        if shown is not None:
            draw(outer, faces([(NUMBER, shown)]), self._lights, self.lens)
        picture = self._compose(lobby, drawn)
        truth = () if drawn is None else tuple(self._truth(things, drawn))
        return Frame(sensor.expose(picture, seconds), truth, door, seconds)

    def _compose(self, lobby: float, drawn: Faces | None) -> Floats:
        outer, inner = self._layers
        room = self._back.car if drawn is None else cv2.multiply(self._back.car, self._shadow(drawn))
        outside = blend(cv2.convertScaleAbs(self._back.lobby, alpha=lobby).astype(np.float32), outer)
        x, y, w, h = cv2.boundingRect(self._doorway)
        part = np.s_[y : y + h, x : x + w]
        room = room.copy()
        room[part] += (outside[part] - room[part]) * self._back.doorway[part][..., None]
        return blend(room, inner)

    def _shadow(self, drawn: Faces) -> Floats:
        """How much light reaches the floor beneath things: a soft map, looked up for each pixel of the floor."""
        centres = drawn.centres
        low = centres[centres[:, 2] < 1.2]
        columns, rows = (low[:, :2] / CELL_M).astype(np.int32).T
        wide, deep = int(self.car.width / CELL_M) + 2, int(self.car.depth / CELL_M) + 2
        kept = (columns >= 0) & (columns < wide) & (rows >= 0) & (rows < deep)
        weights = 1.25 - low[kept, 2]
        counted = np.bincount(rows[kept] * wide + columns[kept], weights, wide * deep).reshape(deep, wide)
        dark = cv2.GaussianBlur(np.minimum(counted, 2.5).astype(np.float32), (0, 0), 1.7)
        at = np.nan_to_num(self._back.floor / CELL_M, nan=-9.0)
        found = cv2.remap(dark, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderValue=0)
        lit = 1 - 0.62 * np.minimum(found, 1)
        return np.asarray(cv2.merge((lit, lit, lit)), np.float32)

    def _truth(self, things: Sequence[Placed], drawn: Faces) -> Iterator[Truth]:
        outer, inner = self._layers
        numbers = cv2.bitwise_and(cv2.extractChannel(outer, 3), self._doorway_fine)
        near = cv2.extractChannel(inner, 3)
        cv2.copyTo(near, near, numbers)
        size = np.array((self.lens.width, self.lens.height))
        for number, each in enumerate(things, 1):
            own = drawn.where(drawn.numbers == number)
            places, depth = self.lens.project(own.corners.reshape(-1, 3))
            ahead = places[depth > NEAREST_M]
            if not len(ahead):
                continue
            left, top = np.clip(np.floor(ahead.min(0)) - 1, 0, size).astype(int).tolist()
            right, bottom = np.clip(np.ceil(ahead.max(0)) + 1, 0, size).astype(int).tolist()
            part = numbers[top * FINER : bottom * FINER, left * FINER : right * FINER]
            mask = (part == number).astype(np.uint8)
            pixels = cv2.countNonZero(mask) if mask.size else 0
            if pixels < LEAST_PIXELS * FINER**2:
                continue
            x, y, w, h = (value / FINER for value in cv2.boundingRect(mask))
            alone = cv2.countNonZero(silhouette(own, self.lens)) * FINER**2
            within = ((places >= 0) & (places < size)).all(1) & (depth > NEAREST_M)
            visible = min(1.0, pixels / max(alone, 1)) * float(within.mean())
            box = (left + x, top + y, left + x + w, top + y + h)
            over = bool(own.corners[..., 1].min() < self.car.depth)
            yield Truth(each.label, box, each.y < self.car.depth, over, visible, each.thing)
