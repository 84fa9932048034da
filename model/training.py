"""Fine-tuning: what a step sees, what it costs to be wrong, how the weights are averaged."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from model.network import Network
from model.pasting import Pasted
from model.pictures import EBIKE, UNKNOWN, Shown
from model.rendered import Drawn
from model.targets import View, targets
from model.views import REAL, RENDERED, vary

OF_REAL, PASTED, DRAWN = 7, 1, 8
"""Pictures of a step."""
BASE_RATE, HEAD_RATE = 4e-4, 2e-3
WARM_UP: Final = 40
AVERAGE: Final = 0.99
CLOSER, CLOSE, CLOSE_SHIFT = 0.35, (1.4, 2.4), 0.15
"""So many views are as close, and as near to the middle, as those of a second look."""
FOCUS: Final = 1.5
SHARPNESS: Final = 3.0
SHARES: Final = {
    "cctv-lift-a": 4.0,
    "etoiles-lift": 6.0,
    "lift-crop-neg": 2.0,
    "shaojun-liftcrop": 2.0,
    "etoiles-video-pos": 1.5,
    "etoiles-video-neg": 2.0,
    "nerve-road-moto": 0.7,
    "nerve-road-neg": 0.6,
    "lexra-wheelchair": 2.5,
    "yizhuo-wheelchair": 1.5,
    "lexra-person": 1.5,
    "coco128-neg": 2.0,
    "shamin-bicycle": 1.5,
    "shamin-bicycle-video": 1.2,
}
"""How often a group is shown, against 1 for the others; each label of a group as often as another, but for `HARD`."""
HARD: Final = {("cctv-lift-a", "bicycle"): 1.5, ("cctv-lift-a", "twin"): 0.7, ("cctv-lift-a", "pram"): 0.7}
RESEMBLING: Final = ("bicycle", "pram")
"""Shown twice as often as all that."""


def chances(shown: Sequence[Shown]) -> Any:
    """How likely each picture is drawn: 45 % e-bikes and motorcycles, 55 % anything else, before `RESEMBLING`."""
    pairs = [(each.group, each.label) for each in shown]
    weight = np.array([SHARES.get(pair[0], 1.0) * HARD.get(pair, 1.0) / pairs.count(pair) for pair in pairs])
    positive = np.array([label in EBIKE for _, label in pairs])
    weight[positive] *= 0.45 / weight[positive].sum()
    weight[~positive] *= 0.55 / weight[~positive].sum()
    weight[[label in RESEMBLING for _, label in pairs]] *= 2
    return weight / weight.sum()


def tensor(pictures: Sequence[Any]) -> Tensor:
    """BGR pictures as the network takes them."""
    stacked = np.stack(pictures)[..., ::-1].astype(np.float32) / 255
    return torch.from_numpy(stacked).permute(0, 3, 1, 2)


def train(network: Network, shown: Sequence[Shown], drawn: Drawn, steps: int, seed: int) -> Network:
    """A network with the average of the weights over the last steps; the one given does not change."""
    torch.manual_seed(seed)
    rng, chance = np.random.default_rng(seed), chances(shown)
    pasted = Pasted(shown)
    network = copy.deepcopy(network)
    base, head = network.learning()
    network.train()
    optimiser = torch.optim.AdamW(
        [{"params": base, "weight_decay": 1e-4}, {"params": head, "weight_decay": 1e-3}], lr=HEAD_RATE
    )
    average = copy.deepcopy(network)
    for step in range(steps):
        share = step / steps
        rate = min(1, step / WARM_UP) * (0.49 * (1 + np.cos(np.pi * max(0, (share - 0.1) / 0.9))) + 0.02)
        optimiser.param_groups[0]["lr"] = BASE_RATE * rate * (step > WARM_UP)
        optimiser.param_groups[1]["lr"] = HEAD_RATE * rate
        views = [_view(shown[rng.choice(len(shown), p=chance)], rng) for _ in range(OF_REAL)]
        views += [_view(pasted.shown(rng), rng) for _ in range(PASTED)]
        views += [_view(drawn.shown(int(rng.choice(len(drawn), p=drawn.chances))), rng) for _ in range(DRAWN)]
        loss = _loss(network, views)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*base, *head], 5.0)
        optimiser.step()
        keep = min(AVERAGE, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, now in zip(average.parameters(), network.parameters(), strict=True):
                mean.mul_(keep).add_(now, alpha=1 - keep)
        if step % 25 == 0:
            print(f"step {step} of {steps}: loss {loss.item():.2f}", flush=True)
    average.eval()
    return average


def _view(shown: Shown, rng: np.random.Generator) -> View:
    way = RENDERED if shown.whole else REAL
    if rng.random() < CLOSER:
        way = way._replace(zoom=CLOSE, shift=CLOSE_SHIFT)
    picture, boxes = vary(shown, rng, way)
    present = shown.present.copy()
    for kind in {box[0] for box in shown.boxes} - {box[0] for box in boxes}:
        present[kind] = UNKNOWN
    return View(picture, boxes, present, shown.whole)


def _loss(network: Network, views: list[View]) -> Tensor:
    """By cell (focal, Lin et al. 2017), by box (GIoU, Rezatofighi et al. 2019), by picture."""
    wanted, weight, sides, counts = map(torch.from_numpy, targets(views))
    logits, size = network(tensor([view.picture for view in views]))
    sure = torch.sigmoid(logits)
    cells = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * weight
    cells = cells * torch.where(wanted > 0, 1 - sure, sure) ** FOCUS
    where = 1.5 * cells[:, 0].sum() / wanted[:, 0].sum().clamp(min=20)
    where = where + cells[:, 1:].sum() / wanted[:, 1:].sum().clamp(min=20)
    apart = (_apart(size, sides) * counts).sum() / counts.sum().clamp(min=5)
    present = torch.from_numpy(np.stack([view.present for view in views]))
    known = (present >= 0).float()
    known[:, 0] *= 3
    strongest = (torch.logsumexp(logits.flatten(2) * SHARPNESS, 2) - np.log(4)) / SHARPNESS
    truth = present.clamp(min=0).float() * 0.96 + 0.02
    whole = functional.binary_cross_entropy_with_logits(strongest, truth, reduction="none") * known
    return where + apart + whole.sum() / known.sum()


def _apart(one: Tensor, other: Tensor) -> Tensor:
    """1 - GIoU of two boxes around the same cell, each told by its distances to left, top, right and bottom."""
    inner, outer = torch.min(one, other), torch.max(one, other)
    overlap = (inner[:, 0] + inner[:, 2]).clamp(min=0) * (inner[:, 1] + inner[:, 3]).clamp(min=0)
    areas = sum((box[:, 0] + box[:, 2]) * (box[:, 1] + box[:, 3]) for box in (one, other))
    union = areas - overlap
    hull = ((outer[:, 0] + outer[:, 2]) * (outer[:, 1] + outer[:, 3])).clamp(min=1e-3)
    return 1 - overlap / union.clamp(min=1e-3) + (hull - union) / hull
