"""The parts of a lift's own head: what is kept, what is learned, what is refused, what acts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from courtyard.agent.vision import own_head
from courtyard.agent.vision.decoders import Fit
from courtyard.agent.vision.lessons import MOST, Gathering, Looks, Recent, read_looks, write_looks
from courtyard.agent.vision.own_head import MARKED, NoHead, identity, read_head
from courtyard.agent.vision.regions import Region
from courtyard.agent.vision.retraining import MOST_LOST, base_file, read_base, retrained
from courtyard.agent.vision.surroundings import NoGrid, described, grid
from courtyard.agent.vision.verdicts import LEAST, columns, judged, surest
from courtyard.drivers.base import DriverError
from tests.retraining_rig import COLUMNS, MODEL, base, head, look, overlooked, prams, write_base

FIT = Fit(64, 64, 0, 0, (64, 64))


def test_a_cell_is_described_by_itself_and_by_what_is_around_it() -> None:
    features = np.zeros((1, 2, 24), np.float32)
    features[0, 1, 8] = 7.0  # of 4 x 6 cells: row 1, column 2
    rows = described(features, 288, 192)
    assert rows.shape == (24, 4)
    assert rows[8].tolist() == [0, 7, 0, 7]
    near = [number for number in range(24) if rows[number, 3] == 7]
    assert near == [6 * down + across for down in range(4) for across in range(5)]
    assert grid(288, 192, 216) == (12, 18)
    for rows_of_none in (0, 7, 217):
        with pytest.raises(NoGrid):
            grid(288, 192, rows_of_none)


def test_the_highest_looks_are_kept_one_of_a_moment_within_a_bound(tmp_path: Path) -> None:
    gathering = Gathering(tmp_path / "gathered.npz", MODEL)
    for number in range(MOST + 50):
        gathering.take(look(number * 10_000, number / 100))
    assert len(gathering) == MOST
    gathering.take(look(99_000_000, 50.0))
    gathering.take(look(99_000_200, 40.0))
    gathering.take(look(99_000_400, 60.0))
    gathering.save()
    kept = read_looks(tmp_path / "gathered.npz", MODEL)
    assert len(kept.logits) == MOST
    assert sorted(kept.logits)[-2:] == [pytest.approx((MOST + 49) / 100), 60.0]
    again = Gathering(tmp_path / "gathered.npz", MODEL)
    assert len(again) == MOST
    assert len(Gathering(tmp_path / "gathered.npz", "another")) == 0
    (tmp_path / "gathered.npz").unlink()
    again.take(look(199_000_000, 70.0))
    again.save()
    assert len(again) == 0, "deleted files are not written again"
    assert not (tmp_path / "gathered.npz").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nonsense", b"\x93NUMPY" + b"\0" * 40])
def test_a_file_that_cannot_be_read_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "gathered.npz").write_bytes(content)
    assert len(read_looks(tmp_path / "gathered.npz", MODEL).logits) == 0


def test_looks_that_are_no_numbers_are_none(tmp_path: Path) -> None:
    write_looks(tmp_path / "x.npz", MODEL, Looks.of([look(1, 0.0, float("nan"))]))
    assert len(read_looks(tmp_path / "x.npz", MODEL).logits) == 0


def test_an_event_is_kept_and_marked_and_forgotten(tmp_path: Path) -> None:
    folder = own_head.lessons_folder(tmp_path, "lift-1")
    recent = Recent(folder / own_head.EVENTS, MODEL)
    recent.keep("nothing")
    for number in range(100):
        recent.take(look(number * 500, number / 10))
    recent.keep("20261122T063001Z-lift-1")
    assert own_head.mark(tmp_path, "20261122T063001Z-lift-1") == "lift-1"
    kept = read_looks(folder / MARKED / "20261122T063001Z-lift-1.npz", MODEL)
    assert min(kept.at_ms) >= (99 - 30) * 500
    assert max(kept.logits) == pytest.approx(9.9)
    for name in ("20261122T063001Z-lift-1", "nothing", "..", "*", "x/y", ""):
        with pytest.raises(NoHead):
            own_head.mark(tmp_path, name)
    own_head.propose(tmp_path, head())
    assert own_head.forget(tmp_path, "lift-1") == 2
    assert read_head(tmp_path, "lift-1", "trial") is None
    for name in ("", "..", "a/b", ".hidden"):
        with pytest.raises(ValueError, match="no lift"):
            own_head.forget(tmp_path, name)


def test_heads_go_from_trial_to_acting_and_back(tmp_path: Path) -> None:
    with pytest.raises(NoHead):
        own_head.activate(tmp_path, "lift-1", "wang", 7)
    with pytest.raises(NoHead):
        own_head.roll_back(tmp_path, "lift-1")
    first, second = head(bias=-1.0), head(bias=-2.0)
    assert first.digest != second.digest
    own_head.propose(tmp_path, first)
    assert read_head(tmp_path, "lift-1", "active") is None
    acting = own_head.activate(tmp_path, "lift-1", "wang", 7)
    assert (acting.by, acting.since_ms, acting.digest) == ("wang", 7, first.digest)
    assert identity(MODEL, acting) == f"{MODEL}+{first.digest}"
    assert read_head(tmp_path, "lift-1", "active", "another model") is None
    own_head.propose(tmp_path, second)
    own_head.activate(tmp_path, "lift-1", "li", 8)
    back = own_head.roll_back(tmp_path, "lift-1")
    assert back is not None
    assert back.digest == first.digest
    on_trial = read_head(tmp_path, "lift-1", "trial")
    assert on_trial is not None
    assert on_trial.digest == second.digest
    assert own_head.roll_back(tmp_path, "lift-1") is None
    own_head.head_file(tmp_path, "lift-1", "trial").write_text("{}")
    assert read_head(tmp_path, "lift-1", "trial") is None


def test_a_head_only_lowers_scores_of_ebikes_that_the_detector_suspects() -> None:
    rng = np.random.default_rng(1)
    output = rng.uniform(0, 1, (1, 6, 40)).astype(np.float32)
    output[0, 4, :5] = (0.0, LEAST / 2, 1.0, np.nan, 0.9)
    rows = rng.normal(0, 5, (40, COLUMNS)).astype(np.float32)
    changed = judged(output, columns({"0": "ebike", "1": "person"}), rows, head(bias=0.3))
    before, after = output[0, 4], changed[0, 4]
    assert (changed[0, [0, 1, 2, 3, 5]] == output[0, [0, 1, 2, 3, 5]]).all()
    assert np.isnan(after[3])
    good = ~np.isnan(before)
    assert (after[good] <= before[good]).all()
    assert (after[good] < before[good]).any()
    assert (after[:2] == before[:2]).all()


def test_the_surest_counts_only_where_things_count() -> None:
    output = np.zeros((1, 6, 2), np.float32)
    output[0, :, 0] = (16, 16, 8, 8, 0.9, 0)
    output[0, :, 1] = (48, 48, 8, 8, 0.4, 0)
    lower_right = Region(((0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0)))
    wanted = columns({"0": "ebike", "1": "person"})
    assert surest(output, wanted, FIT, Region(())) == (0, pytest.approx(0.9))
    assert surest(output, wanted, FIT, lower_right) == (1, pytest.approx(0.4))
    nowhere = Region(((0.9, 0.0), (1.0, 0.0), (1.0, 0.1)))
    assert surest(output, wanted, FIT, nowhere) is None
    output[0, 5, 0] = 0.95
    assert surest(output, wanted, FIT, Region(())) == (0, pytest.approx(0.9)), "a person beside it is no reason"


def test_what_a_site_gets_wrong_is_learned_and_ebikes_are_not_forgotten() -> None:
    made = retrained("lift-1", MODEL, base(), prams(80), 5, 0.5, 9)
    figures = made.figures
    assert (made.gathered, made.marked, figures.site) == (75, 5, 20)
    assert figures.site_before == 1.0
    assert figures.site_after <= 0.2
    assert figures.found_after >= figures.found_before - MOST_LOST
    assert figures.wrong_after <= figures.wrong_before
    others = prams(50, seed=9)
    assert np.mean(others.rows.astype(float) @ made.weights + made.bias + others.logits > 0) <= 0.2


def test_too_little_and_ebikes_among_the_looks_are_refused_with_the_cure() -> None:
    with pytest.raises(DriverError) as few:
        retrained("lift-1", MODEL, base(), prams(4), 0, 0.5, 9)
    assert "4" in few.value.fault.what.zh
    known, looks = overlooked()
    with pytest.raises(DriverError) as lost:
        retrained("lift-1", MODEL, known, looks, 0, 0.5, 9)
    assert lost.value.fault.code == "retraining.recall"
    assert "电动自行车" in lost.value.fault.cure.zh


def test_examples_belong_to_one_model(tmp_path: Path) -> None:
    path = base_file(tmp_path / "own.toml")
    with pytest.raises(DriverError, match="cannot be read"):
        read_base(path, MODEL)
    write_base(path, base(), "other")
    with pytest.raises(DriverError, match="was made for the model other"):
        read_base(path, MODEL)
    write_base(path, base(), MODEL)
    assert read_base(path, MODEL).ebike.sum() == 200
