"""A small detector that a test makes itself, with its manifest and golden pair."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 64


EBIKES = '0 = "ebike"'
PEOPLE = '0 = "ebike"\n1 = "person"'
"""Classes of a model that takes what is in its box for both."""


def make(
    folder: Path, *, classes: str = EBIKES, scores: int = 1, found: str = "", gain: float = 1.0, **changes: object
) -> Path:
    """A model whose score is `gain` times the mean red of its picture, for one box in the middle; returns its manifest.

    `classes` and `found` are lines of the manifest's tables of that name; the output has `scores`, all alike."""
    box = numpy_helper.from_array(np.array([[[32.0], [32.0], [16.0], [32.0]]], np.float32), "box")
    first, last = (numpy_helper.from_array(np.array([value], np.int64), name) for value, name in ((0, "a"), (1, "b")))
    axis = numpy_helper.from_array(np.array([1], np.int64), "axis")
    plane = numpy_helper.from_array(np.array([2, 3], np.int64), "plane")
    factor = numpy_helper.from_array(np.array(gain, np.float32), "gain")
    shape = numpy_helper.from_array(np.array([1, 1, 1], np.int64), "shape")
    nodes = [
        helper.make_node("Slice", ["picture", "a", "b", "axis"], ["red"]),
        helper.make_node("ReduceMean", ["red", "plane"], ["mean"]),
        helper.make_node("Reshape", ["mean", "shape"], ["one"]),
        helper.make_node("Mul", ["one", "gain"], ["score"]),
        helper.make_node("Concat", ["box", *scores * ["score"]], ["out"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "red",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 4 + scores, 1])],
        [box, first, last, axis, plane, shape, factor],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(made)
    content = made.SerializeToString()
    (folder / "red.onnx").write_bytes(content)
    np.save(folder / "picture.npy", reddish(204))
    np.save(folder / "output.npy", np.array([[[32.0], [32.0], [16.0], [32.0], *scores * [[0.8 * gain]]]], np.float32))
    settings: dict[str, object] = {
        "file": "red.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "width": SIDE,
        "height": SIDE,
        "layout": "yolov8",
    } | changes
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    manifest = folder / "red.toml"
    manifest.write_text(
        "\n".join(lines)
        + f'\n[classes]\n{classes}\n[golden]\npicture = "picture.npy"\noutput = "output.npy"\n[golden.found]\n{found}\n'
    )
    return manifest


def reddish(red: int, height: int = 64, width: int = 64) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, :, 0] = red
    return picture
