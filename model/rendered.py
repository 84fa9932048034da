"""Pictures drawn by the simulated lift, of geometry that tests never use: every thing in them has its box."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np

from hw_sim.lift import Frame, still
from model.network import CLASSES
from model.pictures import UNKNOWN, Shown

ANY, CHOSEN = 2500, 1200
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
SAME: Final = {"suitcase": "luggage", "trolley": "luggage", "parcel": "luggage", "cart": "luggage"}
LEAST_VISIBLE: Final = 0.15
EBIKE_SHARE: Final = 1.2
SHARES: Final = {"bicycle": 2.5, "pram": 2.0, "wheelchair": 2.0, "ebike": 1.0}
"""How often a still is shown, by the first of these that is in it; with an e-bike EBIKE_SHARE times that."""
REST: Final = 0.4


class Drawn:
    """Stills, kept as compressed pictures; `shown(n)` is the n-th of `len()`, `chances` how often each is shown."""

    def __init__(self) -> None:
        any_rng, chosen_rng = np.random.default_rng(1), np.random.default_rng(2)
        self._kept = [_keep(still(any_rng)) for _ in range(ANY)]
        self._kept += [_keep(still(chosen_rng, contents=CONTENTS[n % len(CONTENTS)])) for n in range(CHOSEN)]

        weights = np.array([_share(present) for _, _, present in self._kept])
        self.chances = weights / weights.sum()

    def __len__(self) -> int:
        return len(self._kept)

    def shown(self, number: int) -> Shown:
        content, boxes, present = self._kept[number]
        return Shown(cv2.imdecode(content, cv2.IMREAD_COLOR), "rendered", "rendered", boxes, present, whole=True)


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
