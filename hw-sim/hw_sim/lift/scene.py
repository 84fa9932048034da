"""Draws things in a lift car, and tells the truth about each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hw_sim.lift.car import NUMBER, Backdrop, Car, backdrop, blend, lens, lights, lobby_lights, panels
from hw_sim.lift.lens import Lens
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

    def frame(
        self, things: Sequence[Placed], sensor: Sensor, *, door: float = 1.0, lobby: float = 1.0, seconds: float = 0.0
    ) -> Frame:
        """`lobby` is how bright the lobby is, 0 to 1."""
        shape = self.lens.height * FINER, self.lens.width * FINER, 4
        outer: Layer = np.zeros(shape, np.uint8)
        inner: Layer = np.zeros(shape, np.uint8)
        drawn = faces([(number, each.world()) for number, each in enumerate(things, 1)]) if things else None
        if drawn is not None:
            beyond = drawn.corners[..., 1].mean(1) > self.car.depth + 0.02
            if door > 0.02:
                draw(outer, drawn.where(beyond), self._lobby_lights, self.lens)
            draw(inner, drawn.where(~beyond), self._lights, self.lens)
        shown = panels(self.car, door)
        outside = self._back.lobby
        if lobby < 0.999:
            outside = outside * lobby
            outer[..., :3] = cv2.convertScaleAbs(outer[..., :3], alpha=lobby)
        if shown is not None:
            draw(outer, faces([(NUMBER, shown)]), self._lights, self.lens)
        picture = self._compose(outside, outer, inner, drawn)
        numbers = np.where(inner[..., 3] > 0, inner[..., 3], outer[..., 3] * self._back.doorway_fine)
        truth = tuple(self._truth(things, numbers, drawn)) if drawn is not None else ()
        return Frame(sensor.expose(picture, seconds), truth, door, seconds)

    def _compose(self, outside: Floats, outer: Layer, inner: Layer, drawn: Faces | None) -> Floats:
        doorway = self._back.doorway[..., None]
        room = self._back.car
        if drawn is not None:
            room = room * self._shadow(drawn)[..., None]
        behind = blend(outside, outer)
        return blend(room + (behind - room) * doorway, inner)

    def _shadow(self, drawn: Faces) -> Floats:
        """How much light reaches the floor beneath things: a soft map, looked up for each pixel of the floor."""
        centres = drawn.corners.mean(1)
        low = centres[centres[:, 2] < 1.2]
        columns, rows = (low[:, :2] / CELL_M).astype(np.int32).T
        wide, deep = int(self.car.width / CELL_M) + 2, int(self.car.depth / CELL_M) + 2
        kept = (columns >= 0) & (columns < wide) & (rows >= 0) & (rows < deep)
        weights = 1.25 - low[kept, 2]
        counted = np.bincount(rows[kept] * wide + columns[kept], weights, wide * deep).reshape(deep, wide)
        dark = cv2.GaussianBlur(np.minimum(counted, 2.5).astype(np.float32), (0, 0), 1.7)
        at = np.nan_to_num(self._back.floor / CELL_M, nan=-9.0)
        found = cv2.remap(dark, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderValue=0)
        return np.asarray(1 - 0.62 * np.minimum(found, 1), np.float32)

    def _truth(self, things: Sequence[Placed], numbers: NDArray[np.uint8], drawn: Faces) -> list[Truth]:
        told = []
        for number, each in enumerate(things, 1):
            mask = (numbers == number).view(np.uint8)
            pixels = int(cv2.countNonZero(mask))
            if pixels < LEAST_PIXELS * FINER**2:
                continue
            x, y, w, h = (value / FINER for value in cv2.boundingRect(mask))
            own = drawn.where(drawn.numbers == number)
            alone = cv2.countNonZero(silhouette(own, self.lens)) * FINER**2
            places, depth = self.lens.project(own.corners[:, 0])
            within = (places >= 0).all(1) & (places < (self.lens.width, self.lens.height)).all(1) & (depth > 0)
            visible = min(1.0, pixels / max(alone, 1)) * float(within.mean())
            reach = own.corners[..., 1]
            box = (x, y, x + w, y + h)
            told.append(
                Truth(each.label, box, each.y < self.car.depth, bool(reach.min() < self.car.depth), visible, each.thing)
            )
        return told
