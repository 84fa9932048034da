"""A second look sees what the first one suspects, larger, and only it is judged anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtyard.agent.vision import closer
from courtyard.agent.vision.model import load
from courtyard.agent.vision.regions import Box
from courtyard.agent.vision.tracker import Detection
from tests.vision_rig import make, reddish

SHARE = st.floats(0.0, 1.0)
SIDES = st.tuples(SHARE, SHARE).map(sorted)
LARGE, SMALL = Box(0.1, 0.1, 0.9, 0.9), Box(0.4, 0.4, 0.5, 0.5)


@given(SIDES, SIDES, st.integers(1, 700), st.integers(1, 700), st.sampled_from((0.5, 1.0, 1.5)))
def test_the_part_is_in_the_picture_and_around_the_thing(
    across: list[float], down: list[float], width: int, height: int, aspect: float
) -> None:
    y, x = np.mgrid[0:height, 0:width]
    picture = np.stack([x % 256, x // 256, y % 256], 2).astype(np.uint8)
    box = Box(across[0], down[0], across[1], down[1])
    part = closer.part(picture, box, aspect)
    assert part.shape[0] >= 1
    assert part.shape[1] >= min(width, int(closer.SMALLEST * width))
    left = int(part[0, 0, 0]) + 256 * int(part[0, 0, 1])
    middle = (box.left + box.right) / 2 * width
    assert left <= middle + 1
    assert middle - 1 <= left + part.shape[1]


@given(SHARE, st.lists(SHARE, max_size=3))
def test_a_second_look_can_only_clear_what_is_suspected(one: float, others: list[float]) -> None:
    suspected = Detection("ebike", one, SMALL)
    (judged,) = closer.judged([suspected], suspected, [Detection("ebike", each, LARGE) for each in others])
    assert judged.score == min(one, max(others, default=0.0))
    assert judged.box == SMALL


@pytest.mark.parametrize(("score", "label", "worth"), [
    (0.05, "ebike", False), (0.1, "ebike", True), (0.9, "ebike", True), (0.95, "ebike", False), (0.5, "person", False),
])  # fmt: skip
def test_only_a_suspected_ebike_is_worth_a_second_look(score: float, label: str, worth: bool) -> None:
    assert (closer.suspect([Detection(label, score, SMALL)]) is not None) is worth


def test_nothing_else_changes_and_the_surest_comes_first() -> None:
    suspected, other, person = (
        Detection("ebike", 0.4, SMALL), Detection("ebike", 0.3, LARGE), Detection("person", 0.8, LARGE),
    )  # fmt: skip
    found = (person, suspected, other)
    assert closer.suspect(found) is suspected
    judged = closer.judged(found, suspected, [])
    assert [each.box for each in judged] == [LARGE, LARGE, SMALL]
    assert judged[:2] == (person, other)
    assert judged[2].score == 0.0


def test_a_model_that_looks_closer_clears_what_is_not_in_the_middle(tmp_path: Path) -> None:
    picture = reddish(204, 120, 120)
    picture[30:90, 30:90, 0] = 0
    (tmp_path / "twice").mkdir()
    once = load(make(tmp_path)).look(picture).detections
    twice = load(make(tmp_path / "twice", closer=True)).look(picture).detections
    assert once[0].score == pytest.approx(0.6, abs=0.01)
    assert twice[0].score == pytest.approx(0.8 * (1 - (60 / 78) ** 2), abs=0.02)
    assert twice[0].box == once[0].box
