"""The small picture that is searched for motion: as bright as FFmpeg's own, of any size and format."""

from __future__ import annotations

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange

from courtyard.drivers.camera.luma import grey, small
from courtyard.drivers.camera.picture import HEIGHT, MOVING_SHARE, WIDTH, MotionGate

FORMATS = ("yuv420p", "yuvj420p", "yuv422p", "yuv444p", "nv12", "gray", "rgb24", "yuv420p10le")
SIZES = ((640, 360), (704, 576), (640, 480), (352, 288), (1280, 720), (162, 92))


def shown(width: int, height: int, kind: str = "yuv420p", *, thing: float = 0.0) -> av.VideoFrame:
    """A car with soft light and a dark thing of this share of its width."""
    rows, columns = np.mgrid[:height, :width]
    light = 90 + 60 * np.sin(3 * rows / height) + 40 * np.cos(5 * columns / width)
    light[height // 3 :, width // 3 : round(width * (1 / 3 + thing))] = 20
    picture = np.repeat(light.astype(np.uint8)[:, :, None], 3, axis=2)
    return av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=kind)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_it_is_as_bright_as_a_converted_picture(kind: str, width: int, height: int) -> None:
    frame = shown(width, height, kind, thing=0.2)
    converted = frame.reformat(width=WIDTH, height=HEIGHT, format="gray").to_ndarray()
    found = grey(frame)
    assert found.shape == (HEIGHT, WIDTH)
    assert found.dtype == np.uint8
    apart = np.abs(found.astype(int) - converted)
    assert np.median(apart) <= 2
    assert (apart > 20).mean() < 0.03  # the edges of the thing, by half a point


def test_padding_of_the_decoder_is_no_part_of_the_picture() -> None:
    frame = shown(354, 288)
    assert frame.planes[0].line_size > frame.width
    assert grey(frame)[:, -1].min() > 0


@pytest.mark.parametrize(("is_full", "lowest", "highest"), [(True, 16, 235), (False, 0, 255)])
def test_the_range_of_a_video_is_stretched(is_full: bool, lowest: int, highest: int) -> None:
    levels = [small(np.full((360, 640), level, np.uint8), is_full=is_full) for level in (16, 235)]
    assert [int(each.mean()) for each in levels] == [lowest, highest]


def test_a_full_range_that_only_the_stream_names_is_heeded() -> None:
    frame = shown(640, 360)
    narrow = grey(frame)
    frame.color_range = ColorRange.JPEG
    assert int(grey(frame).max()) <= int(narrow.max())


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_gate_opens_for_a_thing_and_not_for_noise(width: int, height: int) -> None:
    random = np.random.default_rng(7)
    gate, still = MotionGate(), np.asarray(shown(width, height).reformat(format="gray").to_ndarray(), np.int16)

    def noisy(plane: np.ndarray) -> float:
        grain = random.normal(0, 6, plane.shape)
        return gate.share(small(np.clip(plane + grain, 0, 255).astype(np.uint8), is_full=True))

    assert all(noisy(still) < MOVING_SHARE for _ in range(10))
    entering = np.asarray(shown(width, height, thing=0.05).reformat(format="gray").to_ndarray(), np.int16)
    assert noisy(entering) > MOVING_SHARE
