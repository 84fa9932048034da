"""Rules against bare models, and against anything a device may say."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.agent.rules.evaluator import HOLE_PERIODS, Edge, Evaluator, Watch
from courtyard.agent.rules.rulebook import KINDS
from courtyard.config.rule import Rule
from courtyard.drivers.base import Reading
from tests.gateway_rig import START_MS, examples

SHANGHAI = ZoneInfo("Asia/Shanghai")
POINTS = ("water.flow", "water.volume.total", "water.volume.reverse", "water.pressure")
odd_value = st.none() | st.floats() | st.integers(-(2**70), 2**70) | st.booleans() | st.text(max_size=3)
quality = st.sampled_from(("bad:comm", "uncertain:stale", "uncertain:reset", "nonsense", ""))


def evaluator(kind: str, **more: Any) -> Evaluator:
    extra: dict[str, Any] = {"point": "water.pressure", "above": 10.0} if kind == "threshold" else {}
    return KINDS[kind](Watch(Rule(name="r", kind=kind, **(extra | more)), "wm-1", 60.0, 1, SHANGHAI))  # type: ignore[arg-type]


@settings(max_examples=examples(80), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300), st.booleans()), max_size=60), st.integers(0, 600), st.integers(1, 60))
def test_an_edge_is_active_exactly_when_the_condition_held_long_enough(
    steps: list[tuple[int, bool]], for_s: int, every_s: int
) -> None:
    edge, now_s = Edge(for_s, every_s), 0
    streak: list[int] = []  # instants of the present unbroken stretch
    active = False
    for passed_s, holds in steps:
        now_s += passed_s
        before = edge.active
        changed = edge.update(holds, now_s * 1000)
        if not holds or (streak and now_s - streak[-1] > HOLE_PERIODS * every_s):
            streak = []
        if holds:
            streak.append(now_s)
        active = holds and (active or now_s - streak[0] >= for_s)
        assert bool(edge.active) == active
        assert changed == (edge.active is not before)


@settings(max_examples=examples(50), deadline=None)
@given(
    st.sampled_from(sorted(KINDS)),
    st.lists(
        st.tuples(
            st.integers(0, 10_000_000),
            st.dictionaries(st.sampled_from(POINTS), odd_value),
            st.dictionaries(st.sampled_from(POINTS), quality),
        ),
        max_size=30,
    ),
    st.sampled_from((0, 7200)),
)
def test_no_reading_ever_breaks_a_rule_and_its_words_alternate(
    kind: str, steps: list[tuple[int, dict[str, Any], dict[str, str]]], for_s: int
) -> None:
    rule, now_ms = evaluator(kind, for_s=float(for_s)), 0
    said: list[bool] = []
    for passed_ms, values, reasons in steps:
        now_ms += passed_ms
        condition = rule.observe(Reading("wm-1", START_MS + now_ms, now_ms, values, reasons))
        if condition is not None:
            assert condition.alarm_class == kind
            assert condition.text.en
            assert condition.text.zh
            said.append(condition.active)
    assert all(before != after for before, after in pairwise(said))


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=1, max_size=40), st.floats(0, 20), st.data())
def test_a_restart_at_any_moment_leads_to_the_same_alarm(
    values: list[float], hysteresis: float, data: st.DataObject
) -> None:
    restart = data.draw(st.integers(0, len(values)))

    def alarm(cut: int) -> bool:
        rule, active = evaluator("threshold", hysteresis=hysteresis), False
        for number, value in enumerate(values):
            if number == cut:
                rule = evaluator("threshold", hysteresis=hysteresis)
            condition = rule.observe(Reading("wm-1", number, number, {"water.pressure": value}))
            if condition is not None:
                active = condition.active
        return active

    assert alarm(restart) == alarm(-1)
