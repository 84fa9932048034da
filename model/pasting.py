"""E-bikes and bicycles cut out of photographs and put into pictures of lifts, streets and rooms that have none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np

from model.network import CLASSES
from model.pictures import EBIKE, UNKNOWN, Shown

BICYCLE: Final = CLASSES.index("bicycle")
LEAST_PX: Final = 40
BICYCLES: Final = ("shaojun-liftcrop", "shamin-bicycle", "shamin-bicycle-video")
"""Collections whose bicycles fill their pictures: these are cut out whole."""
HOSTS: Final = ("etoiles-video-neg", "coco128-neg", "lexra-person")
"""Beside all pictures of lifts."""
SIZE: Final = (0.35, 0.75)
"""Of the largest that fits."""


class Pasted:
    """`shown(rng)` is a picture into which something was put."""

    def __init__(self, pictures: Sequence[Shown]) -> None:
        ebikes = [(0, cut) for each in pictures if each.label == "ebike" for cut in _cuts(each)]
        bicycles = [(BICYCLE, each.picture) for each in pictures if each.label == "bicycle" and each.group in BICYCLES]
        self._kinds = [kind for kind in (ebikes, bicycles) if kind]
        without = [each for each in pictures if each.label not in (*EBIKE, "bicycle", "pram")]
        self._hosts = [each for each in without if "lift" in each.group or each.group in HOSTS]

    def shown(self, rng: np.random.Generator) -> Shown:
        picture = self._hosts[rng.integers(len(self._hosts))].picture.copy()
        cuts = self._kinds[rng.integers(len(self._kinds))]
        kind, cut = cuts[rng.integers(len(cuts))]
        height, width = picture.shape[:2]
        scale = rng.uniform(*SIZE) * min(height / cut.shape[0], width / cut.shape[1])
        cut = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        high, wide = cut.shape[:2]
        left, top = int(rng.integers(0, width - wide + 1)), int((height - high) * rng.uniform(0.4, 1))
        y, x = np.mgrid[0:high, 0:wide]
        share = np.clip((1.05 - (x / wide * 2 - 1) ** 4 - (y / high * 2 - 1) ** 4) * 3, 0, 1)[..., None]
        under = picture[top : top + high, left : left + wide]
        picture[top : top + high, left : left + wide] = (cut * share + under * (1 - share)).astype(np.uint8)
        present = np.full(len(CLASSES), UNKNOWN)
        present[0], present[kind] = 0, 1
        return Shown(picture, "pasted", "pasted", [(kind, left, top, left + wide, top + high)], present)


def _cuts(shown: Shown) -> list[Any]:
    cuts = []
    for kind, left, top, right, bottom in shown.boxes:
        cut = shown.picture[max(0, int(top)) : int(bottom), max(0, int(left)) : int(right)]
        if kind == 0 and min(cut.shape[:2]) > LEAST_PX:
            cuts.append(cut)
    return cuts
