"""Where persons are in pictures without such boxes: what the untrained network, with Darknet's own decoders, says."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from torch.nn import functional

from model.network import CLASSES
from model.pictures import Shown
from model.tiny import Tiny

SIDE: Final = 416
LEAST: Final = 0.5
OVERLAP: Final = 0.5
ANCHORS: Final = (
    (32, ((81, 82), (135, 169), (344, 319))),
    (16, ((23, 27), (37, 58), (81, 82))),
)
"""Darknet's, in pixels, of the coarse and of the fine map, with the size of their cells."""
COLUMNS: Final = 85
PERSON: Final = CLASSES.index("person")


class Persons:
    """Adds boxes of persons to pictures.  Raises ValueError for weights of another hash."""

    def __init__(self, weights: Path) -> None:
        self._network = Tiny(weights).eval()

    def mark(self, shown: Shown) -> Shown:
        height, width = shown.picture.shape[:2]
        ratio = SIDE / max(height, width)
        canvas = np.full((SIDE, SIDE, 3), 114, np.uint8)
        scaled = cv2.resize(shown.picture, (max(1, round(width * ratio)), max(1, round(height * ratio))))
        canvas[: scaled.shape[0], : scaled.shape[1]] = scaled
        picture = torch.from_numpy(canvas[..., ::-1].astype(np.float32) / 255).permute(2, 0, 1)[None]
        with torch.no_grad():
            maps = self._network(picture)
            rows = [
                _rows(functional.conv2d(seen, *decoder)[0], *anchors)
                for seen, decoder, anchors in zip(maps, self._network.decoders, ANCHORS, strict=True)
            ]
        boxes = _apart(np.concatenate(rows))[:, 1:] / ratio
        people = [(PERSON, float(left), float(top), float(right), float(bottom)) for left, top, right, bottom in boxes]
        return shown._replace(boxes=[*shown.boxes, *people])


def _rows(output: torch.Tensor, cell: int, anchors: tuple[tuple[int, int], ...]) -> Any:
    """Score, left, top, right, bottom of what is surely a person (class 0 of COCO)."""
    values = output.reshape(len(anchors), COLUMNS, *output.shape[1:]).numpy()
    sure = 1 / (1 + np.exp(-values[:, 4:6]))
    middle = 1 / (1 + np.exp(-values[:, :2])) + np.mgrid[0 : output.shape[1], 0 : output.shape[2]][::-1]
    half = np.exp(values[:, 2:4]) * np.array(anchors, np.float32)[:, :, None, None] / 2
    score = sure[:, 0] * sure[:, 1]
    boxes = np.concatenate([score[:, None], middle * cell - half, middle * cell + half], 1)
    return boxes.transpose(0, 2, 3, 1)[score > LEAST]


def _apart(rows: Any) -> Any:
    """The surest of boxes that overlap."""
    kept: list[Any] = []
    for row in rows[np.argsort(-rows[:, 0])]:
        if all(_overlap(row[1:], other[1:]) <= OVERLAP for other in kept):
            kept.append(row)
    return np.array(kept, np.float32).reshape(-1, 5)


def _overlap(one: Any, other: Any) -> float:
    inner = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = inner.clip(0).prod()
    return float(shared / ((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod() - shared))
