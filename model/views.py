"""Many views of a picture: zoomed, turned, tilted, mirrored, in another light, through a worse camera."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import cv2
import numpy as np

from model.network import HEIGHT, WIDTH
from model.pictures import Box, Shown

GREY: Final = 114
SMALLEST_PX: Final = 5
SIZE: Final = np.array([WIDTH, HEIGHT])


class Way(NamedTuple):
    """How far views differ: degrees of turning (two deviations), zoom, share of stretching, of tilt, of shifting."""

    turn: float
    zoom: tuple[float, float]
    stretch: float
    tilt: float
    shift: float


REAL: Final = Way(22, (0.8, 1.6), 0.2, 0.12, 0.25)
RENDERED: Final = Way(12, (0.9, 1.4), 0.12, 0.06, 0.3)


def fit(picture: Any) -> Any:
    """The picture as the detector is given it: scaled to fit, the rest grey."""
    height, width = picture.shape[:2]
    ratio = min(WIDTH / width, HEIGHT / height)
    across, down = max(1, round(width * ratio)), max(1, round(height * ratio))
    left, top = (WIDTH - across) // 2, (HEIGHT - down) // 2
    canvas = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
    how = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
    canvas[top : top + down, left : left + across] = cv2.resize(picture, (across, down), interpolation=how)
    return canvas


def vary(shown: Shown, rng: np.random.Generator, way: Way) -> tuple[Any, list[Box]]:
    """A view, and the boxes that are at least half inside."""
    matrix, scale = _matrix(shown, rng, way)
    border = cv2.BORDER_CONSTANT if rng.random() < 0.7 else cv2.BORDER_REPLICATE
    how = cv2.INTER_LINEAR if scale > 0.7 else cv2.INTER_AREA
    seen = cv2.warpPerspective(
        shown.picture, matrix, (WIDTH, HEIGHT), flags=how, borderMode=border, borderValue=(GREY, GREY, GREY)
    )
    return _light(seen, rng), _moved(shown.boxes, matrix)


def _matrix(shown: Shown, rng: np.random.Generator, way: Way) -> tuple[Any, float]:
    height, width = shown.picture.shape[:2]
    scale = float(min(SIZE / (width, height)) * np.exp(rng.uniform(*np.log(way.zoom))))
    wide, angle = scale * np.exp(rng.uniform(-way.stretch, way.stretch)), np.deg2rad(rng.normal(0, way.turn / 2))
    mirror = -1 if rng.random() < 0.5 else 1
    sine, cosine = np.sin(angle), np.cos(angle)
    turn = np.array([[mirror * wide * cosine, -scale * sine], [mirror * wide * sine, scale * cosine]])
    middle, target = np.array([width / 2, height / 2]), SIZE / 2 + rng.uniform(-0.1, 0.1, 2) * SIZE
    if shown.boxes and rng.random() < 0.8:
        _, x0, y0, x1, y1 = shown.boxes[rng.integers(len(shown.boxes))]
        middle, target = np.array([x0 + x1, y0 + y1]) / 2, SIZE / 2 + rng.uniform(-way.shift, way.shift, 2) * SIZE
    tilt = np.eye(3)
    tilt[2, :2] = rng.normal(0, way.tilt, 2) / SIZE
    tilt[2, 2] = 1 - tilt[2, :2] @ SIZE / 2
    return tilt @ np.vstack([np.hstack([turn, (target - turn @ middle)[:, None]]), [0, 0, 1]]), scale


def _moved(boxes: Sequence[Box], matrix: Any) -> list[Box]:
    moved: list[Box] = []
    for kind, x0, y0, x1, y1 in boxes:
        corners = np.array([[x0, y0, 1], [x1, y0, 1], [x0, y1, 1], [x1, y1, 1]]) @ matrix.T
        corners = corners[:, :2] / corners[:, 2:]
        low, high = corners.min(0), corners.max(0)
        inner = np.minimum(high, SIZE) - np.maximum(low, 0)
        if (inner > SMALLEST_PX).all() and inner.prod() > 0.5 * (high - low).prod():
            (left, top), (right, bottom) = np.maximum(low, 0), np.minimum(high, SIZE)
            moved.append((kind, left, top, right, bottom))
    return moved


def _light(picture: Any, rng: np.random.Generator) -> Any:
    seen = 255 * (picture.astype(np.float32) / 255) ** np.exp(rng.uniform(-0.6, 0.6))
    seen = seen * rng.uniform(0.65, 1.3) + rng.uniform(-25, 25)
    seen *= 1 + rng.uniform(-0.15, 0.15, 3)
    if rng.random() < 0.35:
        grey, share = seen.mean(2, keepdims=True), rng.choice([1, rng.uniform(0.4, 1)])
        seen = seen * (1 - share) + grey * share
    if rng.random() < 0.2:
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
        (left, top), bright, wide = rng.uniform(0, 1, 2) * SIZE, rng.uniform(40, 140), WIDTH * rng.uniform(0.08, 0.3)
        seen += bright * np.exp(-((x - left) ** 2 + (y - top) ** 2) / (2 * wide**2))[..., None]
    seen = np.clip(seen, 0, 255)
    if rng.random() < 0.4:
        seen = cv2.GaussianBlur(seen, (0, 0), rng.uniform(0.4, 2.0))
    if rng.random() < 0.4:
        seen += rng.normal(0, rng.uniform(2, 10), seen.shape)
    result = np.clip(seen, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        share = rng.uniform(0.35, 0.8)
        small = cv2.resize(result, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        result = cv2.resize(small, (WIDTH, HEIGHT))
    if rng.random() < 0.5:
        result = cv2.imdecode(cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 80))])[1], 1)
    return result
