"""The network: EfficientNet-Lite0, and a head that says of each cell what is there and how large."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Final, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.efficientnet import FROZEN, TOP, Lite0

HEIGHT: Final = 192
WIDTH: Final = 288
STRIDE: Final = 16
CLASSES: Final = ("ebike", "person", "bicycle", "wheelchair", "pram", "luggage", "other")
FINE: Final = 112
COARSE_HIDDEN, FINE_HIDDEN, HIDDEN = 192, 96, 96
SLOPE: Final = 0.1
DROPPED: Final = 0.2
REACH: Final = 2.0
"""Cells that a side is away from its cell's middle at a size output of 0.5."""


class Network(nn.Module):
    """Pictures, n x 3 x HEIGHT x WIDTH, RGB, 0 to 1, to logits by class and distances to the four sides in cells."""

    def __init__(self) -> None:
        super().__init__()
        self.base = Lite0()
        self.coarse, self.fine = nn.Conv2d(TOP, COARSE_HIDDEN, 1), nn.Conv2d(FINE, FINE_HIDDEN, 1)
        self.near = nn.Conv2d(COARSE_HIDDEN + FINE_HIDDEN, HIDDEN, 1)
        self.around = nn.Conv2d(HIDDEN, HIDDEN, 3, padding=1)
        self.what, self.size = nn.Conv2d(2 * HIDDEN, len(CLASSES), 1), nn.Conv2d(2 * HIDDEN, 4, 1)
        self.drop = nn.Dropout2d(DROPPED)
        for layer, bias in ((self.what, -4.0), (self.size, 1.3)):
            nn.init.normal_(layer.weight, 0, 0.01)
            nn.init.constant_(layer.bias, bias)

    def train(self, mode: bool = True) -> Self:
        """The base normalises by what it has seen in millions of pictures, in training too."""
        super().train(mode)
        self.base.eval()
        return self

    def learning(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """What is learned: the base's part of it, and the head's."""
        head = [self.coarse, self.fine, self.near, self.around, self.what, self.size]
        base = [*self.base.blocks[FROZEN:], self.base.top]
        return _parameters(base), _parameters(head)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        fine, coarse = self.base(pictures)
        coarse = functional.leaky_relu(self.coarse(self.drop(coarse)), SLOPE)
        fine = functional.leaky_relu(self.fine(self.drop(fine)), SLOPE)
        twice = functional.interpolate(coarse, scale_factor=2.0, mode="nearest")
        near = functional.leaky_relu(self.near(torch.cat([fine, twice], 1)), SLOPE)
        seen = torch.cat([near, functional.leaky_relu(self.around(near), SLOPE)], 1)
        return self.what(seen), functional.softplus(self.size(seen)) * REACH


def mean(networks: Sequence[Network]) -> Network:
    """A network whose weights are the mean of all; none of them changes."""
    made = copy.deepcopy(networks[-1])
    with torch.no_grad():
        for parameter, *others in zip(made.parameters(), *(each.parameters() for each in networks), strict=True):
            parameter.copy_(torch.stack(others).mean(0))
    return made


def _parameters(parts: list[nn.Module]) -> list[nn.Parameter]:
    return [parameter for part in parts for parameter in part.parameters()]
