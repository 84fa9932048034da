"""Each rule kind raises and ends when it should, and only then."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from courtyard.agent.rules.evaluator import Evaluator, Watch
from courtyard.agent.rules.night_flow import NightFlow
from courtyard.agent.rules.reverse_flow import ReverseFlow
from courtyard.agent.rules.threshold import Threshold
from courtyard.agent.rules.unreachable import Unreachable
from courtyard.config.rule import Rule
from courtyard.drivers.base import Fault, Reading, Scalar, Text

SHANGHAI = ZoneInfo("Asia/Shanghai")
SILENT = Fault("device.silent", Text("No answer.", "无应答。"), Text("Check the wiring.", "请检查接线。"))


def watch(kind: str, *, every_s: float = 60.0, timezone: ZoneInfo = SHANGHAI, **settings: Any) -> Watch:
    """A rule of this kind on wm-1."""
    return Watch(Rule(name="r", kind=kind, **settings), "wm-1", every_s, 1, timezone)  # type: ignore[arg-type]


def reading(
    at_s: float, values: dict[str, Scalar | None], quality: dict[str, str] | None = None, *, base_ms: int = 0
) -> Reading:
    return Reading("wm-1", base_ms + round(at_s * 1000), round(at_s * 1000), values, quality or {})


def edges(evaluator: Evaluator, readings: Iterable[Reading]) -> list[tuple[float, bool]]:
    """When (monotonic seconds) the evaluator said active or inactive."""
    said = [(each.mono_ms / 1000, evaluator.observe(each)) for each in readings]
    return [(at, condition.active) for at, condition in said if condition is not None]


def pressure(*values: float | None, every_s: float = 60) -> list[Reading]:
    return [reading(number * every_s, {"water.pressure": value}) for number, value in enumerate(values)]


class TestThreshold:
    def test_hysteresis_holds_the_alarm_until_the_value_is_well_inside(self) -> None:
        low = Threshold(watch("threshold", point="water.pressure", below=150, hysteresis=20))
        assert edges(low, pressure(200, 149, 151, 169, 149, 170, 149)) == [
            (0, False),
            (60, True),
            (300, False),
            (360, True),
        ]

    def test_both_limits(self) -> None:
        band = Threshold(watch("threshold", point="water.pressure", below=100, above=200))
        assert edges(band, pressure(150, 99, 100, 200, 201)) == [(0, False), (60, True), (120, False), (240, True)]

    def test_the_duration_must_be_unbroken(self) -> None:
        high = Threshold(watch("threshold", point="water.pressure", above=10, for_s=180))
        assert edges(high, pressure(11, 11, 11, 9, 11, 11, 11, 11, 11)) == [(180, False), (420, True)]

    def test_a_hole_in_the_readings_breaks_the_duration(self) -> None:
        high = Threshold(watch("threshold", point="water.pressure", above=10, for_s=180))
        times = (0, 60, 120, 1000, 1060, 1120, 1180)
        assert edges(high, (reading(at, {"water.pressure": 11.0}) for at in times)) == [(1180, True)]

    @pytest.mark.parametrize("value", [None, float("nan"), float("inf"), "text"])
    def test_what_is_no_number_is_no_evidence(self, value: Scalar | None) -> None:
        high = Threshold(watch("threshold", point="water.pressure", above=10))
        odd = [reading(60, {"water.pressure": value}), reading(120, {})]
        assert edges(high, [reading(0, {"water.pressure": 11.0}), *odd, reading(180, {"water.pressure": 9.0})]) == [
            (0, True),
            (180, False),
        ]

    def test_a_door_that_stands_open_for_too_long(self) -> None:
        door = Threshold(watch("threshold", point="door.open", above=0.5, for_s=120))
        states = zip(range(0, 600, 60), (False, True, False, True, True, True, True, False), strict=False)
        assert edges(door, (reading(at, {"door.open": state}) for at, state in states)) == [
            (0, False), (300, True), (420, False),
        ]  # fmt: skip
        told = door.observe(reading(480, {"door.open": True}))
        assert told is None

    def test_a_stale_value_is_no_evidence(self) -> None:
        high = Threshold(watch("threshold", point="water.pressure", above=10))
        assert edges(high, [reading(0, {"water.pressure": 11.0}, {"water.pressure": "uncertain:stale"})]) == []
        assert edges(high, [reading(0, {"water.pressure": 11.0}, {"water.pressure": "uncertain:unverified"})]) == [
            (0, True)
        ]

    def test_the_condition_names_rule_point_value_and_limit(self) -> None:
        low = Threshold(watch("threshold", point="water.pressure", below=150, severity=2))
        condition = low.observe(pressure(149.5)[0])
        assert condition is not None
        assert condition.alarm_id == "wm-1:threshold:r"
        assert condition.severity == 2
        assert condition.details == {"rule": "r", "point": "water.pressure", "value": 149.5, "limit": 150}
        assert "149.5" in condition.text.zh
        assert "150" in condition.text.en

    def test_a_threshold_without_point_or_limit_is_refused(self) -> None:
        for settings in ({"point": "water.pressure"}, {"above": 1.0}):
            with pytest.raises(ValueError, match="needs a point"):
                Threshold(watch("threshold", **settings))


class TestUnreachable:
    def silent(self, **settings: Any) -> Unreachable:
        return Unreachable(watch("unreachable", **settings))

    def test_silence_for_three_periods_is_an_alarm_and_a_value_ends_it(self) -> None:
        rule = self.silent()
        assert rule.tick(0, 0) is None
        rule.health(SILENT)
        assert rule.tick(179_000, 179_000) is None
        condition = rule.tick(180_000, 180_000)
        assert condition is not None
        assert condition.active
        assert "Nothing usable from wm-1 for 180 s. No answer. Check the wiring." in condition.text.en
        assert condition.details["fault"] == "device.silent"
        assert rule.tick(300_000, 300_000) is None
        assert edges(rule, [reading(310, {"water.flow": None}, {"water.flow": "bad:comm"})]) == []
        assert edges(rule, [reading(320, {"water.flow": 1.0}), reading(330, {"water.flow": 1.0})]) == [(320, False)]
        assert rule.tick(510_000, 510_000) is not None

    def test_the_window_is_the_rules_own_or_at_least_ten_seconds(self) -> None:
        rule = self.silent(for_s=30.0)
        assert rule.tick(0, 0) is None
        assert rule.tick(30_000, 30_000) is not None
        fast = Unreachable(watch("unreachable", every_s=0.1))
        assert fast.tick(0, 0) is None
        assert fast.tick(9_999, 9_999) is None
        assert fast.tick(10_000, 10_000) is not None

    def test_stale_values_are_silence(self) -> None:
        rule = self.silent()
        rule.tick(0, 0)
        stale = {"water.flow": "uncertain:stale", "water.pressure": "bad:comm"}
        for at in range(0, 181, 60):
            assert rule.observe(reading(at, {"water.flow": 1.0, "water.pressure": None}, stale)) is None
        assert rule.tick(180_000, 180_000) is not None


class TestReverseFlow:
    def reverse(self, **settings: Any) -> ReverseFlow:
        return ReverseFlow(watch("reverse_flow", **settings))

    def test_negative_flow_beyond_the_dead_band(self) -> None:
        flows = (0.0, -0.05, -0.2, -0.2, 0.0)
        readings = [reading(number * 60, {"water.flow": flow}) for number, flow in enumerate(flows)]
        assert edges(self.reverse(hysteresis=0.1), readings) == [(0, False), (120, True), (240, False)]

    def test_a_falling_total_unless_it_was_reset_replaced_or_wrapped(self) -> None:
        totals = (100.0, 99.5, 99.6, 3.0, 2.9)
        readings = [reading(number * 60, {"water.volume.total": total}) for number, total in enumerate(totals)]
        assert edges(self.reverse(), readings) == [(60, True), (120, False), (240, True)]
        for reason in ("uncertain:reset", "uncertain:replaced"):
            explained = reading(60, {"water.volume.total": 99.5}, {"water.volume.total": reason})
            assert edges(self.reverse(), [readings[0], explained]) == []

    def test_a_growing_reverse_total(self) -> None:
        readings = [
            reading(number * 60, {"water.volume.reverse": total}) for number, total in enumerate((1.0, 1.0, 1.1, 1.1))
        ]
        assert edges(self.reverse(), readings) == [(60, False), (120, True), (180, False)]

    def test_without_any_evidence_nothing_is_said(self) -> None:
        assert edges(self.reverse(), [reading(0, {"water.temperature": 12.0}), reading(60, {"water.flow": None})]) == []


class TestNightFlow:
    NIGHT = round(datetime.datetime(2026, 11, 22, 2, tzinfo=SHANGHAI).timestamp() * 1000)

    def night(self, timezone: ZoneInfo = SHANGHAI, **settings: Any) -> NightFlow:
        return NightFlow(watch("night_flow", every_s=60, timezone=timezone, **settings))

    def flows(self, *flows: float, from_s: float = 0, every_s: float = 600) -> list[Reading]:
        return [
            reading(from_s + number * every_s, {"water.flow": flow}, base_ms=self.NIGHT)
            for number, flow in enumerate(flows)
        ]

    def test_flow_that_never_stops_for_two_hours_of_the_night(self) -> None:
        assert edges(self.night(), self.flows(*[0.02] * 18)) == [(7200, True)]

    def test_one_rest_is_enough(self) -> None:
        assert edges(self.night(), self.flows(*[0.02] * 8, 0.0, *[0.02] * 9)) == [(4800, False)]

    def test_the_day_does_not_count(self) -> None:
        evening = self.flows(*[0.02] * 30, from_s=-18_000)
        assert edges(self.night(), evening) == []
        assert edges(self.night(), self.flows(*[0.02] * 12, from_s=4800)) == []

    def test_the_alarm_ends_with_the_first_rest_of_a_later_night(self) -> None:
        rule = self.night()
        assert edges(rule, self.flows(*[0.02] * 14)) == [(7200, True)]
        assert edges(rule, self.flows(0.0, from_s=40_000)) == []
        assert edges(rule, self.flows(0.0, from_s=86_400 + 60)) == [(86_460, False)]

    def test_the_site_says_when_it_is_night(self) -> None:
        evening = {"start": "22:00", "end": "01:00"}
        assert edges(self.night(**evening), self.flows(*[0.02] * 18)) == []
        over_midnight = self.flows(*[0.02] * 36, from_s=-18_000)
        assert edges(self.night(**evening), over_midnight) == [(-14_400 + 7200, True)]

    def test_a_night_of_a_whole_day(self) -> None:
        whole = self.night(start="12:00", end="12:00", for_s=12 * 3600)
        assert edges(whole, self.flows(*[0.02] * 150, from_s=-18_000)) == [(-18_000 + 12 * 3600, True)]

    def test_a_clock_that_is_set_back_finds_the_night_again(self) -> None:
        rule = self.night()
        assert edges(rule, self.flows(*[0.02] * 12, from_s=10_900)) == []
        back = [
            Reading("wm-1", self.NIGHT + at * 1000, (at + 40_000) * 1000, {"water.flow": 1.0})
            for at in range(0, 10_000, 600)
        ]
        assert edges(rule, back) == [(47_200, True)]

    def test_a_total_must_stand_still_for_half_an_hour(self) -> None:
        def totals(per_reading: float) -> list[Reading]:
            return [
                reading(
                    number * 300,
                    {"water.volume.total": 100 + number * per_reading, "water.flow": 0.0},
                    base_ms=self.NIGHT,
                )
                for number in range(36)
            ]

        assert edges(self.night(), totals(0.001)) == [(7200, True)]
        assert edges(self.night(), totals(0.0)) == [(1800, False)]

    def test_a_total_that_turns_once_in_ten_minutes_is_not_at_rest(self) -> None:
        slow = [
            reading(at, {"water.volume.total": 100 + (at // 600) * 0.001}, base_ms=self.NIGHT)
            for at in range(0, 10_800, 60)
        ]
        assert edges(self.night(), slow) == [(7200, True)]

    def test_readings_far_apart_prove_nothing(self) -> None:
        assert edges(self.night(), self.flows(*[0.02] * 5, every_s=2400)) == []

    def test_no_night_while_the_wall_clock_is_not_set(self) -> None:
        unset = [
            Reading("wm-1", 64_800_000 + at * 1000, at * 1000, {"water.flow": 1.0}) for at in range(0, 10_800, 600)
        ]
        assert edges(self.night(), unset) == []

    def test_the_night_follows_local_time_through_daylight_saving(self) -> None:
        berlin = ZoneInfo("Europe/Berlin")
        for day in (datetime.date(2026, 10, 25), datetime.date(2026, 3, 29)):
            start = datetime.datetime.combine(day, datetime.time(2), berlin).timestamp()
            end = datetime.datetime.combine(day, datetime.time(5), berlin).timestamp()
            readings = [
                Reading("wm-1", round((start + at) * 1000), at * 1000, {"water.flow": 1.0})
                for at in range(-7200, 18_000, 600)
            ]
            said = edges(self.night(berlin, for_s=end - start - 600), readings)
            assert said == [(end - start - 600, True)]
