"""What a lift's own head makes of a detector's output.  Pure: arrays in, arrays out.

The head judges cells that the detector takes for an e-bike at least by chance (LEAST), and only lowers their scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from courtyard.agent.vision.decoders import Fit, share
from courtyard.agent.vision.lessons import SURE
from courtyard.agent.vision.logistic import sigmoid
from courtyard.agent.vision.own_head import Head
from courtyard.agent.vision.regions import Region

EBIKE: Final = "ebike"
LAYOUT: Final = "yolov8"
"""The only layout whose scores stand in columns of their own."""
BOX_NUMBERS: Final = 4
LEAST: Final = 0.05
CANDIDATES: Final = 16


class Columns(NamedTuple):
    """Where in the output the scores of e-bikes stand."""

    ebike: tuple[int, ...]


def columns(classes: Mapping[str, str]) -> Columns:
    """`classes` as in a manifest."""
    told = {BOX_NUMBERS + int(number): label for number, label in classes.items()}
    return Columns(tuple(column for column, label in told.items() if label == EBIKE))


def judged(output: npt.NDArray[Any], wanted: Columns, rows: npt.NDArray[np.float32], head: Head) -> npt.NDArray[Any]:
    """A copy of an output, 1 x numbers x rows, with the scores of e-bikes that the head leaves."""
    changed = output.copy()
    for column in wanted.ebike:
        scores = changed[0, column]
        chosen = np.flatnonzero(scores >= LEAST)
        if chosen.size:
            inside = np.clip(scores[chosen].astype(np.float64), SURE, 1 - SURE)
            change = np.minimum(corrections(rows[chosen], head.weights, head.bias), 0.0)
            scores[chosen] = np.minimum(scores[chosen], sigmoid(np.log(inside / (1 - inside)) + change))
    return changed


def corrections(rows: npt.NDArray[Any], weights: npt.ArrayLike, bias: float) -> npt.NDArray[np.float64]:
    """By how much a head would move the logit of each row."""
    return np.asarray(rows.astype(np.float64) @ np.asarray(weights, np.float64) + bias)


def surest(output: npt.NDArray[Any], wanted: Columns, fit: Fit, region: Region) -> tuple[int, float] | None:
    """The row of the surest e-bike that stands where things count, of the CANDIDATES surest, and its score.

    What else stands in that row does not matter, as in `decoders`: who pushes an e-bike is often seen more surely.
    """
    scores = output[0, list(wanted.ebike)].max(0)
    for row in np.argsort(-scores)[:CANDIDATES]:
        box = output[0, :BOX_NUMBERS, row].astype(np.float32)
        if np.isfinite(box).all() and np.isfinite(scores[row]) and region.where(share(box, fit)) != "outside":
            return int(row), float(scores[row])
    return None
