"""Darknet's yolov3-tiny up to the two maps that its decoders look at; it only marks persons to learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.darknet import convolutions

TRUNK: Final = (3, 16, 32, 64, 128, 256, 512, 1024)
NECK: Final = {"c13": (256, 1024, 1), "c14": (512, 256, 3), "c18": (128, 256, 1), "c21": (256, 384, 3)}
"""Convolutions behind the trunk, by their number in Darknet's file: out, in, side."""
ROUTED: Final = 4
"""The trunk's convolution whose map goes to the finer map as well."""
SLOPE: Final = 0.1


class Tiny(nn.Module):
    """Raises ValueError for weights of another hash.  `decoders`: kernel and bias, coarse and fine."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        pairs = zip(TRUNK[1:], TRUNK, strict=False)
        self.trunk = nn.ModuleList([_convolution(out, into, 3) for out, into in pairs])
        self.neck = nn.ModuleDict({name: _convolution(*shape) for name, shape in NECK.items()})
        layers = [*self.trunk, *self.neck.values()]
        shapes = [(each.out_channels, each.in_channels, each.kernel_size[0]) for each in layers]
        taken, heads = convolutions(folder, shapes)
        for layer, (kernel, bias) in zip(layers, taken, strict=True):
            layer.weight.data.copy_(torch.from_numpy(kernel))
            layer.bias.data.copy_(torch.from_numpy(bias))
        self.decoders = [(torch.from_numpy(kernel.copy()), torch.from_numpy(bias.copy())) for kernel, bias in heads]

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """n x 3 x height x width, RGB, 0 to 1, to n x 512 in cells of 32 pixels and n x 256 in cells of 16."""
        maps = routed = pictures
        for index, layer in enumerate(self.trunk):
            maps = functional.leaky_relu(layer(maps), SLOPE)
            if index == ROUTED:
                routed = maps
            if index < 5:
                maps = functional.max_pool2d(maps, 2)
            elif index == 5:
                maps = functional.max_pool2d(functional.pad(maps, (0, 1, 0, 1), mode="replicate"), 2, 1)
        small = self._neck("c13", maps)
        twice = functional.interpolate(self._neck("c18", small), scale_factor=2.0, mode="nearest")
        return self._neck("c14", small), self._neck("c21", torch.cat([twice, routed], 1))

    def _neck(self, name: str, maps: Tensor) -> Tensor:
        return functional.leaky_relu(self.neck[name](maps), SLOPE)


def _convolution(out: int, into: int, side: int) -> nn.Conv2d:
    return nn.Conv2d(into, out, side, padding=side // 2)
