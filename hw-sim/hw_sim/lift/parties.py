"""Who comes into the car and how: a person alone, or one with a thing that is pushed; where each is at any time."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from hw_sim.lift.car import Car
from hw_sim.lift.mesh import Mesh
from hw_sim.lift.people import draw_person, person
from hw_sim.lift.scene import Placed
from hw_sim.lift.stills import GRIP, LOW, LOW_GRIP, Geometry, make

STEPS: Final = 8
"""Poses of one walking pace."""
PACE_M: Final = 1.3
BESIDE: Final = frozenset({"ebike", "bicycle", "suitcase"})
PUSHED: Final = frozenset({"ebike", "bicycle", "pram", "wheelchair", "suitcase", "trolley", "cart"})
FAR_M: Final = 1.75


class Stop(NamedTuple):
    """Where something is at a time; `heading` in radians from x towards y."""

    seconds: float
    x: float
    y: float
    heading: float


class Party:
    """A person, or a thing with somebody who pushes it; `number` is the thing's, `number + 1` the person's."""

    def __init__(self, label: str, number: int, seed: int, geometry: Geometry) -> None:
        rng = np.random.default_rng(seed)
        self.label, self.number, self.stops = label, number, list[Stop]()
        self.until = math.inf
        """When it is no longer there."""
        self.speed = rng.uniform(0.45, 0.85) if label in PUSHED else rng.uniform(0.7, 1.2)
        self._mesh = None if label == "person" else make(rng, label, geometry)
        self._is_low = self._mesh is not None and label == "bicycle" and self._mesh.points[:, 2].max() < LOW
        self._who = draw_person(rng, child=self._is_low or (label == "person" and rng.random() < 0.15))
        self._ahead, self._aside = (-0.1, float(rng.choice((-0.42, 0.42)))) if label in BESIDE else (-0.85, 0.0)
        self._poses: dict[int, Mesh] = {}
        self._still = rng.uniform(0.0, 0.12)

    def reach(self, heading: float) -> float:
        """How far from its middle its end on the car's side is; `heading` is towards the car or away from it."""
        if self._mesh is None:
            return 0.25
        ends = self._mesh.points[:, 0]
        return float(ends.max() if heading < 0 else -ends.min())

    def go(self, start: float, *places: tuple[float, float, float]) -> float:
        """Goes to places (x, y, heading) at its pace, from `start`; returns when it is there."""
        if self.stops:
            self.stops.append(self.stops[-1]._replace(seconds=start))
        for place in places:
            way = math.dist(self.stops[-1][1:3], place[:2]) / self.speed if self.stops else 0.0
            start += max(way, 0.4) if self.stops else 0.0
            self.stops.append(Stop(start, *place))
        return start

    def at(self, seconds: float) -> Stop | None:
        """Where its middle is; nothing before its first stop and from `until` on."""
        after = bisect_right(self.stops, seconds, key=lambda stop: stop.seconds)
        if after == 0 or seconds >= self.until:
            return None
        if after == len(self.stops):
            return self.stops[-1]
        one, two = self.stops[after - 1], self.stops[after]
        share = (seconds - one.seconds) / max(two.seconds - one.seconds, 1e-6)
        eased = share * share * (3 - 2 * share) if one.heading != two.heading else share
        x, y, heading = (a + (b - a) * eased for a, b in zip(one[1:], two[1:], strict=True))
        return Stop(seconds, x, y, heading)

    def placed(self, seconds: float) -> Iterator[Placed]:
        """Its things in the world."""
        here = self.at(seconds)
        if here is None:
            return
        _, x, y, heading = here
        if self._mesh is None:
            yield Placed("person", self.number, self._walking(seconds), x, y, heading)
            return
        yield Placed(self.label, self.number, self._mesh, x, y, heading)
        if self.label in PUSHED or self.label == "dog":
            c, s = math.cos(heading), math.sin(heading)
            px, py = x + c * self._ahead - s * self._aside, y + s * self._ahead + c * self._aside
            turn = -math.copysign(0.45, self._aside) if self._aside else 0.0
            yield Placed("person", self.number + 1, self._walking(seconds), px, py, heading + turn)

    def _walking(self, seconds: float) -> Mesh:
        here, before = self.at(seconds), self.at(seconds - 0.1)
        moves = here is not None and before is not None and math.dist(here[1:3], before[1:3]) > 0.01
        step = int(seconds * self.speed / PACE_M * STEPS) % STEPS if moves else -1
        if step not in self._poses:
            hands = () if self.label not in PUSHED else LOW_GRIP if self._is_low else GRIP
            phase = 2 * math.pi * step / STEPS
            self._poses[step] = person(self._who, phase=phase, stride=float(moves), hands=hands, lean=self._still)
        return self._poses[step]


def entering(party: Party, car: Car, start: float, spot: float, *, rear_first: bool = False) -> tuple[float, float]:
    """Comes in from the lobby to a place; returns when it is there, and when its first end crosses the sill."""
    middle, heading = sum(car.door) / 2, math.pi / 2 if rear_first else -math.pi / 2
    first = car.depth + FAR_M
    length = party.reach(heading) + party.reach(-heading)
    slant = math.acos(min(1.0, (car.depth - 0.1) / length)) * (1 if spot > car.width / 2 else -1)
    deep = max(party.reach(heading) * math.cos(slant) + 0.06, min(car.depth * 0.45, car.depth - 0.4))
    inward = (middle, car.depth - 0.1, heading)
    there = party.go(start, (middle, first, heading), inward, (spot, deep, heading + slant))
    return there, start + (FAR_M - party.reach(heading)) / party.speed


def leaving(party: Party, car: Car, start: float) -> float:
    """Goes out as it stands; returns when all of it is out."""
    middle, heading = sum(car.door) / 2, party.stops[-1].heading
    if party.label not in BESIDE:
        heading = math.pi / 2
    near = (middle, car.depth - 0.1, heading)
    gone = party.go(start, near, (middle, car.depth + FAR_M + 0.4, heading))
    return gone - (FAR_M + 0.4 - party.reach(heading)) / party.speed
