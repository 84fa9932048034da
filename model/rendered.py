"""Pictures drawn by the simulated lift, of geometry that tests never use: every thing in them has its box."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import cv2
import numpy as np

from hw_sim.lift import Frame, render_at, still, traffic
from model.network import CLASSES
from model.pictures import UNKNOWN, Shown

ANY, CHOSEN = 5000, 3700
CONTENTS: Final = (
    ("bicycle", "person"),
    ("bicycle",),
    ("pram", "person"),
    ("wheelchair", "person"),
    ("ebike", "person"),
    ("ebike", "person", "person"),
    ("bicycle", "person", "person"),
)
"""What the chosen stills show, one after the other: what resembles an e-bike more often than a day brings it."""
DAYS, FIRST_DAY, VISITS = 110, 5000, 10
"""Days of visits, from which pictures are taken while things come in and stand; nobody stages these."""
EBIKES: Final = 0.45
"""Share of the visits."""
BEFORE_S, AFTER_S, LATER_S = 0.6, 1.5, 8.0
"""Around the way in of a thing, and how long it stands."""
COMING, STANDING, PERSONS = 6, 2, 2
"""Pictures of a thing on its way in, and of it standing; of a person alone on the way in."""
SAME: Final = {"suitcase": "luggage", "trolley": "luggage", "parcel": "luggage", "cart": "luggage"}
WIDTH, HEIGHT = 416, 234
LEAST_VISIBLE: Final = 0.15
EBIKE_SHARE: Final = 1.2
SHARES: Final = {"bicycle": 2.5, "pram": 2.0, "wheelchair": 2.0, "ebike": 1.0}
"""How often a still is shown, by the first of these that is in it; with an e-bike EBIKE_SHARE times that."""
REST: Final = 0.4


class Drawn:
    """Kept as compressed pictures; `shown(n)` is the n-th of `len()`, `chances` how often each is shown."""

    def __init__(self) -> None:
        any_rng, chosen_rng = np.random.default_rng(1), np.random.default_rng(2)
        self._kept = [_keep(still(any_rng)) for _ in range(ANY)]
        self._kept += [_keep(still(chosen_rng, contents=CONTENTS[n % len(CONTENTS)])) for n in range(CHOSEN)]
        self._kept += [_keep(frame) for day in range(DAYS) for frame in _of_day(FIRST_DAY + day)]
        weights = np.array([_share(present) for _, _, present in self._kept])
        self.chances = weights / weights.sum()

    def __len__(self) -> int:
        return len(self._kept)

    def shown(self, number: int) -> Shown:
        content, boxes, present = self._kept[number]
        return Shown(cv2.imdecode(content, cv2.IMREAD_COLOR), "rendered", "rendered", boxes, present, whole=True)


def _of_day(seed: int) -> Iterator[Frame]:
    script = traffic(seed, visits=VISITS, ebikes=EBIKES, gap_s=(1, 2))
    rng = np.random.default_rng(seed)
    came = {each.thing: each.seconds for each in script.events if each.kind == "over-sill"}
    times: list[float] = []
    for each in script.events:
        if each.kind == "inside":
            coming, standing = (PERSONS, 0) if each.label == "person" else (COMING, STANDING)
            times += rng.uniform(came[each.thing] - BEFORE_S, each.seconds + AFTER_S, coming).tolist()
            times += rng.uniform(each.seconds, each.seconds + LATER_S, standing).tolist()
    yield from render_at(script, sorted(times), width=WIDTH, height=HEIGHT)


def _share(present: np.ndarray) -> float:
    there = {name for name, seen in zip(CLASSES, present, strict=True) if seen == 1}
    share = next((share for name, share in SHARES.items() if name in there), REST)
    return share * (EBIKE_SHARE if "ebike" in there else 1)


def _keep(frame: Frame) -> tuple[Any, list[tuple[int, float, float, float, float]], np.ndarray]:
    present = np.zeros(len(CLASSES), np.int64)
    boxes = []
    for truth in frame.truth:
        name = SAME.get(truth.label, truth.label)
        kind = CLASSES.index(name if name in CLASSES else "other")
        if truth.visible > LEAST_VISIBLE:
            boxes.append((kind, *truth.box))
            present[kind] = 1
        elif not present[kind]:
            present[kind] = UNKNOWN
    return cv2.imencode(".jpg", frame.bgr, [cv2.IMWRITE_JPEG_QUALITY, 92])[1], boxes, present
