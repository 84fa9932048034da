"""Single pictures for training: a car, a camera, and whatever may stand, walk or be pushed in it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np

from hw_sim.lift.car import draw_car
from hw_sim.lift.ebikes import draw_ebike, ebike
from hw_sim.lift.mesh import Mesh
from hw_sim.lift.people import draw_person, person
from hw_sim.lift.rolling import MAKERS
from hw_sim.lift.scene import Frame, Placed, Scene
from hw_sim.lift.sensor import draw_sensor
from hw_sim.lift.testset import TEST_CARS, held_out

Geometry = Literal["train", "test"]
KEPT: Final = 24
"""Made things of a class that are used again, in other poses, cars and light."""
PUSHER: Final = "pusher"
"""A person with both hands on something."""
CHILD: Final = "child"
"""The same, with what is low enough for a child: LOW metres."""
LOW: Final = 0.85
GRIP: Final = ((0.38, 0.22, 1.0), (0.38, -0.22, 1.0))
LOW_GRIP: Final = ((0.3, 0.18, 0.62), (0.3, -0.18, 0.62))
SHARES: Final = {
    "ebike": 0.5, "bicycle": 0.22, "pram": 0.12, "wheelchair": 0.12, "suitcase": 0.1, "trolley": 0.08, "dog": 0.08,
    "parcel": 0.08, "cart": 0.05, "robot": 0.04,
}  # fmt: skip


class Studio:
    """Makes stills.  Cars and meshes cost more than pictures, so some of each are kept and slowly replaced."""

    def __init__(
        self, *, geometry: Geometry = "train", width: int = 416, height: int = 234, renew: float = 0.12
    ) -> None:
        self._geometry, self._size, self._renew = geometry, (width, height), renew
        self._scenes: deque[Scene] = deque(maxlen=8)
        self._meshes: dict[str, deque[Mesh]] = {}

    def still(self, rng: np.random.Generator, contents: Sequence[str] | None = None) -> Frame:
        """One picture; `contents` are classes (and "person"), drawn by chance where it is not given."""
        scene = self._scene(rng)
        car = scene.car
        if contents is None:
            contents = [label for label, share in SHARES.items() if rng.random() < share * 0.75]
            contents += ["person"] * int(rng.choice(5, p=(0.2, 0.36, 0.26, 0.12, 0.06)))
        door = float(rng.choice((0.0, 1.0, rng.uniform(0, 1)), p=(0.35, 0.5, 0.15)))
        placed: list[Placed] = []
        for label in contents:
            outside = door > 0.5 and rng.random() < 0.25
            y = rng.uniform(car.depth - 0.4, car.depth + 1.2) if outside else rng.uniform(0.3, car.depth - 0.2)
            middle, half = (sum(car.door) / 2, 0.2) if outside else (car.width / 2, car.width / 2 - 0.3)
            x = middle + rng.uniform(-half, half)
            heading = math.radians(rng.choice((-90, 90)) + rng.normal(0, 22))
            if rng.random() < 0.25:
                heading = rng.uniform(-math.pi, math.pi)
            where = Placed(label, len(placed) + 1, self._mesh(rng, label), x, y, heading)
            placed.append(where)
            if label in ("ebike", "bicycle", "pram", "wheelchair", "trolley") and rng.random() < 0.75:
                placed.append(self._pusher(rng, where, len(placed) + 1))
        lobby = rng.uniform(0.55, 1.2) if rng.random() < 0.75 else rng.uniform(0.05, 0.4)
        return scene.frame(placed, draw_sensor(rng), door=door, lobby=lobby)

    def _scene(self, rng: np.random.Generator) -> Scene:
        if len(self._scenes) < 2 or rng.random() < self._renew:
            car = draw_car(rng) if self._geometry == "train" else TEST_CARS[rng.integers(len(TEST_CARS))]
            self._scenes.append(Scene(car, *self._size))
        return self._scenes[rng.integers(len(self._scenes))]

    def _mesh(self, rng: np.random.Generator, label: str) -> Mesh:
        kept = self._meshes.setdefault(label, deque(maxlen=KEPT))
        if len(kept) < 4 or rng.random() < self._renew:
            kept.append(make(rng, label, self._geometry))
        return kept[rng.integers(len(kept))]

    def _pusher(self, rng: np.random.Generator, thing: Placed, number: int) -> Placed:
        """Somebody beside or behind a thing, near its handlebar; sits on it at times."""
        ahead, aside = rng.uniform(-0.3, 0.3), float(rng.choice((-0.5, 0.5)))
        if thing.label in ("pram", "wheelchair", "trolley"):
            ahead, aside = -0.95, 0.0
        who = CHILD if thing.label == "bicycle" and thing.mesh.points[:, 2].max() < LOW else PUSHER
        if who == CHILD and rng.random() < 0.35:
            ahead, aside = rng.uniform(-0.25, 0.05), rng.uniform(-0.08, 0.08)
        c, s = math.cos(thing.heading), math.sin(thing.heading)
        x, y = thing.x + c * ahead - s * aside, thing.y + s * ahead + c * aside
        return Placed(
            "person", number, self._mesh(rng, who), x, y, thing.heading - math.copysign(0.5, aside) * (aside != 0)
        )


def make(rng: np.random.Generator, label: str, geometry: Geometry = "train") -> Mesh:
    """A mesh of a class, or of a PUSHER.  With `test`, e-bikes, wheelchairs and prams come from the test set."""
    if label in ("person", PUSHER, CHILD):
        who = draw_person(rng, child=label == CHILD or (label == "person" and rng.random() < 0.2))
        steps = {"phase": rng.uniform(0, 6.3), "stride": float(rng.choice((0.0, 1.0))), "lean": rng.uniform(0, 0.3)}
        hands = LOW_GRIP if label == CHILD else GRIP if label == PUSHER or rng.random() < 0.2 else ()
        return person(who, hands=hands, **steps)
    if geometry == "test" and (fixed := held_out(rng, label)) is not None:
        return fixed
    return ebike(draw_ebike(rng), rng.uniform(-0.5, 0.5)) if label == "ebike" else MAKERS[label](rng)


_studios: dict[tuple[str, int, int], Studio] = {}


def still(
    rng: np.random.Generator,
    *,
    geometry: Geometry = "train",
    contents: Sequence[str] | None = None,
    width: int = 416,
    height: int = 234,
) -> Frame:
    """One picture from a studio of this process.  What comes depends on the pictures before; for a picture that can be
    made again, use a `Studio` of its own."""
    key = geometry, width, height
    if key not in _studios:
        _studios[key] = Studio(geometry=geometry, width=width, height=height)
    return _studios[key].still(rng, contents)
