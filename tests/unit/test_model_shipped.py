"""The detector that the package brings: it is what its manifest says, and answers in bounds."""

from __future__ import annotations

import numpy as np
import pytest

from courtyard.agent.vision.model import Model, load
from courtyard.agent.vision.shipped import MANIFEST
from hw_sim.lift import Studio

LARGEST = 10_000_000
WIDTH, HEIGHT, STILLS = 416, 234, 20


@pytest.fixture(scope="module")
def model() -> Model:
    return load(MANIFEST)


def test_it_passes_its_golden_check_and_knows_ebikes_and_persons(model: Model) -> None:
    assert set(model.manifest.classes.values()) == {"ebike", "person"}
    assert (model.manifest.score, model.manifest.voting, model.manifest.closer) == (0.5, 0.5, True)


def test_it_is_small_enough_for_the_package() -> None:
    assert MANIFEST.with_name("ebike.onnx").stat().st_size <= LARGEST


@pytest.mark.parametrize("shade", [0, 128, 255])
@pytest.mark.parametrize("shape", [(234, 416), (360, 640), (480, 480)])
def test_an_even_picture_holds_nothing(model: Model, shade: int, shape: tuple[int, int]) -> None:
    seen = model.look(np.full((*shape, 3), shade, np.uint8), least=0.5)
    assert seen.detections == ()


def test_boxes_are_inside_the_picture(model: Model) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (234, 416, 3), np.uint8)
    found = model.look(picture, least=0.0).detections
    assert found
    assert all(0 <= side <= 1 for each in found for side in each.box)


def test_it_tells_ebikes_of_unlearned_shape_from_an_empty_car(model: Model) -> None:
    studio = Studio(geometry="test", width=WIDTH, height=HEIGHT)
    rng = np.random.default_rng(3)

    def score(*contents: str) -> float:
        seen = model.look(np.ascontiguousarray(studio.still(rng, contents).bgr[..., ::-1]), least=0.0).detections
        return max((each.score for each in seen if each.label == "ebike"), default=0.0)

    ebikes, others = ([score(*contents) for _ in range(STILLS)] for contents in (("ebike", "person"), ("person",)))
    assert np.mean([(np.array(others) < each).mean() for each in ebikes]) >= 0.8
    assert np.mean(np.array(others) >= 0.5) <= 0.1
