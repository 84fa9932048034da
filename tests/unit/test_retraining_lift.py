"""A lift takes calibrations and heads from disk by itself: thresholds, what is counted, what the worker is ordered."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from courtyard.agent.lift_learning import TRIAL, Learning
from courtyard.agent.vision import own_head
from courtyard.agent.vision.messages import Gathered, Looked
from courtyard.agent.vision.own_head import identity
from courtyard.agent.vision.regions import Region
from courtyard.agent.vision.scores import (
    BINS,
    DAY_S,
    ENOUGH_LOOKS,
    QUANTILE,
    Scores,
    calibrate,
    calibration_file,
    is_enough,
    read_scores,
    scores_file,
    write,
)
from tests.gateway_rig import settle
from tests.retraining_rig import MODEL, head
from tests.unit.test_lift_guard_post import EBIKE, STAGES, Rig, play

LIFT = "lift-1"
NOWHERE = Region(())


class Wall:
    now_ms = 1_000_000

    def __call__(self) -> int:
        return self.now_ms


def learning(folder: Path) -> Learning:
    made = Learning(folder, LIFT, Wall())
    made.begin(MODEL, 0.5)
    return made


def a_day(lift: Learning, score: float = 0.62, looks: int = 5000, trial: float | None = None) -> None:
    """One look in a thousand and one has `score`."""
    for number in range(looks):
        lift.looked(score if number % 500 == 0 else 0.1, trial)
    lift.watched(DAY_S)


def calibrated(folder: Path) -> float:
    """As `courtyard vision calibrate` does."""
    scores = read_scores(folder, LIFT)
    assert scores is not None
    assert is_enough(scores)
    made = calibrate(scores, 2_000_000)
    write(calibration_file(folder, LIFT, made.model), made)
    scores_file(folder, LIFT).replace(scores_file(folder, LIFT).with_suffix(".used"))
    return made.threshold


@pytest.mark.parametrize("wrong", [0, 1, 9, 10, 11, 500])
def test_the_threshold_is_above_all_but_one_look_in_a_thousand(wrong: int) -> None:
    scores = Scores(LIFT, MODEL, 0)
    for number in range(10_000):
        scores.add(0.713 if number < wrong else 0.04, number)
    made = calibrate(scores, 1)
    above = sum(count for number, count in enumerate(scores.counts) if number / BINS >= made.threshold)
    assert above <= (1 - QUANTILE) * 10_000
    assert (made.threshold > 0.713) == (wrong > 10)


def test_a_day_goes_on_through_restarts_of_gateway_and_worker(tmp_path: Path) -> None:
    lift = learning(tmp_path)
    a_day(lift)
    lift.begin(MODEL, 0.5)  # the worker died and came back: nothing was saved meanwhile
    assert lift.state().looks == 5000
    lift.save()
    again = learning(tmp_path)
    state = again.state()
    assert (state.looks, state.watched_s, state.enough, state.gathering) == (5000, DAY_S, True, True)
    assert state.quantile == pytest.approx(0.625)
    a_day(again)
    assert again.state().looks == 10_000


def test_less_than_a_day_or_few_looks_are_not_enough(tmp_path: Path) -> None:
    lift = learning(tmp_path)
    lift.watched(DAY_S)
    a_day(lift, looks=ENOUGH_LOOKS - 1)
    assert not lift.state().enough
    short = Learning(tmp_path, "lift-2", Wall())
    short.begin(MODEL, 0.5)
    for _ in range(ENOUGH_LOOKS):
        short.looked(0.1, None)
    short.watched(DAY_S / 2)
    assert not short.state().enough


def test_a_calibration_has_effect_at_once_and_uses_the_day_up(tmp_path: Path) -> None:
    lift = learning(tmp_path)
    a_day(lift)
    lift.save()
    assert lift.changed() == {}
    threshold = calibrated(tmp_path)
    told = lift.changed()
    assert told["threshold"] == threshold == lift.threshold == pytest.approx(0.645)
    assert lift.changed() == {}
    assert lift.state().looks == 0
    lift.save()
    assert read_scores(tmp_path, LIFT) is None, "the day that was used up does not come back"
    assert not lift.attach("frames", NOWHERE).gather
    assert learning(tmp_path).threshold == threshold


def test_a_head_is_counted_on_trial_and_takes_its_counts_and_the_threshold_along(tmp_path: Path) -> None:
    lift = learning(tmp_path)
    a_day(lift)
    lift.save()
    threshold = calibrated(tmp_path)
    lift.changed()
    made = head()
    own_head.propose(tmp_path, made)
    assert lift.changed() == {"trial": made.digest}
    order = lift.attach("frames", NOWHERE)
    assert (order.active, order.trial) == ("", made.digest)
    assert lift.identity == MODEL
    a_day(lift, trial=0.2)
    on_trial = lift.state().trial
    assert on_trial is not None
    assert (on_trial.looks, on_trial.before, on_trial.after) == (5000, pytest.approx(0.625), pytest.approx(0.205))
    lift.save()
    own_head.activate(tmp_path, LIFT, "wang", 7)
    told = lift.changed()
    assert told["head"] == made.digest
    assert told["by"] == "wang"
    assert lift.identity == identity(MODEL, made)
    assert lift.threshold == threshold, "what 99.9 % stayed below, they stay below with a head that only lowers"
    state = lift.state()
    assert (state.looks, state.trial) == (5000, None)
    assert state.head is not None
    assert lift.attach("frames", NOWHERE).gather
    assert read_scores(tmp_path, LIFT + TRIAL) is not None
    lift.save()
    assert calibrated(tmp_path) == 0.3
    assert lift.changed()["threshold"] == 0.3
    own_head.roll_back(tmp_path, LIFT)
    assert lift.changed()["head"] is None
    assert (lift.identity, lift.threshold) == (MODEL, threshold)


def test_another_model_has_neither_calibration_nor_head(tmp_path: Path) -> None:
    lift = learning(tmp_path)
    a_day(lift)
    lift.save()
    calibrated(tmp_path)
    own_head.propose(tmp_path, head())
    own_head.activate(tmp_path, LIFT, "wang", 7)
    lift.begin("another", 0.4)
    assert (lift.identity, lift.threshold, lift.state().looks) == ("another", 0.4, 0)
    assert lift.attach("frames", NOWHERE).active == ""


def test_nothing_is_ordered_before_a_model_is_in_use(tmp_path: Path) -> None:
    lift = Learning(tmp_path, LIFT, Wall())
    own_head.propose(tmp_path, head())
    assert lift.changed() == {}
    order = lift.attach("frames", NOWHERE)
    assert (order.lessons, order.gather, order.trial) == ("", False, "")


def test_a_head_on_trial_changes_nothing_that_is_done_and_an_active_one_is_told(tmp_path: Path) -> None:
    made = head(model="5e88" * 16)

    async def work(rig: Rig) -> None:
        rig.says()
        own_head.propose(tmp_path, made)
        rig.post.look_at_files()
        for number in range(10):
            rig.post.looked(Looked("lift-1", number, 0.0, (EBIKE,), STAGES, trial=0.0))
            await rig.watch(0.2, EBIKE)
        assert rig.held == {"lamp", "door"}
        own_head.activate(tmp_path, "lift-1", "wang", 7)
        rig.post.look_at_files()
        rig.post.look_at_files()
        await settle()
        assert [each.get("by") for each in rig.events("lift.learned")] == [None, "wang"]
        assert rig.post.state().model.endswith(made.digest)

    play(tmp_path, work)


def test_blind_looks_are_not_counted_and_a_full_disk_is_told(tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        await rig.watch(1, EBIKE)
        rig.post.guard.blind("dark", blind=True)
        await rig.watch(1, EBIKE)
        learned = rig.post.state().learning
        assert learned is not None
        assert learned.looks == 5
        rig.post.gathered(Gathered("lift-1", 0, "No space left on device"))
        fault = rig.post.state().fault
        assert fault is not None
        assert "No space" in fault.what.zh
        rig.post.gathered(Gathered("lift-1", 12))
        now = rig.post.state()
        assert now.fault is None
        assert now.learning is not None
        assert now.learning.gathered == 12
        assert msgspec.json.encode(now)

    play(tmp_path, work)
