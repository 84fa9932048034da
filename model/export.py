"""Backbone and head as one ONNX file with a manifest and a golden pair.

The output has the layout `yolov5`, 1 x 2536 x 7 (centre, size in pixels, objectness, e-bike, person): one row for the
e-bike, whose box is where the head's map is bright, and a row for every person box of the COCO decoder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from model.darknet import SIDE, Graph, backbone, features

NAME: Final = "ebike"
STRONGEST: Final = 3
CORE: Final = 0.6
"""The head learns the inner part of a box, this share of its width and height."""
ANCHORS: Final = {"l15": (32, ((81, 82), (135, 169), (344, 319))), "l22": (16, ((23, 27), (37, 58), (81, 82)))}
"""Darknet's anchors in pixels, by output layer, with the stride."""
Weights = Mapping[str, npt.NDArray[np.float32]]


def assemble(weights_folder: Path, head: Weights, shift: float) -> onnx.ModelProto:
    """The whole detector.  `shift` is subtracted from the head's score, so that 0.5 is the working point."""
    graph = backbone(weights_folder)
    one = graph.constant("one", np.array([1], np.int64))
    features(graph)
    _conv(graph, head, "c1", "features", "h.a", leaky=True)
    _conv(graph, head, "c2", "h.a", "h.b", leaky=True)
    graph.add("AveragePool", ["h.a"], "h.m", kernel_shape=[5, 5], pads=[2] * 4, count_include_pad=1)
    graph.add("Concat", ["h.b", "h.m"], "h.j", axis=1)
    _conv(graph, head, "c3", "h.j", "h.c", leaky=True)
    _conv(graph, head, "o", "h.c", "h.map", leaky=False)
    row = _ebike(graph, shift, one)
    rows = [row, *(_persons(graph, layer) for layer in ANCHORS)]
    graph.add("Concat", rows, "detections", axis=1)
    model = graph.model(["detections"], "courtyard-ebike")
    onnx.checker.check_model(model)
    return model


