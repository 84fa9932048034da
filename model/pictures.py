"""Pictures to learn from: a folder `images` with a `manifest.csv` (file, label, group, boxes_xyxy_px).

Pictures are BGR; boxes are (class, left, top, right, bottom), in pixels.
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

from model.network import CLASSES

Box = tuple[int, float, float, float, float]
LONGEST: Final = 480
EBIKE: Final = ("ebike", "motorcycle")
MARGIN_PX: Final = 6
UNKNOWN: Final = -1
KNOWN_ABSENT: Final = {
    "person-only": ("ebike", "bicycle", "wheelchair", "pram"),
    "ebike": ("bicycle", "wheelchair", "pram"),
}


class Shown(NamedTuple):
    """`present` says of each class 1, 0 or UNKNOWN; `whole`: every thing of the picture has its box."""

    picture: Any
    label: str
    group: str
    boxes: list[Box]
    present: npt.NDArray[np.int64]
    whole: bool = False


def read(folder: Path) -> list[Shown]:
    """Raises ValueError for a file that is no picture."""
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
                (0, box[1] * ratio, box[2] * ratio, box[3] * ratio, box[4] * ratio)
                for box in json.loads(row["boxes_xyxy_px"] or "[]")
                if box[0] == "ebike"
            ]
            found.append(Shown(picture, row["label"], row["group"], boxes, _present(row["label"], row["group"])))
    return found


def _present(label: str, group: str) -> npt.NDArray[np.int64]:
    """What a picture's label says of each class."""
    present = np.full(len(CLASSES), UNKNOWN)
    present[0] = label in EBIKE
    name = {"person-only": "person", "suitcase": "luggage"}.get(label, label)
    if name in CLASSES:
        present[CLASSES.index(name)] = 1
    for absent in KNOWN_ABSENT.get(label, ()) if group != "etoiles-lift" else ():
        present[CLASSES.index(absent)] = 0
    return present


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
        for _, x0, y0, x1, y1 in each.boxes:
            inside = (
                slice(max(0, int(y0) - MARGIN_PX), int(y1) + MARGIN_PX),
                slice(max(0, int(x0) - MARGIN_PX), int(x1) + MARGIN_PX),
            )
            mask[inside] = 1
        mask = cv2.GaussianBlur(mask, (0, 0), 5)[..., None]
        picture = (each.picture * (1 - mask) + cover * mask).astype(np.uint8)
        made.append(Shown(picture, "twin", group, [], _present("twin", group)))
    return made
