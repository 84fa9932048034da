"""A second look, closer, at what a first one suspects: the part of the picture around it fills the model's input.

What is small in the picture is smaller still where the model looks at it, and a bicycle differs from an e-bike in what
is small.  Pure: detections in, detections out.

Invariants
1. Only the surest e-bike is judged anew.  Its place, and everything else, stays as it was seen first.
2. A second look never makes anything surer.
3. What is hardly there (below LEAST), or clear (above MOST), is not looked at twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from courtyard.agent.vision.regions import Box
from courtyard.agent.vision.tracker import Detection

EBIKE: Final = "ebike"
LEAST, MOST = 0.1, 0.9
MARGIN: Final = 1.3
"""How much wider than the thing the part is."""
SMALLEST: Final = 0.3
"""Of the picture's width: smaller parts have too few pixels."""


def suspect(found: Sequence[Detection]) -> Detection | None:
    """What is worth a second look."""
    surest = max((each for each in found if each.label == EBIKE), key=lambda each: each.score, default=None)
    return surest if surest is not None and LEAST <= surest.score <= MOST else None


def part(picture: npt.NDArray[np.uint8], box: Box, aspect: float) -> npt.NDArray[np.uint8]:
    """A view into the picture around a box, `aspect` times as wide as high, as far as the picture goes."""
    height, width = picture.shape[:2]
    across = max((box.right - box.left) * width, (box.bottom - box.top) * height * aspect) * MARGIN
    across = min(max(across, SMALLEST * width), float(width))
    down = min(across / aspect, float(height))
    left = min(max((box.left + box.right) / 2 * width - across / 2, 0.0), width - across)
    top = min(max((box.top + box.bottom) / 2 * height - down / 2, 0.0), height - down)
    return picture[int(top) : int(top) + max(1, int(down)), int(left) : int(left) + max(1, int(across))]


def judged(found: Sequence[Detection], suspected: Detection, again: Sequence[Detection]) -> tuple[Detection, ...]:
    """What was found, the suspect with the lower score of both looks: a second one can only clear it."""
    second = max((each.score for each in again if each.label == EBIKE), default=0.0)
    changed = suspected._replace(score=min(suspected.score, second))
    return tuple(sorted((changed if each is suspected else each for each in found), key=lambda each: -each.score))
