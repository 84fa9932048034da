"""`python -m model.base PICTURES`: the examples that go with the shipped detector, for heads learned on the box.

Of each picture, real or drawn, what the detector saw in its surest cell, as numbers; no picture.  It uses the product's
own loader, so it runs in the product's venv, after every new detector: the file tells the hash of its model.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from courtyard.agent.vision.lessons import logit
from courtyard.agent.vision.model import Model, load
from courtyard.agent.vision.regions import Region
from courtyard.agent.vision.retraining import base_file
from courtyard.agent.vision.shipped import MANIFEST
from courtyard.agent.vision.surroundings import described
from courtyard.agent.vision.verdicts import columns, surest
from hw_sim.lift import Studio

EBIKE: Final = ("ebike", "motorcycle")
DRAWN, SEED = 500, 8101
CONTENTS: Final = (
    ("ebike", "person"),
    ("bicycle", "person"),
    ("ebike",),
    ("pram", "person"),
    ("ebike", "person", "person"),
    ("wheelchair", "person"),
    ("ebike", "person"),
    ("suitcase", "person", "person"),
)
BLOCK, HELD = 8, 4
"""So many pictures in a row are learned from or judge together; one block of HELD judges."""


def real(folder: Path) -> Iterator[tuple[Any, bool]]:
    """The pictures of a folder (RGB), group by group, and whether they show an e-bike."""
    with (folder / "manifest.csv").open(newline="") as file:
        for row in sorted(csv.DictReader(file), key=lambda row: (row["label"] in EBIKE, row["group"])):
            picture = cv2.imread(str(folder / "images" / row["file"]))
            assert picture is not None, row["file"]
            yield picture[..., ::-1], row["label"] in EBIKE


def drawn() -> Iterator[tuple[Any, bool]]:
    """Of geometry that tests never use."""
    studio, rng = Studio(geometry="train"), np.random.default_rng(SEED)
    for number in range(DRAWN):
        contents = CONTENTS[number % len(CONTENTS)]
        yield studio.still(rng, contents).bgr[..., ::-1], contents[0] in EBIKE


def example(model: Model, picture: Any) -> tuple[float, Any]:
    """The detector's logit and what it saw, where it is surest."""
    manifest = model.manifest
    sight = model.sight(np.ascontiguousarray(picture))
    best = surest(sight.output, columns(manifest.classes), sight.fit, Region(()))
    assert best is not None
    assert sight.features is not None
    rows = described(sight.features, manifest.width, manifest.height)
    return logit(best[1]), rows[best[0]].astype(np.float16)


def main(folder: Path) -> None:
    model = load(MANIFEST)
    logits, rows, ebike, held = [], [], [], []
    for source in (real(folder), drawn()):
        for number, (picture, shows) in enumerate(source):
            sure, row = example(model, picture)
            logits.append(sure)
            rows.append(row)
            ebike.append(shows)
            held.append(number // BLOCK % HELD == HELD - 1)
    path = base_file(MANIFEST)
    np.savez_compressed(
        path,
        model=np.array(model.manifest.sha256),
        logits=np.array(logits, np.float32),
        rows=np.stack(rows),
        ebike=np.array(ebike),
        held=np.array(held),
    )
    print(f"Wrote {path}: {sum(ebike)} of e-bikes, {len(ebike) - sum(ebike)} of other things, {path.stat().st_size} B")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
