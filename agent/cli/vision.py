"""`courtyard vision`: what a detector says of pictures and streams, and the setting up of lifts."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from courtyard.agent.vision.shipped import MANIFEST

if TYPE_CHECKING:
    from courtyard.agent.vision.model import Model, Picture

ACTIONS: Final[Mapping[str, str]] = {
    "score": "vision_score",
    "watch": "vision_watch",
    "region": "vision_region",
    "calibrate": "vision_calibrate",
    "evidence": "vision_evidence",
    **dict.fromkeys(("retrain", "activate", "rollback", "forget", "mark", "heads"), "vision_retrain"),
}


def run(options: argparse.Namespace) -> int:
    """Exit status of the action.  Raises DriverError and Refused."""
    action = importlib.import_module(f"courtyard.agent.cli.{ACTIONS[options.action]}")
    return int(action.run(options))


def model_of(options: argparse.Namespace) -> Model:
    """The detector that was named, or the product's own.  Raises DriverError."""
    from courtyard.agent.vision.model import load

    return load(options.model or MANIFEST)


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
