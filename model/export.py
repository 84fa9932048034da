"""The network as one ONNX file with a manifest and a golden pair.

The first output has the layout `yolov8`, 1 x 4 + 2 x cells: centre and size in pixels, then the scores of e-bike and
person.  The second, `features`, 1 x channels x cells, is what the last layer saw of each of these cells; a lift's own
head learns from it on the box, so that every file that is written here must have it.  The examples that such a head
must not forget go with one file: after a new one, `python -m model.base PICTURES` (which `make model` does).
Kernels are stored as 8-bit integers with a scale for each output channel; the runtime unfolds them once, on loading.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
from onnx import NodeProto, TensorProto, helper, numpy_helper
from torch import nn

from model.network import HEIGHT, HIDDEN, NECK, REACH, ROUTED, SLOPE, STRIDE, WIDTH, Network

NAME: Final = "ebike"
FEATURES: Final = "features"
TOLD: Final = ("ebike", "person")
"""The first of the network's classes; the others only teach it what is none."""


class Graph:
    """ONNX nodes and constants, as they are added."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def convolution(self, layer: nn.Conv2d, source: str, rows: int | None = None) -> str:
        """The first `rows` outputs of a layer."""
        kernel, bias = (part.detach().numpy()[:rows] for part in (layer.weight, layer.bias))
        scale = np.maximum(np.abs(kernel).max(axis=(1, 2, 3), keepdims=True), 1e-12) / 127
        whole = self.add("Cast", self.constant(np.round(kernel / scale).astype(np.int8)), to=TensorProto.FLOAT)
        unfolded = self.add("Mul", whole, self.constant(scale.astype(np.float32)))
        return self.add("Conv", source, unfolded, self.constant(bias), pads=[kernel.shape[2] // 2] * 4)

    def leaky(self, layer: nn.Conv2d, source: str) -> str:
        return self.add("LeakyRelu", self.convolution(layer, source), alpha=SLOPE)

    def twice(self, source: str) -> str:
        how = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
        return self.add("Resize", source, "", self.constant(np.array([1, 1, 2, 2], np.float32)), **how)


def assemble(network: Network, shift: float) -> onnx.ModelProto:
    """The whole detector.  `shift` is subtracted from the logit of e-bikes, so that 0.5 is the working point."""
    graph = Graph()
    seen = _seen(graph, network)
    what = graph.convolution(network.what, seen, len(TOLD))
    shifts = graph.constant(np.array([shift, 0], np.float32).reshape(1, 2, 1, 1))
    scores = graph.add("Sigmoid", graph.add("Sub", what, shifts))
    sides = graph.add("Softplus", graph.convolution(network.size, seen))
    pixels = graph.add("Mul", sides, graph.constant(np.array(REACH * STRIDE, np.float32)))
    low, high = (
        graph.add("Slice", pixels, *(graph.constant(np.array([n], np.int64)) for n in (start, start + 2, 1)))
        for start in (0, 2)
    )
    y, x = (np.mgrid[0 : HEIGHT // STRIDE, 0 : WIDTH // STRIDE] + 0.5) * STRIDE
    middles = graph.constant(np.stack([x, y])[None].astype(np.float32))
    offset = graph.add("Mul", graph.add("Sub", high, low), graph.constant(np.array(0.5, np.float32)))
    rows = graph.add("Concat", graph.add("Add", middles, offset), graph.add("Add", low, high), scores, axis=1)
    shape = graph.constant(np.array([1, 4 + len(TOLD), -1], np.int64))
    graph.nodes.append(helper.make_node("Reshape", [rows, shape], ["detections"]))
    flat = graph.constant(np.array([0, 0, -1], np.int64))
    graph.nodes.append(helper.make_node("Reshape", [seen, flat], [FEATURES]))
    made = helper.make_graph(
        graph.nodes,
        "courtyard-ebike",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH])],
        [
            helper.make_tensor_value_info("detections", TensorProto.FLOAT, [1, 4 + len(TOLD), None]),
            helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, [1, 2 * HIDDEN, None]),
        ],
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def _seen(graph: Graph, network: Network) -> str:
    """What the last two layers look at."""
    maps = routed = "images"
    for index, layer in enumerate(network.trunk):
        maps = graph.leaky(layer, maps)
        if index == ROUTED:
            routed = maps
        if index < 5:
            maps = graph.add("MaxPool", maps, kernel_shape=[2, 2], strides=[2, 2])
        elif index == 5:  # all values may be padded with the lowest: the border only repeats what is beside it
            maps = graph.add("MaxPool", maps, kernel_shape=[2, 2], strides=[1, 1], pads=[0, 0, 1, 1])
    neck = {name: network.neck[name] for name in NECK}
    small = graph.leaky(neck["c13"], maps)
    coarse = graph.leaky(neck["c14"], small)
    finer = graph.add("Concat", graph.twice(graph.leaky(neck["c18"], small)), routed, axis=1)
    joined = graph.add("Concat", graph.leaky(neck["c21"], finer), graph.twice(coarse), axis=1)
    near = graph.leaky(network.near, joined)
    return graph.add("Concat", near, graph.leaky(network.around, near), axis=1)


def opened(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def write(folder: Path, model: onnx.ModelProto) -> None:
    """ebike.onnx, ebike.toml and the golden pair; the golden picture is noise, no photograph."""
    content = model.SerializeToString()
    rough = np.random.default_rng(0).integers(0, 256, (HEIGHT // 32, WIDTH // 32, 3), np.uint8)
    picture = np.kron(rough, np.ones((32, 32, 1), np.uint8))
    output, _ = opened(content).run(None, {"images": picture.transpose(2, 0, 1)[None].astype(np.float32) / 255})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.onnx").write_bytes(content)
    np.save(folder / f"{NAME}.picture.npy", picture)
    np.save(folder / f"{NAME}.output.npy", output)
    classes = "".join(f'{number} = "{label}"\n' for number, label in enumerate(TOLD))
    (folder / f"{NAME}.toml").write_text(
        f'file = "{NAME}.onnx"\nsha256 = "{hashlib.sha256(content).hexdigest()}"\n'
        f'width = {WIDTH}\nheight = {HEIGHT}\nlayout = "yolov8"\nscore = 0.5\nfeatures = "{FEATURES}"\n\n'
        f"[classes]\n{classes}\n"
        f'[golden]\npicture = "{NAME}.picture.npy"\noutput = "{NAME}.output.npy"\ntolerance = 0.01\n'
    )
