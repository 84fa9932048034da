"""The pictures of an event: heads blurred before anything is encoded, a clip of its seconds, bounded."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import av
import numpy as np
import pytest

from courtyard.agent.vision.album import AFTER_S, BEFORE_S, SMALL_BYTES, Album, hidden
from courtyard.agent.vision.evidence import Picture, Store
from courtyard.agent.vision.messages import Keep
from courtyard.agent.vision.regions import Box
from courtyard.agent.vision.tracker import Detection

PERSON = Detection("person", 0.9, Box(0.25, 0.0, 0.75, 0.75))
EBIKE = Detection("ebike", 0.9, Box(0.5, 0.5, 1.0, 1.0))


def chequered() -> Picture:
    rows, columns = np.indices((96, 128))
    return np.repeat((((rows // 4 + columns // 4) % 2) * 255).astype(np.uint8)[..., None], 3, axis=2)


def decoded(content: bytes) -> list[Picture]:
    with av.open(io.BytesIO(content)) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def test_an_event_has_a_picture_and_ten_seconds_with_the_heads_blurred(tmp_path: Path) -> None:
    album = Album(Store(tmp_path, 10_000_000), knows_people=True)
    for number in range(100):
        album.put(chequered(), (PERSON, EBIKE), number / 5)
        if number == 50:
            album.keep(Keep("lift-1", "event", 10.0, small=True))
        assert not list(album.due(number / 5)) or number / 5 >= 10.0 + AFTER_S
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert kept.keys() == {"event.jpg", "event.avi"}
    film = decoded(kept["event.avi"])
    assert len(film) == 5 * (BEFORE_S + AFTER_S) + 1
    for shown in (film[0], film[-1], decoded(kept["event.jpg"])[0]):
        head, rest = shown[2:20, 36:90], shown[60:, :30]
        assert head.std() < 30 < rest.std()


def test_a_small_picture_fits_into_a_record(tmp_path: Path) -> None:
    album = Album(Store(tmp_path, 10_000_000), knows_people=True)
    album.put(np.zeros((480, 640, 3), np.uint8), (EBIKE,), 1.0)
    album.keep(Keep("lift-1", "event", 1.0, small=True))
    (kept,) = album.due(1.0 + AFTER_S)
    small = base64.b64decode(kept.small)
    assert 0 < len(small) <= SMALL_BYTES
    assert decoded(small)[0].shape == (240, 320, 3)


def test_nothing_to_show_is_said(tmp_path: Path) -> None:
    album = Album(Store(tmp_path, 10_000_000), knows_people=True)
    album.keep(Keep("lift-1", "event", 1.0, small=False))
    (kept,) = album.due(100.0)
    assert (kept.picture, kept.error) == ("", "no picture")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seen", [(), (PERSON,), (EBIKE,)])
def test_a_model_that_knows_no_people_shows_no_more_than_the_lower_half_of_an_ebike(
    seen: tuple[Detection, ...],
) -> None:
    shown = 1.0 - sum(box.area for box in hidden(seen, knows_people=False))
    assert shown == pytest.approx(0.125 if EBIKE in seen else 0.0)
