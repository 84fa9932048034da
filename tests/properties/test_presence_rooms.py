"""The room of a wearable, over walks, reflections and silences that nobody thought of."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.drivers.ble.presence import SAMPLES, WINDOW_S, Terms, Whereabouts
from tests.gateway_rig import examples

PLACES = {"hall": "b03/x-hall", "a": "b03/u01/f01/r101", "b": "b03/u01/f01/r102", "bath": "b03/u01/f01/r102"}
TERMS = Terms(6.0, 15.0, 120.0)
Second = dict[str, int]
"""What each receiver hears in one second, dBm."""
seconds = st.dictionaries(st.sampled_from([*PLACES, "stranger"]), st.integers(-100, -30), max_size=4)
walks = st.lists(st.tuples(seconds, st.integers(1, 60)), max_size=8).map(
    lambda legs: [second for second, times in legs for _ in range(times)]
)


def walk(story: list[Second], terms: Terms = TERMS, shift: int = 0) -> list[str | None]:
    """The place after each second."""
    where, told = Whereabouts(PLACES, terms), []
    for now, second in enumerate(story):
        for receiver, rssi in second.items():
            where.heard(receiver, rssi + shift, float(now))
        before = where.place
        assert where.look(float(now)) == (where.place != before)
        told.append(where.place)
    return told


def changes(told: list[str | None]) -> list[int]:
    """When the place changed."""
    return [now for now, (old, new) in enumerate(zip([None, *told], told, strict=False)) if old != new]


@settings(max_examples=examples(40))
@given(walks)
def test_a_place_is_one_that_was_heard_and_holds_for_the_dwell_time(story: list[Second]) -> None:
    told = walk(story)
    for now, place in enumerate(told):
        if place is not None:
            heard = {PLACES[name] for second in story[: now + 1] for name in second if name in PLACES}
            assert place in heard
    moves = [now for now in changes(told) if told[now] is not None]
    assert all(later - earlier >= TERMS.dwell_s for earlier, later in pairwise(moves))
    assert not moves or moves[0] >= TERMS.dwell_s


@settings(max_examples=examples(40))
@given(walks, st.integers(-20, 20))
def test_only_differences_of_strength_count(story: list[Second], shift: int) -> None:
    assert walk(story) == walk(story, shift=shift)


@settings(max_examples=examples(40))
@given(walks)
def test_after_a_long_silence_nobody_is_anywhere(story: list[Second]) -> None:
    silence = round(TERMS.unknown_after_s) + 1
    told = walk(story + [{}] * silence)
    assert told[-1] is None


@settings(max_examples=examples(40))
@given(st.lists(st.integers(-62, -58), min_size=60, max_size=200), st.lists(st.integers(-62, -58), min_size=200))
def test_signals_that_differ_by_less_than_the_hysteresis_change_nothing(here: list[int], there: list[int]) -> None:
    settled = [{"a": -50}] * 30
    told = walk(settled + [{"a": one, "b": other} for one, other in zip(here, there, strict=False)])
    assert set(told[20:]) == {PLACES["a"]}


@settings(max_examples=examples(40))
@given(walks, st.sampled_from(["hall", "a", "b"]))
def test_whoever_stays_in_a_room_is_there_in_the_end(story: list[Second], room: str) -> None:
    others = {name: -80 for name in PLACES if PLACES[name] != PLACES[room]}
    stay = round(WINDOW_S + TERMS.dwell_s) + 2
    assert walk(story + [{**others, room: -60}] * stay)[-1] == PLACES[room]


def test_one_strong_reflection_is_no_move_and_two_receivers_of_one_place_are_one() -> None:
    home = [{"a": -60, "b": -70}] * 40
    assert set(walk([*home, {"a": -60, "b": -30}, {"a": -60, "b": -30}, *home])[20:]) == {PLACES["a"]}
    together = [{"b": -60, "bath": -75}] * 30 + [{"b": -75, "bath": -60}] * 60
    assert changes(walk(together)) == [15]


def test_two_rooms_that_take_turns_at_being_strongest_do_not_keep_somebody_in_a_third() -> None:
    home = [{"hall": -60}] * 20
    between = [{"hall": -80, "a": -60 - 2 * (now // 4 % 2), "b": -60 - 2 * (now // 4 % 2 == 0)} for now in range(60)]
    assert walk(home + between)[-1] in (PLACES["a"], PLACES["b"])


def test_a_connection_holds_the_room_and_follows_no_further() -> None:
    where = Whereabouts(PLACES, TERMS)
    for now in range(10):
        where.heard("a", -55, float(now))
    for tenth in range(100, 3000):
        where.near("a", tenth / 10)
        where.look(tenth / 10)
    assert where.place == PLACES["a"]
    fresh = Whereabouts(PLACES, TERMS)
    for now in range(20):
        fresh.near("b", float(now))
        fresh.look(float(now))
    assert fresh.place == PLACES["b"]


def test_what_is_remembered_is_bounded() -> None:
    where = Whereabouts(PLACES, TERMS)
    for now in range(10_000):
        for receiver in ("a", "b", f"stranger-{now}"):
            where.heard(receiver, -60, float(now))
    assert set(where._samples) == {"a", "b"}
    assert all(len(samples) == SAMPLES for samples in where._samples.values())