def _conv(graph: Graph, head: Weights, part: str, source: str, target: str, *, leaky: bool) -> None:
    kernel = head[part + ".weight"]
    inputs = [source, graph.weights(f"h.{part}.w", kernel), graph.constant(f"h.{part}.b", head[part + ".bias"])]
    graph.add("Conv", inputs, target + ".c" if leaky else target, pads=[kernel.shape[2] // 2] * 4)
    if leaky:
        graph.add("LeakyRelu", [target + ".c"], target, alpha=0.1)


def _ebike(graph: Graph, shift: float, one: str) -> str:
    """One row: the score is the mean of the strongest cells, the box the spread of the map around its centre."""
    cells = SIDE // 32
    flat = graph.add("Reshape", ["h.map", graph.constant("e.flat", np.array([1, -1], np.int64))], "e.map")
    graph.nodes.append(
        onnx.helper.make_node("TopK", [flat, graph.constant("e.k", np.array([STRONGEST], np.int64))], ["e.top", "e.at"])
    )
    graph.add("ReduceMean", ["e.top"], "e.mean", axes=[1], keepdims=1)
    graph.add("Sub", ["e.mean", graph.constant("e.shift", np.array([shift], np.float32))], "e.logit")
    graph.add("Sigmoid", ["e.logit"], "e.score")
    graph.add("Softmax", [flat], "e.share", axis=1)
    y, x = np.divmod(np.arange(cells * cells, dtype=np.float32), np.float32(cells))
    for axis, at in (("x", (x + 0.5) * 32), ("y", (y + 0.5) * 32)):
        columns = graph.constant(f"e.{axis}.at", np.stack((at, at * at), 1).astype(np.float32))
        graph.add("MatMul", ["e.share", columns], f"e.{axis}.moments")
        zero = graph.constant(f"e.{axis}.0", np.array([0], np.int64))
        first = graph.add("Gather", [f"e.{axis}.moments", zero], f"e.{axis}", axis=1)
        second = graph.add("Gather", [f"e.{axis}.moments", one], f"e.{axis}.2", axis=1)
        square = graph.add("Mul", [first, first], f"e.{axis}.sq")
        spread = graph.add("Sub", [second, square], f"e.{axis}.var")
        cell = graph.constant(f"e.{axis}.cell", np.array([32 * 32 / 12], np.float32))
        wider = graph.add("Max", [spread, cell], f"e.{axis}.least")
        graph.add("Add", [wider, cell], f"e.{axis}.sum")
        graph.add("Sqrt", [f"e.{axis}.sum"], f"e.{axis}.sd")
        factor = graph.constant(f"e.{axis}.k", np.array([np.sqrt(12) / CORE], np.float32))
        graph.add("Mul", [f"e.{axis}.sd", factor], f"e.{axis}.size")
    sure = graph.constant("e.sure", np.ones((1, 1), np.float32))
    none = graph.constant("e.none", np.zeros((1, 1), np.float32))
    graph.add("Concat", ["e.x", "e.y", "e.x.size", "e.y.size", sure, "e.score", none], "e.row", axis=1)
    shape = graph.constant("e.shape", np.array([1, 1, 7], np.int64))
    return graph.add("Reshape", ["e.row", shape], "e.rows")


def _persons(graph: Graph, layer: str) -> str:
    """Darknet's box decoding for the class person, which is the first of COCO."""
    stride, anchors = ANCHORS[layer]
    cells = SIDE // stride
    shape = graph.constant(f"{layer}.shape", np.array([3, 85, cells * cells], np.int64))
    graph.add("Reshape", [layer, shape], f"{layer}.r")
    graph.add("Transpose", [f"{layer}.r"], f"{layer}.t", perm=[0, 2, 1])

    def columns(name: str, which: list[int]) -> str:
        return graph.add(
            "Gather", [f"{layer}.t", graph.constant(f"{layer}.{name}.i", np.array(which))], f"{layer}.{name}", axis=2
        )

    y, x = np.divmod(np.arange(cells * cells, dtype=np.float32), np.float32(cells))
    grid = graph.constant(f"{layer}.grid", np.stack((x, y), 1)[None].astype(np.float32))
    pixels = graph.constant(f"{layer}.stride", np.array(stride, np.float32))
    graph.add("Sigmoid", [columns("xy", [0, 1])], f"{layer}.xy.s")
    graph.add("Add", [f"{layer}.xy.s", grid], f"{layer}.cells")
    centre = graph.add("Mul", [f"{layer}.cells", pixels], f"{layer}.centre")
    graph.add("Exp", [columns("wh", [2, 3])], f"{layer}.wh.e")
    anchor = graph.constant(f"{layer}.anchors", np.array(anchors, np.float32)[:, None])
    size = graph.add("Mul", [f"{layer}.wh.e", anchor], f"{layer}.size")
    sure = graph.add("Sigmoid", [columns("oc", [4])], f"{layer}.sure")
    person = graph.add("Sigmoid", [columns("p", [5])], f"{layer}.person")
    none = graph.constant(f"{layer}.none", np.zeros((3, cells * cells, 1), np.float32))
    graph.add("Concat", [centre, size, sure, none, person], f"{layer}.all", axis=2)
    rows = graph.constant(f"{layer}.rows", np.array([1, -1, 7], np.int64))
    return graph.add("Reshape", [f"{layer}.all", rows], f"{layer}.out")


def write(folder: Path, model: onnx.ModelProto) -> None:
    """ebike.onnx, ebike.toml and the golden pair; the golden picture is noise, no photograph."""
    content = model.SerializeToString()
    rough = np.random.default_rng(0).integers(0, 256, (13, 13, 3), np.uint8)
    picture = np.kron(rough, np.ones((32, 32, 1), np.uint8))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {"images": picture.transpose(2, 0, 1)[None].astype(np.float32) / 255})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.onnx").write_bytes(content)
    np.save(folder / f"{NAME}.picture.npy", picture)
    np.save(folder / f"{NAME}.output.npy", output)
    (folder / f"{NAME}.toml").write_text(
        f'file = "{NAME}.onnx"\nsha256 = "{hashlib.sha256(content).hexdigest()}"\n'
        f'width = {SIDE}\nheight = {SIDE}\nlayout = "yolov5"\nscore = 0.5\n\n'
        '[classes]\n0 = "ebike"\n1 = "person"\n\n'
        f'[golden]\npicture = "{NAME}.picture.npy"\noutput = "{NAME}.output.npy"\ntolerance = 0.01\n'
    )
