"""Evidence never shows a head and never outgrows its bounds."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.agent.lift_watch import former
from courtyard.agent.vision.evidence import MOSAIC, Moment, Ring, Store, blurred, heads
from courtyard.agent.vision.regions import Box
from courtyard.agent.vision.tracker import Detection
from courtyard.config.lifts import MOST_WORKERS
from tests.gateway_rig import examples

shares = st.floats(0, 1)
boxes = st.builds(
    lambda x, y, w, h: Box(x, y, min(1.0, x + w), min(1.0, y + h)), shares, shares, st.floats(0.05, 1), shares
)


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(boxes, max_size=4))
def test_every_head_is_left_with_a_few_colours_and_nothing_else_is_touched(people: list[Box]) -> None:
    picture = np.random.default_rng(7).integers(0, 256, (45, 80, 3), np.uint8)
    before = picture.copy()
    found = [Detection("person", 0.1, box) for box in people] + [Detection("ebike", 0.9, Box(0, 0, 1, 1))]
    told = heads(found)
    assert len(told) == len(people)
    seen = blurred(picture, told)
    assert (picture == before).all()
    touched = np.zeros(picture.shape[:2], bool)
    for box in told:
        rows = slice(int(box.top * 45), int(np.ceil(box.bottom * 45)))
        columns = slice(int(box.left * 80), int(np.ceil(box.right * 80)))
        touched[rows, columns] = True
        if len(people) == 1:
            assert len(np.unique(seen[rows, columns].reshape(-1, 3), axis=0)) <= MOSAIC * MOSAIC
    assert (seen[~touched] == picture[~touched]).all()


def test_a_head_is_the_upper_third_of_a_person() -> None:
    (head,) = heads([Detection("person", 0.9, Box(0.2, 0.3, 0.4, 0.9)), Detection("pram", 0.9, Box(0, 0, 1, 1))])
    assert tuple(head) == pytest.approx((0.2, 0.3, 0.4, 0.5))


@given(st.lists(st.integers(0, 40), max_size=60))
def test_a_ring_keeps_the_newest_within_its_bytes(sizes: list[int]) -> None:
    ring = Ring(30)
    taken = [Moment(float(n), bytes(size)) for n, size in enumerate(sizes) if ring.put(Moment(float(n), bytes(size)))]
    kept = ring.between(0, len(sizes))
    assert sum(len(moment.encoded) for moment in kept) == ring.size <= 30
    assert list(kept) == taken[len(taken) - len(kept) :]
    if len(kept) < len(taken):
        assert ring.size + len(taken[-len(kept) - 1].encoded) > 30


@settings(max_examples=examples(20), deadline=None)
@given(st.lists(st.integers(0, 50), max_size=12))
def test_a_store_keeps_the_newest_within_its_quota(sizes: list[int]) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name) / "evidence"
        store = Store(folder, 100)
        for number, size in enumerate(sizes):
            assert store.keep(f"{number:04}.jpg", bytes(size)) == folder / f"{number:04}.jpg"
            files = sorted(folder.iterdir())
            assert sum(path.stat().st_size for path in files) <= 100
            assert files[-1].name == f"{number:04}.jpg"
            assert [int(path.stem) for path in files] == list(range(number + 1 - len(files), number + 1))


def test_a_smaller_quota_and_fewer_processes_make_room_at_the_start(tmp_path: Path) -> None:
    folder, gone, kept = (tmp_path / name for name in ("pictures", "pictures-1", "pictures-2"))
    for number, where in enumerate((folder, gone, folder, gone, folder)):
        assert Store(where, 100).keep(f"{number:04}.jpg", bytes(20))
    (gone / "0005.jpg.part").write_bytes(b"torn")
    Store(folder, 70, (gone, kept))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["0002.jpg", "0003.jpg", "0004.jpg", "pictures"]


def test_a_site_with_fewer_processes_names_what_others_left() -> None:
    assert former("/x/pictures", 2) == ("/x/pictures-2", "/x/pictures-3")
    assert former("/x/pictures", MOST_WORKERS) == former("", 1) == ()


def test_what_is_too_large_or_no_name_is_not_kept_and_torn_files_go_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "0001.jpg.part").write_bytes(b"torn")
    store = Store(tmp_path, 10)
    assert list(tmp_path.iterdir()) == []
    assert store.keep("0002.jpg", bytes(11)) is None
    with pytest.raises(ValueError, match="no name"):
        store.keep("../0003.jpg", b"x")
