"""`python -m model WEIGHTS PICTURES`: trains the head and writes the shipped detector into agent/vision/shipped."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
import torch

from model.darknet import backbone, features
from model.export import assemble, write
from model.head import train
from model.pictures import Boxes, fit, read, twins, vary

OUT: Final = Path(__file__).parents[1] / "agent" / "vision" / "shipped"
THREADS: Final = 2
VIEWS: Final = {
    "cctv-lift-a": 20,
    "etoiles-lift": 28,
    "lift-crop-neg": 10,
    "shaojun-liftcrop": 24,
    "etoiles-video-pos": 6,
    "etoiles-video-neg": 5,
    "nerve-road-moto": 3,
    "nerve-road-neg": 3,
    "lexra-wheelchair": 2,
    "yizhuo-wheelchair": 2,
    "shamin-bicycle-video": 6,
    "shamin-bicycle": 16,
    "coco128-pos": 8,
    "koks-airport": 12,
}
"""How many views are made of a picture of each group, beside the picture itself; four of any other."""


def main(weights: Path, folder: Path) -> None:
    torch.set_num_threads(THREADS)
    graph = backbone(weights)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    content = graph.model([features(graph)], "backbone").SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    pictures = read(folder)
    pictures += twins(pictures, "cctv-lift-a")
    seen, labels, groups, boxes = [], [], [], []
    for number, shown in enumerate(pictures):
        rng = np.random.default_rng(number)
        views: list[tuple[np.ndarray, Boxes]] = [fit(shown)]
        views += [vary(shown, rng) for _ in range(VIEWS.get(shown.group, 4))]
        for picture, inside in views:
            if shown.boxes and not inside:
                continue
            tensor = picture[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32) / 255
            seen.append(session.run(None, {"images": tensor})[0][0].astype(np.float16))
            labels.append(shown.label)
            groups.append(shown.group)
            boxes.append(inside)
        if number % 50 == 0:
            print(f"{number} of {len(pictures)} pictures seen", flush=True)
    head = train(torch.from_numpy(np.stack(seen)), labels, groups, boxes)
    write(OUT, assemble(weights, head, shift=0.0))
    print(f"Wrote {OUT}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
