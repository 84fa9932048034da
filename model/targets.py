"""What the network should say of a view, cell by cell, and how much each cell counts."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from model.network import CLASSES, HEIGHT, STRIDE, WIDTH
from model.pictures import Box

DOWN, ACROSS = HEIGHT // STRIDE, WIDTH // STRIDE
CORE: Final = 0.28
"""The part of a box, of its width and height to each side of its middle, whose cells should say what is there."""
PSEUDO: Final = 0.3
"""What the rest of a picture counts for a class whose boxes another detector gave."""


class View(NamedTuple):
    """A picture as the network gets it; `present` and `whole` as in `pictures.Shown`."""

    picture: Any
    boxes: list[Box]
    present: Any
    whole: bool


class Targets(NamedTuple):
    """By view: `wanted` and `weight` by class and cell, `sides` in cells, `counts` how much a cell's box counts."""

    wanted: Any
    weight: Any
    sides: Any
    counts: Any


def targets(views: list[View]) -> Targets:
    shape = len(views), len(CLASSES), DOWN, ACROSS
    made = Targets(
        np.zeros(shape, np.float32),
        np.ones(shape, np.float32),
        np.zeros((shape[0], 4, DOWN, ACROSS), np.float32),
        np.zeros((shape[0], DOWN, ACROSS), np.float32),
    )
    y, x = (np.mgrid[0:DOWN, 0:ACROSS] + 0.5) * STRIDE
    for index, view in enumerate(views):
        _weigh(made.weight[index], view)
        for kind, left, top, right, bottom in sorted(view.boxes, key=_area, reverse=True):
            wanted, weight = made.wanted[index, kind], made.weight[index, kind]
            if not view.whole and kind:
                np.maximum(weight, PSEUDO, out=weight)
            inside = (x > left) & (x < right) & (y > top) & (y < bottom)
            near_x = abs(x - (left + right) / 2) < max((right - left) * CORE, STRIDE * 0.6)
            core = near_x & (abs(y - (top + bottom) / 2) < max((bottom - top) * CORE, STRIDE * 0.6))
            weight[inside] = wanted[inside] > 0
            wanted[core] = weight[core] = 1
            sides = np.stack([x - left, y - top, right - x, bottom - y], -1)[core] / STRIDE
            made.sides[index][:, core] = sides.T
            made.counts[index][core] = 1 if kind else 2
    return made


def _weigh(weight: Any, view: View) -> None:
    """Cells count for a class when it is known where it is, or that it is nowhere."""
    if not view.whole:
        weight[1:] = 0
    boxed = {kind for kind, *_ in view.boxes}
    for kind, present in enumerate(view.present):
        if present == 0:
            weight[kind] = 1
        elif present < 0 or (not view.whole and kind == 0 and kind not in boxed):
            weight[kind] = 0


def _area(box: Box) -> float:
    return (box[3] - box[1]) * (box[4] - box[2])
