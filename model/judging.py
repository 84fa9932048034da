"""What a network is worth, on pictures that it did or did not learn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from model.network import Network
from model.pictures import Shown
from model.training import tensor
from model.views import fit


def strongest(network: Network, shown: Sequence[Shown]) -> Any:
    """The logit of the surest cell of each picture, for e-bikes."""
    with torch.no_grad():
        return np.array([float(network(tensor([fit(each.picture)]))[0][0, 0].max()) for each in shown])


def area(positive: Any, negative: Any) -> float:
    """The area under the receiver's curve: how often a positive scores higher than a negative."""
    return float(np.mean([(negative < each).mean() + (negative == each).mean() / 2 for each in positive]))


def of_group(network: Network, shown: Sequence[Shown], group: str) -> str:
    """The e-bikes of a group against what else is in it, label by label."""
    own = [each for each in shown if each.group == group]
    logits, labels = strongest(network, own), np.array([each.label for each in own])
    found = logits[labels == "ebike"]
    others = [label for label in sorted(set(labels)) if label != "ebike"]
    areas = ", ".join(f"{label} {area(found, logits[labels == label]):.3f}" for label in others)
    return f"{group}, not learned from: e-bikes above 0.5 {np.mean(found > 0):.2f}; AUC against {areas}"


def fraction_above(logits: Any, shown: Sequence[Shown], shift: float) -> Iterator[str]:
    """By group and label: how many score at least 0.5."""
    pairs = np.array([f"{each.group} {each.label}" for each in shown])
    for pair in sorted(set(pairs)):
        own = logits[pairs == pair]
        yield f"{pair}: {np.mean(own > shift):.2f} of {len(own)}"
