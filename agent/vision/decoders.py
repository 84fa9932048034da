"""What the outputs of common detectors mean: boxes, scores and classes.  Pure: arrays in, detections out.

Invariants
1. Every score and every coordinate is between 0 and 1; rows with a number that is none are left out.
2. Of two boxes of one class that overlap more than `overlap`, only the surer one stays.
3. At most MOST detections, the surest first.
4. Classes do not shut each other out: an e-bike is seen where a person beside it is seen more surely.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from courtyard.agent.vision.regions import Box
from courtyard.agent.vision.regions import overlap as overlap_of
from courtyard.agent.vision.tracker import Detection

Array: TypeAlias = npt.NDArray[np.float32]
Layout = Literal["yolov5", "yolov8", "yolox"]
MOST: Final = 100
CANDIDATES: Final = 1000
STRIDES: Final = (8, 16, 32)
LARGEST_EXPONENT: Final = 20.0


class LayoutError(Exception):
    """An output has not the shape that its layout says."""


class Fit(NamedTuple):
    """How a picture was put into the model's input: scaled by (x, y), then moved; in pixels of the input.

    `width` and `height` are those of the input, `shown` of the part that the picture takes.
    """

    width: int
    height: int
    left: float
    top: float
    shown: tuple[float, float]


def _yolov8(output: Array, fit: Fit) -> tuple[Array, Array]:
    """(4 + classes, rows): centre, size, one score a class."""
    rows = output.T
    return rows[:, :4], rows[:, 4:]


def _yolov5(output: Array, fit: Fit) -> tuple[Array, Array]:
    """(rows, 5 + classes): centre, size, objectness, one score a class."""
    return output[:, :4], output[:, 5:] * output[:, 4:5]


def _yolox(output: Array, fit: Fit) -> tuple[Array, Array]:
    """As YOLOv5, but centre and size are told in cells of grids of three strides, the size as a logarithm."""
    cells, strides = [], []
    for stride in STRIDES:
        across, down = fit.width // stride, fit.height // stride
        y, x = np.divmod(np.arange(across * down, dtype=np.float32), np.float32(max(across, 1)))
        cells.append(np.stack((x, y), 1))
        strides.append(np.full((across * down, 1), stride, np.float32))
    grid, stride_of = np.concatenate(cells), np.concatenate(strides)
    if len(grid) != len(output):
        raise LayoutError(f"{len(output)} rows, an input of {fit.width}x{fit.height} gives {len(grid)}")
    size = np.exp(np.minimum(output[:, 2:4], LARGEST_EXPONENT))
    boxes = np.concatenate(((output[:, :2] + grid) * stride_of, size * stride_of), 1)
    return boxes.astype(np.float32), output[:, 5:] * output[:, 4:5]


LAYOUTS: Final[Mapping[Layout, tuple[Callable[[Array, Fit], tuple[Array, Array]], int]]] = {
    "yolov5": (_yolov5, 5),
    "yolov8": (_yolov8, 4),
    "yolox": (_yolox, 5),
}
"""Layout to its reader, and the numbers before the classes."""


def decode(
    layout: Layout, output: npt.NDArray[Any], fit: Fit, classes: Mapping[int, str], least: float, overlap: float
) -> tuple[Detection, ...]:
    """The detections of one picture, in shares of that picture.

    `output` is 1 x rows x columns (YOLOv8: 1 x columns x rows); `classes` maps the model's class numbers to ours,
    others are not looked at; `least` is the lowest score kept.  Raises LayoutError.
    """
    read, head = LAYOUTS[layout]
    if output.ndim != 3 or output.shape[0] != 1:
        raise LayoutError(f"an output of shape {output.shape}")
    columns = output.shape[1] if layout == "yolov8" else output.shape[2]
    if columns <= head + max(classes, default=0):
        raise LayoutError(f"{columns - head} classes, the manifest names class {max(classes, default=0)}")
    with np.errstate(all="ignore"):  # numbers that are none are dropped below
        boxes, scores = read(output[0].astype(np.float32), fit)
        numbers = sorted(classes)
        wanted = scores[:, numbers]
    if not len(wanted) or not numbers:
        return ()
    good = np.isfinite(boxes).all(axis=1, keepdims=True) & np.isfinite(wanted) & (wanted >= least)
    rows, classed = np.nonzero(good)
    score = wanted[rows, classed]
    order = np.argsort(-score, kind="stable")[:CANDIDATES]
    kept: list[Detection] = []
    for number in order:
        box = share(boxes[rows[number]], fit)
        label = classes[numbers[int(classed[number])]]
        if box.area > 0 and all(other.label != label or overlap_of(other.box, box) <= overlap for other in kept):
            kept.append(Detection(label, float(min(max(score[number], 0.0), 1.0)), box))
            if len(kept) == MOST:
                break
    return tuple(kept)


def extremes(layout: Layout, output: npt.NDArray[Any], fit: Fit) -> tuple[float, float]:
    """The least and the greatest score of any class in an output that `decode` takes."""
    scores = LAYOUTS[layout][0](output[0].astype(np.float32), fit)[1]
    return (float(scores.min()), float(scores.max())) if scores.size else (0.0, 0.0)


def share(box: Array, fit: Fit) -> Box:
    """Centre and size, in pixels of the input, as a box in shares of the picture."""
    x, y, width, height = (float(value) for value in box)
    across, down = fit.shown
    sides = (
        (x - width / 2 - fit.left) / across,
        (y - height / 2 - fit.top) / down,
        (x + width / 2 - fit.left) / across,
        (y + height / 2 - fit.top) / down,
    )
    return Box(*(min(max(side, 0.0), 1.0) for side in sides))
