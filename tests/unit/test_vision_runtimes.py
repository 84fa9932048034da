"""Where onnxruntime is missing, OpenCV runs what passes its golden check."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from courtyard.agent.vision.model import load
from courtyard.agent.vision.runtimes import Opened, opencv
from courtyard.agent.vision.shipped import MANIFEST
from courtyard.drivers.base import DriverError
from hw_sim.lift import Studio
from tests.vision_rig import make, reddish


def missing(content: bytes) -> Opened:
    raise ImportError


def broken(content: bytes) -> Opened:
    """Runs, and says something else."""
    session, name, outputs = opencv(content)

    class Off:
        def run(self, names: object, inputs: object, /) -> object:
            return [each + 0.1 for each in session.run(outputs, inputs)]  # type: ignore[arg-type]

    return Opened(Off(), name, outputs)


def test_the_first_that_is_installed_runs_the_model_and_both_see_the_same() -> None:
    still = Studio(geometry="test").still(np.random.default_rng(3), ("ebike", "person"))
    picture = np.ascontiguousarray(still.bgr[..., ::-1])
    usual, other = load(MANIFEST).look(picture), load(MANIFEST, (missing, opencv)).look(picture)
    assert usual.detections
    assert [each.label for each in other.detections] == [each.label for each in usual.detections]
    for one, two in zip(usual.detections, other.detections, strict=True):
        assert (two.score, *two.box) == pytest.approx((one.score, *one.box), abs=0.01)


def test_a_small_model_runs_too(tmp_path: Path) -> None:
    (seen,) = load(make(tmp_path), (opencv,)).look(reddish(204)).detections
    assert seen.score == pytest.approx(0.8, abs=0.01)


def test_what_gives_another_output_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DriverError) as refused:
        load(make(tmp_path), (missing, broken))
    assert refused.value.fault.code == "model.golden"


def test_without_any_the_cure_is_named(tmp_path: Path) -> None:
    with pytest.raises(DriverError) as refused:
        load(make(tmp_path), (missing, missing))
    assert refused.value.fault.code == "model.runtime"
    assert "onnxruntime" in refused.value.fault.cure.en


def test_what_it_cannot_read_is_refused(tmp_path: Path) -> None:
    manifest = make(tmp_path, sha256=hashlib.sha256(b"nonsense").hexdigest())
    (tmp_path / "red.onnx").write_bytes(b"nonsense")
    with pytest.raises(DriverError) as refused:
        load(manifest, (opencv,))
    assert refused.value.fault.code == "model.onnx"
