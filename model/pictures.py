"""Training pictures: a folder `images` and a `manifest.csv` (file, label, group, boxes_xyxy_px), seen in many ways.

Pictures are BGR, boxes left, top, right, bottom in pixels.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from model.darknet import SIDE

Picture = npt.NDArray[np.uint8]
Boxes = Sequence[Sequence[float]]
GREY: Final = 114
LONGEST: Final = 480


class Shown(NamedTuple):
    """`boxes` are those of e-bikes."""

    picture: Any
    label: str
    group: str
    boxes: list[list[float]]


def read(folder: Path) -> list[Shown]:
    found = []
    with (folder / "manifest.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            picture = cv2.imread(str(folder / "images" / row["file"]))
            if picture is None:
                raise ValueError(f"{row['file']} is no picture")
            height, width = picture.shape[:2]
            ratio = min(1, LONGEST / max(height, width))
            picture = cv2.resize(picture, (round(width * ratio), round(height * ratio)), interpolation=cv2.INTER_AREA)
            boxes = [
                [side * ratio for side in box[1:5]]
                for box in json.loads(row["boxes_xyxy_px"] or "[]")
                if box[0] == "ebike"
            ]
            found.append(Shown(picture, row["label"], row["group"], boxes))
    return found


def fit(shown: Shown) -> tuple[Picture, Boxes]:
    """The picture as the detector sees it: scaled to SIDE, the rest grey."""
    height, width = shown.picture.shape[:2]
    ratio = SIDE / max(height, width)
    across, down = max(1, round(width * ratio)), max(1, round(height * ratio))
    left, top = (SIDE - across) // 2, (SIDE - down) // 2
    canvas = np.full((SIDE, SIDE, 3), GREY, np.uint8)
    how = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
    canvas[top : top + down, left : left + across] = cv2.resize(shown.picture, (across, down), interpolation=how)
    moved = [
        [x0 * ratio + left, y0 * ratio + top, x1 * ratio + left, y1 * ratio + top] for x0, y0, x1, y1 in shown.boxes
    ]
    return canvas, moved


def vary(shown: Shown, rng: np.random.Generator) -> tuple[Picture, Boxes]:
    """Zoomed, turned, tilted, mirrored, in another light; boxes that are less than half inside are left out."""
    height, width = shown.picture.shape[:2]
    boxes = np.array(shown.boxes, np.float32).reshape(-1, 4)
    scale = SIDE / max(height, width) * np.exp(rng.uniform(np.log(0.75), np.log(1.6)))
    wide, angle = scale * np.exp(rng.uniform(-0.2, 0.2)), np.deg2rad(rng.normal(0, 10))
    mirror = -1 if rng.random() < 0.5 else 1
    turn = np.array(
        [
            [mirror * wide * np.cos(angle), -scale * np.sin(angle)],
            [mirror * wide * np.sin(angle), scale * np.cos(angle)],
        ]
    )
    middle, target = np.array([width / 2, height / 2]), SIDE / 2 + rng.uniform(-0.1, 0.1, 2) * SIDE
    if len(boxes) and rng.random() < 0.8:
        box = boxes[rng.integers(len(boxes))]
        middle, target = (box[:2] + box[2:]) / 2, SIDE / 2 + rng.uniform(-0.25, 0.25, 2) * SIDE
    tilt = np.eye(3)
    tilt[2, :2] = rng.normal(0, 0.12, 2) / SIDE
    tilt[2, 2] = 1 - tilt[2, :2].sum() * SIDE / 2
    matrix = tilt @ np.vstack([np.hstack([turn, (target - turn @ middle)[:, None]]), [0, 0, 1]])
    border = cv2.BORDER_CONSTANT if rng.random() < 0.7 else cv2.BORDER_REPLICATE
    how = cv2.INTER_LINEAR if scale > 0.7 else cv2.INTER_AREA
    seen = cv2.warpPerspective(
        shown.picture, matrix, (SIDE, SIDE), flags=how, borderMode=border, borderValue=(GREY, GREY, GREY)
    )
    moved = []
    for x0, y0, x1, y1 in boxes:
        corners = np.array([[x0, y0, 1], [x1, y0, 1], [x0, y1, 1], [x1, y1, 1]]) @ matrix.T
        corners = corners[:, :2] / corners[:, 2:]
        low, high = corners.min(0), corners.max(0)
        inner_low, inner_high = np.maximum(low, 0), np.minimum(high, SIDE)
        if (inner_high > inner_low).all() and (inner_high - inner_low).prod() > 0.5 * (high - low).prod():
            moved.append([*inner_low, *inner_high])
    return _light(seen, rng), moved


def _light(picture: Picture, rng: np.random.Generator) -> Picture:
    seen = 255 * (picture.astype(np.float32) / 255) ** np.exp(rng.uniform(-0.6, 0.6))
    seen = seen * rng.uniform(0.65, 1.3) + rng.uniform(-25, 25)
    seen *= 1 + rng.uniform(-0.15, 0.15, 3)
    if rng.random() < 0.35:
        grey, share = seen.mean(2, keepdims=True), rng.choice([1, rng.uniform(0.4, 1)])
        seen = seen * (1 - share) + grey * share
    if rng.random() < 0.2:
        y, x = np.mgrid[0:SIDE, 0:SIDE]
        (left, top), bright, wide = rng.uniform(0, SIDE, 2), rng.uniform(40, 140), SIDE * rng.uniform(0.08, 0.3)
        seen += bright * np.exp(-((x - left) ** 2 + (y - top) ** 2) / (2 * wide**2))[..., None]
    seen = np.clip(seen, 0, 255)
    if rng.random() < 0.4:
        seen = cv2.GaussianBlur(seen, (0, 0), rng.uniform(0.4, 2.0))
    if rng.random() < 0.4:
        seen += rng.normal(0, rng.uniform(2, 10), seen.shape)
    result = np.clip(seen, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        small = int(SIDE * rng.uniform(0.35, 0.8))
        result = cv2.resize(cv2.resize(result, (small, small), interpolation=cv2.INTER_AREA), (SIDE, SIDE))
    if rng.random() < 0.5:
        result = cv2.imdecode(cv2.imencode(".jpg", result, [1, int(rng.integers(25, 80))])[1], 1)
    return result


def twins(pictures: Sequence[Shown], group: str) -> list[Shown]:
    """The pictures of a fixed camera with the e-bike painted over by the median of all: what is not the e-bike."""
    own = [each for each in pictures if each.group == group]
    if not own:
        return []
    height, width = own[0].picture.shape[:2]
    empty = np.median(np.stack([cv2.resize(each.picture, (width, height)) for each in own]), 0).astype(np.uint8)
    made = []
    for each in own:
        if not each.boxes:
            continue
        cover = cv2.resize(empty, (each.picture.shape[1], each.picture.shape[0]))
        mask = np.zeros(each.picture.shape[:2], np.float32)
        for x0, y0, x1, y1 in each.boxes:
            mask[max(0, int(y0) - 6) : int(y1) + 6, max(0, int(x0) - 6) : int(x1) + 6] = 1
        mask = cv2.GaussianBlur(mask, (0, 0), 5)[..., None]
        made.append(Shown((each.picture * (1 - mask) + cover * mask).astype(np.uint8), "twin", group, []))
    return made
