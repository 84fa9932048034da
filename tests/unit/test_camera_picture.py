"""Frozen, black and covered pictures, motion, the age of pictures, and how they are handed on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from courtyard.drivers.camera.frames import MOST_PIXELS, PLACES, FrameBoard
from courtyard.drivers.camera.picture import (
    DARK_S,
    FROZEN_S,
    HEIGHT,
    MOVING_SHARE,
    WIDTH,
    Age,
    Grey,
    Health,
    MotionGate,
    is_black,
    is_covered,
)
from courtyard.drivers.camera.stream import fitted
from hw_sim.camera.film import moving_pattern

RANDOM = np.random.default_rng(1)


def grey(seconds: float, noise: float = 2.0) -> Grey:
    """The simulated room, with the noise of a sensor."""
    plane = moving_pattern(seconds, WIDTH, HEIGHT).mean(axis=2)
    return np.clip(plane + RANDOM.normal(0, noise, plane.shape), 0, 255).astype(np.uint8)


def even(level: float, noise: float = 1.0) -> Grey:
    return np.clip(RANDOM.normal(level, noise, (HEIGHT, WIDTH)), 0, 255).astype(np.uint8)


def test_black_covered_and_good_pictures() -> None:
    assert is_black(even(16))
    assert is_covered(even(120))
    assert not is_black(even(120))
    assert not is_covered(even(16)), "black is black, not covered"
    assert not is_black(grey(0))
    assert not is_covered(grey(0))
    dim = (grey(0) * 0.4).astype(np.uint8)
    assert not is_black(dim)
    assert not is_covered(dim)


@pytest.mark.parametrize(("picture", "trouble"), [(even(16), "black"), (even(130), "covered")])
def test_a_dark_picture_is_a_condition_after_a_while(picture: Grey, trouble: str) -> None:
    health = Health()
    assert health.look(grey(0), 0.0) is None
    assert health.look(picture, 1.0) is None
    assert health.look(picture, 1.0 + DARK_S) == trouble
    assert health.look(grey(0), 2.0 + DARK_S) is None


def test_a_picture_that_stands_still_is_frozen_and_sensor_noise_is_not() -> None:
    health, still = Health(), grey(0)
    for second in range(int(FROZEN_S)):
        assert health.look(still, float(second)) is None
    assert health.look(still, FROZEN_S) == "frozen"
    assert health.look(grey(0), FROZEN_S + 1) is None
    for second in range(100):
        assert health.look(grey(0), FROZEN_S + 2 + second) is None


def test_motion_is_seen_and_light_is_not() -> None:
    gate = MotionGate()
    assert gate.share(grey(0)) == 0.0
    assert all(gate.share(grey(0)) < MOVING_SHARE for _ in range(20))
    lit = np.clip(grey(0).astype(np.int16) + 25, 0, 255).astype(np.uint8)
    assert gate.share(lit) < MOVING_SHARE
    assert gate.share(grey(0.5)) > MOVING_SHARE


def test_age_follows_delay_not_the_drift_of_clocks() -> None:
    age = Age()
    assert age.of(100.0, 5.0) == 0.0
    assert age.of(101.0, 6.02) == pytest.approx(0.02, abs=0.005)
    assert age.of(102.0, 9.5) == pytest.approx(2.5, abs=0.01)
    hours = [age.of(106.0 + second * 0.9999, 11.0 + second) for second in range(4 * 3600)]
    assert max(hours[100:]) < 0.1, "a clock that is slow by 100 in a million makes nothing stale"


def test_the_newest_picture_wins_and_is_whole(tmp_path: Path) -> None:
    writer, reader = FrameBoard(tmp_path / "cam"), FrameBoard(tmp_path / "cam")
    assert reader.newest() is None
    for number in range(1, 3 * PLACES):
        writer.put(bytes([number]) * 12, 2, 2, float(number), 0.5)
        frame = reader.newest()
        assert frame is not None
        assert (frame.number, frame.at_s, frame.pixels) == (number, float(number), bytes([number]) * 12)
    assert reader.newest(after=3 * PLACES - 1) is None
    with pytest.raises(ValueError, match="picture"):
        writer.put(b"", 4000, 4000, 0.0, 0.0)
    writer.close()
    again = FrameBoard(tmp_path / "cam")
    assert again.put(bytes(12), 2, 2, 0.0, 0.0) == 3 * PLACES, "numbers go on after a restart of the writer"


@pytest.mark.parametrize("size", [(640, 360), (1920, 1080), (352, 288), (1080, 1920), (3, 5)])
def test_pictures_are_made_to_fit(size: tuple[int, int]) -> None:
    width, height = fitted(*size)
    assert width * height <= MOST_PIXELS
    assert width % 2 == height % 2 == 0
    assert width / height == pytest.approx(size[0] / size[1], rel=0.7 if size == (3, 5) else 0.02)
