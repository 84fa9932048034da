"""`courtyard vision`: what a detector says of pictures and streams, and the setting up of lifts."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from courtyard.agent.vision.shipped import MANIFEST
from courtyard.drivers.base import DriverError, Fault, Text

if TYPE_CHECKING:
    from courtyard.agent.vision.model import Model, Picture

NO_MODEL: Final = Fault(
    "model.none",
    Text("No detector was named.", "未指定检测模型。"),
    Text(
        "Name the manifest of an ONNX model: --model MANIFEST.toml.",
        "请指定 ONNX 模型的清单文件：--model 清单.toml。",
    ),
)
ACTIONS: Final[Mapping[str, str]] = {
    "score": "vision_score",
    "watch": "vision_watch",
    "region": "vision_region",
    "calibrate": "vision_calibrate",
    "evidence": "vision_evidence",
}


def run(options: argparse.Namespace) -> int:
    """Exit status of the action.  Raises DriverError and Refused."""
    action = importlib.import_module(f"courtyard.agent.cli.{ACTIONS[options.action]}")
    return int(action.run(options))


def model_of(options: argparse.Namespace) -> Model:
    """The detector that was named, or the product's own.  Raises DriverError."""
    manifest = options.model or (MANIFEST if MANIFEST.exists() else None)
    if manifest is None:
        raise DriverError(NO_MODEL)
    from courtyard.agent.vision.model import load

    return load(manifest)


def picture_of(path: Path) -> Picture:
    """A picture file.  Raises OSError, ValueError."""
    import av

    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                return frame.to_ndarray(format="rgb24").astype("uint8", copy=False)
    except av.FFmpegError as error:
        raise ValueError(str(error)) from error
    raise ValueError("no picture")
