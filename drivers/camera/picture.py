"""What a picture shows of its own health, and whether anything moves.

Pure functions and small states on grey planes: numpy arrays of uint8, HEIGHT x WIDTH.  Times are seconds of one
monotonic clock.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Grey: TypeAlias = NDArray[np.uint8]
Trouble: TypeAlias = Literal["frozen", "black", "covered"]

WIDTH, HEIGHT = 160, 90
BLACK_MEAN, BLACK_BRIGHT = 24.0, 48.0
"""A black picture's mean, and what 99 of 100 points stay below; video black is 16."""
BLOCK, COVERED_DETAIL = 5, 1.2
"""Side of a block in points, so that the noise of the sensor averages out; mean step between neighbouring blocks of a
picture in front of which something is."""
STEP = 20
"""A point has moved when it differs so much from what was there."""
MOVING_SHARE = 0.004
"""Share of points that makes a motion: a person far away in a lift car is ten times as much."""
LEARNING = 0.05
LIGHT_STEP = 3
"""The change of the light as a whole is taken from every third point across and down: 1,590 tell it as well as all."""
FROZEN_S, DARK_S = 30.0, 5.0
"""So long a picture must be the same, or show nothing, before that is a condition."""


def is_black(grey: Grey) -> bool:
    """Whether there is no light at all."""
    return bool(grey.mean() < BLACK_MEAN and np.percentile(grey, 99) < BLACK_BRIGHT)


def is_covered(grey: Grey) -> bool:
    """Whether something is in front of the lens: brightness without any detail."""
    return not is_black(grey) and detail(grey) < COVERED_DETAIL


def detail(grey: Grey) -> float:
    """Mean step between neighbouring blocks, in grey levels."""
    rows, columns = (size // BLOCK for size in grey.shape)
    cut = grey[: rows * BLOCK, : columns * BLOCK].astype(np.float32)
    plane = cut.reshape(rows, BLOCK, columns, BLOCK).mean(axis=(1, 3))
    return float((np.abs(np.diff(plane, axis=0)).mean() + np.abs(np.diff(plane, axis=1)).mean()) / 2)


class MotionGate:
    """Compares each picture with a background that follows slowly; a change of the light as a whole is no motion."""

    def __init__(self) -> None:
        self._background: NDArray[np.float32] | None = None

    def share(self, grey: Grey) -> float:
        """Share of points that differ from the background, 0 for the first picture and for another size."""
        plane = grey.astype(np.float32)
        background = self._background
        if background is None or background.shape != plane.shape:
            self._background = plane
            return 0.0
        difference = plane - background
        background += LEARNING * difference
        difference -= np.median(difference[::LIGHT_STEP, ::LIGHT_STEP])
        return float(np.count_nonzero(np.abs(difference) > STEP) / difference.size)


class Health:
    """Whether one camera's picture is frozen, black or covered."""

    def __init__(self) -> None:
        self._last: Grey | None = None
        self._changed_s = 0.0
        self._dark_since_s: float | None = None
        self._dark: Trouble | None = None

    def look(self, grey: Grey, now_s: float) -> Trouble | None:
        """What is wrong with the picture now, if it has been so for long enough."""
        if self._last is None or not np.array_equal(self._last, grey):
            self._last, self._changed_s = grey, now_s
        dark: Trouble | None = "black" if is_black(grey) else "covered" if is_covered(grey) else None
        if dark != self._dark:
            self._dark, self._dark_since_s = dark, now_s
        if dark is not None and self._dark_since_s is not None and now_s - self._dark_since_s >= DARK_S:
            return dark
        return "frozen" if now_s - self._changed_s >= FROZEN_S else None


class Age:
    """How old pictures are when they arrive, by comparing the camera's stamps with our clock.

    The quickest way seen so far is taken as no delay at all; it is forgotten slowly, because no two clocks agree.
    """

    FORGET = 0.001
    """Seconds a second; ten times the drift of a bad clock."""

    def __init__(self) -> None:
        self._best_s: float | None = None
        self._looked_s = 0.0

    def of(self, stamp_s: float, now_s: float) -> float:
        """Age of a picture with the camera's stamp `stamp_s`, in seconds."""
        offset_s = now_s - stamp_s
        if self._best_s is not None:
            self._best_s += (now_s - self._looked_s) * self.FORGET
        self._looked_s = now_s
        if self._best_s is None or offset_s < self._best_s:
            self._best_s = offset_s
        return offset_s - self._best_s
