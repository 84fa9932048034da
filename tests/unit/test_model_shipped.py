"""The detector that the package brings: it is what its manifest says, and answers in bounds."""

from __future__ import annotations

import numpy as np
import pytest

from courtyard.agent.vision.model import Model, load
from courtyard.agent.vision.shipped import MANIFEST

LARGEST = 10_000_000


@pytest.fixture(scope="module")
def model() -> Model:
    return load(MANIFEST)


def test_it_passes_its_golden_check_and_knows_ebikes_and_persons(model: Model) -> None:
    assert set(model.manifest.classes.values()) == {"ebike", "person"}
    assert model.manifest.score == 0.5


def test_it_is_small_enough_for_the_package() -> None:
    assert MANIFEST.with_name("ebike.onnx").stat().st_size <= LARGEST


@pytest.mark.parametrize("shade", [0, 128, 255])
@pytest.mark.parametrize("shape", [(234, 416), (360, 640), (480, 480)])
def test_an_even_picture_holds_nothing(model: Model, shade: int, shape: tuple[int, int]) -> None:
    seen = model.look(np.full((*shape, 3), shade, np.uint8), least=0.5)
    assert seen.detections == ()


def test_one_ebike_at_most_in_a_picture_and_inside_it(model: Model) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (234, 416, 3), np.uint8)
    found = [each for each in model.look(picture, least=0.0).detections if each.label == "ebike" and each.score > 0]
    assert len(found) <= 1
    assert all(0 <= side <= 1 for each in found for side in each.box)
