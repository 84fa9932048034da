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
import torch
from onnx import NodeProto, TensorProto, helper, numpy_helper
from torch import nn

from hw_sim.lift import Studio
from model.efficientnet import FINE, MEAN, SPREAD, Lite0, Normed
from model.network import HEIGHT, HIDDEN, REACH, SLOPE, STRIDE, WIDTH, Network

NAME: Final = "ebike"
FEATURES: Final = "features"
GOLDEN_SEED: Final = 8
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

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def indices(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def part(self, source: str, start: int, stop: int) -> str:
        """Channels `start` to `stop`."""
        return self.add("Slice", source, self.indices(start), self.indices(stop), self.indices(1))

    def number(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def convolution(self, layer: nn.Conv2d, source: str, rows: int | None = None) -> str:
        """The first `rows` outputs of a layer."""
        kernel, bias = (part.detach().numpy()[:rows] for part in (layer.weight, layer.bias))
        return self.folded(kernel, bias, source, pads=[kernel.shape[2] // 2] * 4)

    def normed(self, layer: Normed, source: str, *, clipped: bool) -> str:
        """A convolution with its normalisation folded in."""
        norm, convolution = layer.norm, layer.convolution
        factor = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach().numpy()
        kernel = convolution.weight.detach().numpy() * factor[:, None, None, None]
        bias = norm.bias.detach().numpy() - norm.running_mean.numpy() * factor
        pads = [layer.before, layer.before, layer.after, layer.after]
        strides = list(convolution.stride)
        out = self.folded(kernel, bias, source, pads=pads, strides=strides, group=convolution.groups)
        return self.add("Clip", out, self.number(0), self.number(6)) if clipped else out

    def folded(self, kernel: Any, bias: Any, source: str, **attributes: object) -> str:
        """The kernel as 8-bit integers, with the number that each of its outputs is to be multiplied by."""
        scale = np.maximum(np.abs(kernel).max(axis=(1, 2, 3), keepdims=True), 1e-12) / 127
        whole = self.add("Cast", self.constant(np.round(kernel / scale).astype(np.int8)), to=TensorProto.FLOAT)
        unfolded = self.add("Mul", whole, self.constant(scale.astype(np.float32)))
        return self.add("Conv", source, unfolded, self.constant(bias), **attributes)

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
    rows = graph.add("Concat", _boxes(graph, network, seen), scores, axis=1)
    graph.nodes.append(helper.make_node("Reshape", [rows, graph.indices(1, 4 + len(TOLD), -1)], ["detections"]))
    graph.nodes.append(helper.make_node("Reshape", [seen, graph.indices(0, 0, -1)], [FEATURES]))
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


def _boxes(graph: Graph, network: Network, seen: str) -> str:
    """Centre and size in pixels, by cell."""
    sides = graph.add("Softplus", graph.convolution(network.size, seen))
    pixels = graph.add("Mul", sides, graph.number(REACH * STRIDE))
    low, high = graph.part(pixels, 0, 2), graph.part(pixels, 2, 4)
    y, x = (np.mgrid[0 : HEIGHT // STRIDE, 0 : WIDTH // STRIDE] + 0.5) * STRIDE
    middles = graph.constant(np.stack([x, y])[None].astype(np.float32))
    offset = graph.add("Mul", graph.add("Sub", high, low), graph.number(0.5))
    return graph.add("Concat", graph.add("Add", middles, offset), graph.add("Add", low, high), axis=1)


def _seen(graph: Graph, network: Network) -> str:
    """What the last two layers look at."""
    fine, top = _lite(graph, network.base, "images")
    coarse = graph.leaky(network.coarse, top)
    joined = graph.add("Concat", graph.leaky(network.fine, fine), graph.twice(coarse), axis=1)
    near = graph.leaky(network.near, joined)
    return graph.add("Concat", near, graph.leaky(network.around, near), axis=1)


def _lite(graph: Graph, base: Lite0, source: str) -> tuple[str, str]:
    """The two maps of `Lite0`."""
    centred = graph.add("Sub", source, graph.number(MEAN))
    maps = graph.normed(base.stem, graph.add("Div", centred, graph.number(SPREAD)), clipped=True)
    fine = maps
    for number, block in enumerate(base.blocks):
        inside = maps if block.expand is None else graph.normed(block.expand, maps, clipped=True)
        out = graph.normed(block.project, graph.normed(block.across, inside, clipped=True), clipped=False)
        maps = graph.add("Add", maps, out) if block.adds else out
        if number == FINE:
            fine = maps
    return fine, graph.normed(base.top, maps, clipped=True)


def opened(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def golden_picture() -> Any:
    """A drawn e-bike alone in a lift, height x width x RGB: its two classes have scores far apart."""
    frame = Studio(width=WIDTH, height=HEIGHT).still(np.random.default_rng(GOLDEN_SEED), TOLD[:1])
    return np.ascontiguousarray(frame.bgr[..., ::-1])


def write(folder: Path, model: onnx.ModelProto) -> None:
    """ebike.onnx, ebike.toml and the golden pair; the golden picture is drawn, no photograph."""
    content, picture = model.SerializeToString(), golden_picture()
    output, _ = opened(content).run(None, {"images": picture.transpose(2, 0, 1)[None].astype(np.float32) / 255})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.onnx").write_bytes(content)
    np.save(folder / f"{NAME}.picture.npy", picture)
    np.save(folder / f"{NAME}.output.npy", output)
    (folder / f"{NAME}.toml").write_text(manifest(hashlib.sha256(content).hexdigest(), output))


def manifest(sha256: str, output: Any) -> str:
    """The manifest of a model with that hash and that golden output."""
    classes = "".join(f'{number} = "{label}"\n' for number, label in enumerate(TOLD))
    found = "".join(f"{label} = {output[0, 4 + number].max():.4f}\n" for number, label in enumerate(TOLD))
    return (
        f'file = "{NAME}.onnx"\nsha256 = "{sha256}"\n'
        f'width = {WIDTH}\nheight = {HEIGHT}\nlayout = "yolov8"\nscore = 0.5\n'
        f'features = "{FEATURES}"\ncloser = true\n\n'
        f"[classes]\n{classes}\n"
        f'[golden]\npicture = "{NAME}.picture.npy"\noutput = "{NAME}.output.npy"\ntolerance = 0.01\n\n'
        f"[golden.found]\n{found}"
    )
