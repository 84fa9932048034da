"""Tracks, votes, regions and turns keep what they promise, whatever is seen."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.agent.vision.regions import Box, Region, contains, overlap
from courtyard.agent.vision.shedding import FULL_HZ, LEAST_HZ, Turns, overloaded, share_hz
from courtyard.agent.vision.tracker import Detection, Tracker
from courtyard.agent.vision.votes import Door, Policy, Watch
from tests.gateway_rig import examples

shares = st.floats(0, 1)
boxes = st.builds(lambda x, y, w, h: Box(x, y, min(1.0, x + w), min(1.0, y + h)), shares, shares, shares, shares)
detections = st.lists(st.builds(Detection, st.sampled_from(["ebike", "person"]), shares, boxes), max_size=8)
doors: st.SearchStrategy[Door] = st.sampled_from(["open", "closing", "closed", "unknown"])
steps = st.lists(
    st.tuples(st.floats(0.01, 3), st.one_of(st.none(), shares), st.booleans(), doors, st.integers(0, 30)), max_size=60
)
policies = st.builds(
    Policy, commissioned=st.booleans(), calibrated=st.booleans(), shadow=st.booleans(), cap_s=st.floats(1, 20)
)


@settings(max_examples=examples(60), deadline=None)
@given(policies, steps)
def test_a_door_is_held_only_when_everything_allows_it(
    policy: Policy, steps: list[tuple[float, float | None, bool, Door, int]]
) -> None:
    watch, now_s = Watch(policy), 0.0
    looks: list[tuple[float, float]] = []
    held_since_s: float | None = None
    capped_at_s = -math.inf
    for pause_s, score, blocked, door, lost in steps:
        now_s += pause_s
        if lost == 0:
            watch.lose()
            looks.clear()
        elif score is not None:
            watch.look(now_s, score)
            looks.append((now_s, score))
        stance = watch.judge(now_s, blocked=blocked, door=door)
        if not stance.hold:
            if stance.why == "cap":
                capped_at_s = now_s
            held_since_s = None
            continue
        held_since_s = now_s if held_since_s is None else held_since_s
        assert stance.warn
        assert policy.commissioned
        assert policy.calibrated
        assert not policy.shadow
        assert not blocked
        assert door != "closed"
        assert looks
        assert now_s - looks[-1][0] <= policy.stale_s
        assert now_s - held_since_s < policy.cap_s
        assert now_s - capped_at_s >= policy.cool_down_s
        assert sum(score >= policy.hold_at for _, score in looks) >= policy.hold_votes.needed
        assert any(now_s - at_s < policy.clear_s and score >= policy.warn_at for at_s, score in looks)


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(shares, max_size=40))
def test_less_than_two_of_three_never_warns(scores: list[float]) -> None:
    watch = Watch(Policy(commissioned=True, calibrated=True))
    for number, score in enumerate(scores):
        at_s = number / 5
        watch.look(at_s, score)
        warned = watch.judge(at_s).warn
        seen = [value >= 0.5 for value in scores[: number + 1]]
        if warned:
            assert any(sum(seen[max(0, end - 3) : end]) >= 2 for end in range(1, len(seen) + 1))
        if sum(seen[-3:]) >= 2:
            assert warned


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 3), detections), max_size=30))
def test_a_track_means_one_thing(looks: list[tuple[float, list[Detection]]]) -> None:
    tracker, now_s = Tracker(most=12), 0.0
    labels: dict[int, str] = {}
    for pause_s, seen in looks:
        now_s += pause_s
        tracks = tracker.look(now_s, seen)
        assert len(tracks) == len(seen)
        assert len({track.id for track in tracks}) == len(tracks)
        assert Counter((track.label, track.score, track.box) for track in tracks) == Counter(seen)
        for track in tracks:
            assert labels.setdefault(track.id, track.label) == track.label
            assert track.best >= track.score
            assert track.since_s <= track.seen_s == now_s


def test_a_thing_that_moves_keeps_its_track_and_a_new_one_gets_another() -> None:
    tracker = Tracker()
    ids = [
        tracker.look(n / 5, [Detection("ebike", 0.8, Box(0.1 + n / 50, 0.2, 0.4 + n / 50, 0.7))])[0].id
        for n in range(10)
    ]
    assert len(set(ids)) == 1
    assert tracker.look(2.0, [Detection("ebike", 0.8, Box(0.8, 0.8, 0.9, 0.9))])[0].id not in ids
    assert tracker.look(9.0, [Detection("ebike", 0.8, Box(0.8, 0.8, 0.9, 0.9))])[0].id == 3


@settings(max_examples=examples(40), deadline=None)
@given(boxes, boxes)
def test_overlap_is_a_share_and_the_same_from_both_sides(one: Box, other: Box) -> None:
    assert 0 <= overlap(one, other) <= 1
    assert math.isclose(overlap(one, other), overlap(other, one))
    if one.area > 0:
        assert math.isclose(overlap(one, one), 1)


@settings(max_examples=examples(40), deadline=None)
@given(shares, shares)
def test_a_rectangle_contains_what_is_between_its_sides(x: float, y: float) -> None:
    corners = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
    if min(abs(x - 0.25), abs(x - 0.75), abs(y - 0.25), abs(y - 0.75)) > 1e-9:
        assert contains(corners, (x, y)) == (0.25 < x < 0.75 and 0.25 < y < 0.75)


def test_only_what_stands_in_the_car_or_its_door_counts() -> None:
    region = Region(((0, 0.5), (1, 0.5), (1, 1), (0, 1)), ((0.4, 0.3), (0.6, 0.3), (0.6, 0.5), (0.4, 0.5)))
    assert region.where(Box(0.2, 0.2, 0.4, 0.8)) == "car"
    assert region.where(Box(0.4, 0.1, 0.6, 0.4)) == "door"
    assert region.where(Box(0.0, 0.1, 0.2, 0.3)) == "outside"
    assert Region(()).where(Box(0.0, 0.1, 0.2, 0.3)) == "car"


@settings(max_examples=examples(20), deadline=None)
@given(st.integers(1, 12), st.floats(1, 80))
def test_looks_are_shared_evenly_and_never_fall_below_three_while_the_core_can(moving: int, budget_hz: float) -> None:
    cameras = [f"cam-{number}" for number in range(moving)]
    turns, looks, seconds = Turns(budget_hz), Counter[str](), 20
    for tick in range(int(seconds * budget_hz)):
        chosen = turns.next(tick / budget_hz, cameras)
        if chosen is not None:
            looks[chosen] += 1
    assert max(looks.values()) <= FULL_HZ * seconds + 1
    assert overloaded(moving, budget_hz) == (budget_hz < LEAST_HZ * moving)
    for camera in cameras:
        # a look falls on a tick of the budget: one tick late each time at most
        least_hz = 1 / (1 / share_hz(moving, budget_hz) + 1 / budget_hz)
        assert looks[camera] >= math.floor(least_hz * seconds) - 1
    if moving == 8 and budget_hz >= 24:
        assert min(looks.values()) / max(looks.values()) > 0.8


@given(st.integers(1, 4), st.floats(0.01, 0.055), st.floats(0.0, 0.01))
def test_looks_that_wait_for_each_other_do_not_make_the_rate_lower(moving: int, look_s: float, poll_s: float) -> None:
    """One look takes its time, and the next one waits for it and for the poll, as in the worker."""
    cameras, turns, now_s = [f"cam-{number}" for number in range(moving)], Turns(0.9 / look_s), 0.0
    looks: dict[str, list[float]] = {name: [] for name in cameras}
    while now_s < 20.0:
        chosen = turns.next(now_s, cameras)
        if chosen is None:
            now_s += max(poll_s, 0.001)
        else:
            looks[chosen].append(now_s)
            now_s += look_s
    wanted = share_hz(moving, turns.budget_hz)
    for times in looks.values():
        assert 0.95 * wanted * 20 - 1 <= len(times) <= FULL_HZ * 20 + 1
        gaps = [after - before for before, after in pairwise(times)]
        assert min(gaps) >= 0.49 / wanted
