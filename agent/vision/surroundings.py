"""What a detector saw of a cell and around it: the numbers that a lift's own head learns from.  Pure.

A detector's `features` are 1 x channels x rows, one column for each row of its first output; the rows are the cells of
an even grid over its input, line by line.  A cell is described by its own channels and by the greatest of each channel
within REACH cells around it.
"""

from __future__ import annotations

import math
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float32]
REACH: Final = 2


class NoGrid(Exception):
    """Rows that are no even grid over the input."""


def grid(width: int, height: int, rows: int) -> tuple[int, int]:
    """How many cells there are down and across.  Raises NoGrid."""
    across = round(math.sqrt(rows * width / height)) if rows else 0
    if across < 1 or rows % across or (rows // across) * width != across * height:
        raise NoGrid(f"{rows} rows are no grid over {width} x {height}")
    return rows // across, across


def described(features: npt.NDArray[Any], width: int, height: int) -> Array:
    """Rows x twice the channels.  Raises NoGrid."""
    if features.ndim != 3 or features.shape[0] != 1:
        raise NoGrid(f"features of shape {features.shape}")
    channels, rows = features.shape[1:]
    down, across = grid(width, height, rows)
    cells = features[0].astype(np.float32, copy=False).reshape(channels, down, across)
    return np.concatenate((cells, _greatest(_greatest(cells, 1), 2))).reshape(2 * channels, rows).T


def _greatest(cells: Array, axis: int) -> Array:
    """Of each cell and those within REACH along an axis."""
    found = cells.copy()
    into, out_of = np.moveaxis(found, axis, 0), np.moveaxis(cells, axis, 0)
    for step in range(1, min(REACH, len(into) - 1) + 1):
        np.maximum(into[step:], out_of[:-step], out=into[step:])
        np.maximum(into[:-step], out_of[step:], out=into[:-step])
    return found
