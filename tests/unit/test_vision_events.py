"""The event-level measurement measures what it says, on a lift whose truth the test knows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from bench.lift_events import FPS, STILL_FPS, Shown, arrivals, judge, lively, rows, traffic_of
from courtyard.agent.vision.model import load
from courtyard.agent.vision.replay import Replay
from courtyard.agent.vision.votes import Policy
from tests.lift_rig import Car
from tests.vision_rig import make

RATE = 10


def traffic(
    seconds: float, visits: tuple[tuple[float, float], ...], looks_like: tuple[tuple[float, float], ...] = ()
) -> Iterator[Shown]:
    """Visits as they are, and times at which something else looks like one."""
    car = Car()
    for number in range(round(seconds * RATE)):
        at_s = number / RATE
        is_there = any(first <= at_s < last for first, last in visits)
        car.ebike = is_there or any(first <= at_s < last for first, last in looks_like)
        yield Shown(at_s, car.picture(at_s), is_there)


def replay(folder: Path) -> Replay:
    return Replay(load(make(folder)).look, Policy(hold_at=0.6, commissioned=True, calibrated=True))


def test_visits_are_counted_timed_and_told_from_mistakes(tmp_path: Path) -> None:
    shown = traffic(60, ((10, 16), (30, 36)), looks_like=((50, 55),))
    verdict = judge(shown, replay(tmp_path))
    assert (verdict.visits, verdict.recall, verdict.false_holds) == (2, 1.0, 1)
    assert all(0.3 <= delay <= 1.0 for delay in verdict.delays_s)
    assert verdict.p95_s == max(verdict.delays_s)
    assert verdict.seconds == pytest.approx(60, abs=0.2)
    assert [row.met for row in rows(verdict, verdict, verdict)] == [True, None, True, True, False, None]


def test_a_visit_that_is_missed_counts_against_recall_and_speed(tmp_path: Path) -> None:
    verdict = judge(traffic(40, ((10, 10.2), (20, 26))), replay(tmp_path))
    assert (verdict.visits, verdict.recall) == (2, 0.5)
    assert verdict.p95_s == float("inf")


def test_an_ebike_seen_before_the_sill_is_held_at_once_and_no_mistake(tmp_path: Path) -> None:
    verdict = judge(traffic(40, ((10, 16),), looks_like=((8, 10),)), replay(tmp_path))
    assert (verdict.visits, verdict.delays_s, verdict.false_holds) == (1, (0.0,), 0)


def test_a_hold_that_no_visit_follows_is_a_mistake_also_at_the_end(tmp_path: Path) -> None:
    verdict = judge(traffic(20, (), looks_like=((17, 20),)), replay(tmp_path))
    assert (verdict.visits, verdict.false_holds) == (0, 1)


def test_a_day_is_shown_whole_and_most_of_it_while_a_door_is_open() -> None:
    day = traffic_of(3, 4, ebikes=0.0)
    spans = lively(day)
    assert (spans[0].first_s, spans[-1].last_s) == (0.0, day.seconds)
    assert all(one.last_s == next_.first_s for one, next_ in pairwise(spans))
    for at_s in (each.seconds for each in day.events):
        assert [span.fps for span in spans if span.first_s <= at_s < span.last_s] == [FPS]
    assert {span.fps for span in spans} == {FPS, STILL_FPS}


def test_every_arrival_is_shown_from_before_the_door_opens() -> None:
    day = traffic_of(3, 4, ebikes=1.0)
    spans = arrivals(day)
    over = [each.seconds for each in day.events if (each.kind, each.label) == ("over-sill", "ebike")]
    assert len(spans) == len(over) == 4
    opening = [each.seconds for each in day.events if each.kind == "door-opening"]
    for span, at_s in zip(spans, over, strict=True):
        assert any(span.first_s < opens < at_s < span.last_s for opens in opening)
