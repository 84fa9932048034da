"""The network: yolov3-tiny up to its finer map, and a head that says of each cell what is there and how large."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.darknet import convolutions

HEIGHT: Final = 192
WIDTH: Final = 288
STRIDE: Final = 16
CLASSES: Final = ("ebike", "person", "bicycle", "wheelchair", "pram", "luggage", "other")
TRUNK: Final = (3, 16, 32, 64, 128, 256, 512, 1024)
NECK: Final = {"c13": (256, 1024, 1), "c14": (512, 256, 3), "c18": (128, 256, 1), "c21": (256, 384, 3)}
"""Convolutions behind the trunk, by their number in Darknet's file: out, in, side."""
ROUTED: Final = 4
"""The trunk's convolution whose map goes to the finer map as well."""
FROZEN: Final = 4
"""So many of the trunk's convolutions stay as they are."""
HIDDEN: Final = 96
SLOPE: Final = 0.1
DROPPED: Final = 0.15
REACH: Final = 2.0
"""Cells that a side is away from its cell's middle at a size output of 0.5."""


def _convolution(out: int, into: int, side: int) -> nn.Conv2d:
    return nn.Conv2d(into, out, side, padding=side // 2)


class Network(nn.Module):
    """Pictures, n x 3 x HEIGHT x WIDTH, RGB, 0 to 1, to logits by class and distances to the four sides in cells."""

    def __init__(self) -> None:
        super().__init__()
        pairs = zip(TRUNK[1:], TRUNK, strict=False)
        self.trunk = nn.ModuleList([_convolution(out, into, 3) for out, into in pairs])
        self.neck = nn.ModuleDict({name: _convolution(*shape) for name, shape in NECK.items()})
        self.near, self.around = _convolution(HIDDEN, 768, 1), _convolution(HIDDEN, HIDDEN, 3)
        self.what, self.size = _convolution(len(CLASSES), 2 * HIDDEN, 1), _convolution(4, 2 * HIDDEN, 1)
        self.drop = nn.Dropout2d(DROPPED)
        for layer, bias in ((self.what, -4.0), (self.size, 1.3)):
            nn.init.normal_(layer.weight, 0, 0.01)
            nn.init.constant_(layer.bias, bias)

    def take(self, folder: Path) -> list[tuple[Tensor, Tensor]]:
        """Takes the weights of Darknet's file; gives its two decoders, coarse and fine.  Raises ValueError."""
        layers = [*self.trunk, *self.neck.values()]
        shapes = [(each.out_channels, each.in_channels, each.kernel_size[0]) for each in layers]
        taken, heads = convolutions(folder, shapes)
        for layer, (kernel, bias) in zip(layers, taken, strict=True):
            layer.weight.data.copy_(torch.from_numpy(kernel))
            layer.bias.data.copy_(torch.from_numpy(bias))
        return [(torch.from_numpy(kernel.copy()), torch.from_numpy(bias.copy())) for kernel, bias in heads]

    def maps(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """What Darknet's two decoders look at: n x 512 in cells of 32 pixels, n x 256 in cells of 16."""
        maps = routed = pictures
        for index, layer in enumerate(self.trunk):
            with torch.set_grad_enabled(torch.is_grad_enabled() and index >= FROZEN):
                maps = functional.leaky_relu(layer(maps), SLOPE)
            if index == ROUTED:
                routed = maps
            if index < 5:
                maps = functional.max_pool2d(maps, 2)
            elif index == 5:
                maps = functional.max_pool2d(functional.pad(maps, (0, 1, 0, 1), mode="replicate"), 2, 1)
        small = self._neck("c13", maps)
        coarse = self._neck("c14", small)
        finer = torch.cat([_twice(self._neck("c18", small)), routed], 1)
        return coarse, self._neck("c21", finer)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        coarse, finer = self.maps(pictures)
        joined = torch.cat([finer, _twice(coarse)], 1)
        near = functional.leaky_relu(self.near(self.drop(joined)), SLOPE)
        seen = torch.cat([near, functional.leaky_relu(self.around(near), SLOPE)], 1)
        return self.what(seen), functional.softplus(self.size(seen)) * REACH

    def _neck(self, name: str, maps: Tensor) -> Tensor:
        return functional.leaky_relu(self.neck[name](maps), SLOPE)


def _twice(maps: Tensor) -> Tensor:
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")
