"""Evidence as it lies on the disk: decoded again and looked at, and counted over many events."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from courtyard.agent.vision.album import AFTER_S, BEFORE_S, Album
from courtyard.agent.vision.evidence import Picture, Store
from courtyard.agent.vision.messages import Keep
from courtyard.agent.vision.regions import Box
from courtyard.agent.vision.tracker import Detection

WIDTH, HEIGHT = 320, 192
LOOKS_HZ = 5
MARK = 16
"""Pixels of the corner whose grey says which picture it is."""
EBIKE = Detection("ebike", 0.9, Box(0.0, 0.6, 0.2, 1.0))


def scene(number: int) -> Picture:
    """Hard stripes of one pixel pair everywhere; the corner tells the number, in steps that JPEG keeps apart."""
    rows, columns = np.indices((HEIGHT, WIDTH))
    grey = (((rows // 2 + columns // 2) % 2) * 255).astype(np.uint8)
    grey[-MARK:, -MARK:] = number * 2
    return np.repeat(grey[..., None], 3, axis=2)


def walkers(number: int) -> tuple[Box, Box]:
    """One goes from left to right, one stands."""
    left = 0.05 + 0.006 * number
    return Box(left, 0.1, left + 0.25, 0.85), Box(0.7, 0.25, 0.95, 1.0)


def seen(number: int) -> tuple[Detection, ...]:
    return EBIKE, *(Detection("person", 0.06, box) for box in walkers(number))


def decoded(content: bytes) -> Iterator[tuple[float, Picture]]:
    """Time in seconds and picture."""
    with av.open(io.BytesIO(content)) as container:
        for frame in container.decode(video=0):
            assert frame.time is not None
            yield frame.time, np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def told(picture: Picture) -> int:
    """The number in its corner; colours come back from JPEG about one step darker."""
    return round((float(picture[-MARK + 4 : -4, -MARK + 4 : -4].mean()) + 1) / 2)


def sharpness(picture: Picture, box: Box, first: float, last: float) -> float:
    """How much neighbours differ, from `first` to `last` of the box's height (0 to 1), a little inside of it."""
    high, inset = box.bottom - box.top, 4
    rows = slice(
        round((box.top + first * high) * HEIGHT) + inset,
        round((box.top + last * high) * HEIGHT) - inset,
    )
    columns = slice(round(box.left * WIDTH) + inset, round(box.right * WIDTH) - inset)
    part = picture[rows, columns].astype(float).mean(axis=2)
    return float(np.abs(np.diff(part, axis=1)).mean())


def test_every_picture_of_a_clip_hides_the_heads_where_they_were_and_shows_the_rest(tmp_path: Path) -> None:
    album, event = Album(Store(tmp_path, 50_000_000), knows_people=True), 60
    for number in range(event + int(AFTER_S * LOOKS_HZ) + 10):
        album.put(scene(number), seen(number), number / LOOKS_HZ)
        if number == event:
            album.keep(Keep("lift-1", "event", event / LOOKS_HZ, small=False))
        list(album.due(number / LOOKS_HZ))
    film = list(decoded((tmp_path / "event.avi").read_bytes()))
    numbers = [told(picture) for _, picture in film]
    assert numbers == list(range(event - int(BEFORE_S * LOOKS_HZ), event + int(AFTER_S * LOOKS_HZ) + 1))
    assert film[-1][0] - film[0][0] == BEFORE_S + AFTER_S
    ((_, still),) = decoded((tmp_path / "event.jpg").read_bytes())
    for picture in (*(picture for _, picture in film), still):
        for box in walkers(told(picture)):
            head, body = sharpness(picture, box, 0, 1 / 3), sharpness(picture, box, 1 / 3, 1)
            assert head < 5, "one colour for many pixels"
            assert body > 50


def test_many_events_never_outgrow_the_quota_and_the_newest_is_whole_also_after_a_restart(tmp_path: Path) -> None:
    quota, number = 2_500_000, 0
    store = Store(tmp_path, quota)
    for event in range(24):
        if event % 8 == 7:
            store = Store(tmp_path, quota)
        albums = [Album(store, knows_people=True) for _ in range(2)]
        for _ in range(12):
            number += 1
            for album in albums:
                album.put(scene(number % 100), seen(number % 100), number / LOOKS_HZ)
        names = [f"20261123T{event:06}Z-lift-{lift}" for lift in range(2)]
        for album, name in zip(albums, names, strict=True):
            album.keep(Keep("lift", name, number / LOOKS_HZ, small=False))
            (kept,) = album.due(number / LOOKS_HZ + AFTER_S)
            assert (kept.picture, kept.clip, kept.error) == (f"{name}.jpg", f"{name}.avi", "")
            files = list(tmp_path.iterdir())
            assert sum(path.stat().st_size for path in files) <= quota
            assert len(list(decoded((tmp_path / kept.clip).read_bytes()))) == 12
            assert len(list(decoded((tmp_path / kept.picture).read_bytes()))) == 1
    assert min(path.name for path in tmp_path.iterdir()) > "20261123T000000Z", "the oldest went first"
    assert len(list(tmp_path.iterdir())) > 4
