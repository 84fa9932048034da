"""`courtyard vision`: what a detector says of pictures and streams, and the setting up of lifts."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from courtyard.agent.control import Refused
from courtyard.agent.vision.shipped import MANIFEST
from courtyard.drivers.base import Text

if TYPE_CHECKING:
    from courtyard.agent.vision.model import Model

ACTIONS: Final[Mapping[str, str]] = {
    "score": "vision_score",
    "watch": "vision_watch",
    "region": "vision_region",
    "calibrate": "vision_calibrate",
    "evidence": "vision_evidence",
    **dict.fromkeys(("retrain", "activate", "rollback", "forget", "mark", "heads"), "vision_retrain"),
    "models": "vision_models",
}


def run(options: argparse.Namespace) -> int:
    """Exit status of the action.  Raises DriverError and Refused."""
    from courtyard.agent.cli import vision_models

    if options.action in ("activate", "rollback"):
        models = [vision_models.is_model(options.data, target) for target in options.targets]
        if any(models) and not all(models):
            raise Refused(Text("lifts or a model, not both", "电梯与模型请分开操作").say(options.lang), exit_status=2)
        if all(models):
            return vision_models.run(options)
    action = importlib.import_module(f"courtyard.agent.cli.{ACTIONS[options.action]}")
    return int(action.run(options))


def model_of(options: argparse.Namespace) -> Model:
    """The detector that was named, or the product's own.  Raises DriverError."""
    from courtyard.agent.vision.model import load

    return load(options.model or MANIFEST)
