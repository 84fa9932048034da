"""The part that is trained: from frozen features to a map of where an e-bike is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from model.darknet import SIDE
from model.export import CORE, STRONGEST
from model.pictures import Boxes

CELLS: Final = SIDE // 32
HIDDEN: Final = 48
STEPS: Final = 260
BATCH: Final = 48
RATE: Final = 2e-3
POSITIVE: Final = ("ebike", "motorcycle")
SHARES: Final = {
    "cctv-lift-a": 5.0,
    "etoiles-lift": 6.0,
    "lift-crop-neg": 2.0,
    "shaojun-liftcrop": 2.0,
    "etoiles-video-pos": 1.5,
    "etoiles-video-neg": 2.0,
    "nerve-road-moto": 0.6,
    "nerve-road-neg": 0.6,
    "lexra-wheelchair": 1.5,
    "yizhuo-wheelchair": 1.2,
    "lexra-person": 1.2,
    "coco128-neg": 1.2,
    "shamin-bicycle": 1.5,
}
"""How often a group is shown, against 1 for the others; one label of a group as often as another."""


class Head(nn.Module):
    """Features, n x 1280 x 13 x 13, to a map of logits, n x 13 x 13."""

    def __init__(self) -> None:
        super().__init__()
        self.drop, self.d2 = nn.Dropout2d(0.3), nn.Dropout2d(0.2)
        self.c1 = nn.Conv2d(1280, HIDDEN, 1)
        self.c2 = nn.Conv2d(HIDDEN, HIDDEN, 3, padding=1)
        self.c3 = nn.Conv2d(2 * HIDDEN, 48, 3, padding=1)
        self.o = nn.Conv2d(48, 1, 1)
        nn.init.constant_(self.o.bias, -2.0)

    def forward(self, features: Tensor) -> Tensor:
        near = functional.leaky_relu(self.c1(self.drop(features)), 0.1)
        joined = torch.cat([functional.leaky_relu(self.c2(near), 0.1), functional.avg_pool2d(near, 5, 1, 2)], 1)
        return self.o(functional.leaky_relu(self.c3(self.d2(joined)), 0.1))[:, 0]


def score(maps: Tensor) -> Tensor:
    return maps.flatten(1).topk(STRONGEST, 1)[0].mean(1)


def targets(labels: Sequence[str], groups: Sequence[str], boxes: Sequence[Boxes]) -> tuple[Tensor, Tensor]:
    """The wanted maps and the weight of each cell: nothing between a box's core and its edge, nothing without boxes."""
    wanted = np.zeros((len(labels), CELLS, CELLS), np.float32)
    weight = np.ones_like(wanted)
    edge = (1 - CORE) / 2
    for index, (label, group) in enumerate(zip(labels, groups, strict=True)):
        if label in POSITIVE:
            # Not every e-bike of the photographs has its box: their background counts half.
            weight[index] = 0.5 if group == "etoiles-lift" else float(len(boxes[index]) > 0)
        for x0, y0, x1, y1 in boxes[index]:
            left, top, right, bottom = (side / 32 for side in (x0, y0, x1, y1))
            weight[index, int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))] = 0
        for x0, y0, x1, y1 in boxes[index]:
            across, down = (x1 - x0) * edge, (y1 - y0) * edge
            left, right = round((x0 + across) / 32), round((x1 - across) / 32)
            top, bottom = round((y0 + down) / 32), round((y1 - down) / 32)
            core = index, slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))
            wanted[core] = weight[core] = 1
    return torch.from_numpy(wanted), torch.from_numpy(weight)


def chances(labels: Sequence[str], groups: Sequence[str]) -> npt.NDArray[np.float64]:
    """How likely each view is drawn: 45 % e-bikes and motorcycles, 55 % anything else."""
    pairs = list(zip(groups, labels, strict=True))
    weight = np.zeros(len(pairs))
    for pair in set(pairs):
        same = np.array([each == pair for each in pairs])
        hard = 1.5 if pair == ("cctv-lift-a", "bicycle") else 0.6 if pair[1] in ("twin", "pram") else 1.0
        weight[same] = SHARES.get(pair[0], 1.0) * hard / same.sum()
    positive = np.array([label in POSITIVE for label in labels])
    weight[positive] *= 0.45 / weight[positive].sum()
    weight[~positive] *= 0.55 / weight[~positive].sum()
    return weight


def train(
    features: Tensor, labels: Sequence[str], groups: Sequence[str], boxes: Sequence[Boxes], seed: int = 0
) -> dict[str, npt.NDArray[np.float32]]:
    """The weights by name: averaged over the second half of the steps."""
    torch.manual_seed(seed)
    rng, head = np.random.default_rng(seed), Head().train()
    wanted, weight = targets(labels, groups, boxes)
    truth = torch.tensor([0.98 if label in POSITIVE else 0.02 for label in labels])
    chance = chances(labels, groups)
    optimiser = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS, pct_start=0.15)
    average: dict[str, Tensor] = {}
    for step in range(STEPS):
        drawn = torch.from_numpy(rng.choice(len(labels), BATCH, p=chance))
        maps = head(features[drawn].float())
        cells = functional.binary_cross_entropy_with_logits(maps, wanted[drawn], reduction="none") * weight[drawn]
        where = (cells.sum((1, 2)) / weight[drawn].sum((1, 2)).clamp(min=1)).mean()
        loss = functional.binary_cross_entropy_with_logits(score(maps), truth[drawn]) + 2 * where
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step >= STEPS // 2:
            for name, value in head.state_dict().items():
                average.setdefault(name, value.clone()).mul_(0.99).add_(value, alpha=0.01)
    return {name: value.numpy() for name, value in average.items()}
