"""Households draw plausible amounts, sleep at night, and are the same in every run."""

from __future__ import annotations

import itertools

import pytest

from hw_sim.clock import ManualClock, SimClock
from hw_sim.household import DAY_S, UTC_OFFSET_S, Dial, Household, Rate
from hw_sim.meters import Bove, Tuf2000, UltraD

MIDNIGHT = 1_795_305_600.0 // DAY_S * DAY_S - UTC_OFFSET_S
NIGHT = range(1 * 60, 5 * 60)
"""Minutes of the local day."""


@pytest.mark.parametrize("people", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_people_draw_80_to_250_litres_a_day(people: int, seed: str) -> None:
    household = Household(seed, people)
    readings = [household.volume_l(MIDNIGHT + day * DAY_S) for day in range(29)]
    daily = [(after - before) / people for before, after in itertools.pairwise(readings)]
    assert min(daily) >= 80
    assert max(daily) <= 250
    assert len(set(daily)) == 28, "no two days are alike"


def test_nights_are_dry_but_for_few_minutes() -> None:
    household = Household(4, 4)
    dry = [household.flow_l_per_h(MIDNIGHT + minute * 60) == 0 for minute in NIGHT]
    assert sum(dry) >= 0.95 * len(dry)
    day = [household.flow_l_per_h(MIDNIGHT + minute * 60) > 0 for minute in range(6 * 60, 23 * 60)]
    assert sum(day) > 30


def test_volume_is_the_integral_of_flow() -> None:
    household = Household(5, 3)
    before = household.volume_l(MIDNIGHT)
    integral = sum(household.flow_l_per_h(MIDNIGHT + second) / 3600 for second in range(DAY_S))
    assert household.volume_l(MIDNIGHT + DAY_S) - before == pytest.approx(integral, rel=0.02)


def test_the_same_seed_is_the_same_curve_at_any_speed() -> None:
    slow, fast = Household(9, 2), Household(9, 2)
    by_minute = [slow.volume_l(MIDNIGHT + minute * 60) for minute in range(3 * 1440)]
    assert by_minute == sorted(by_minute)
    fast.volume_l(MIDNIGHT)
    assert fast.volume_l(MIDNIGHT + 2.5 * DAY_S) == pytest.approx(by_minute[int(2.5 * 1440)])
    assert Household(10, 2)._day(0) != Household(9, 2)._day(0)


def test_an_empty_flat_draws_nothing_and_a_leak_never_sleeps() -> None:
    meter = Bove(MIDNIGHT, people=0)
    meter.command(["leak", "12"], MIDNIGHT)
    assert {meter.flow_l_per_h(MIDNIGHT + minute * 60) for minute in range(1440)} == {12.0}
    meter.refresh(MIDNIGHT + DAY_S)
    assert meter.get("total_m3") == pytest.approx(0.288)
    assert meter.get("flow_l_per_h") == 12.0
    meter.command(["leak", "0"], MIDNIGHT + DAY_S)
    meter.refresh(MIDNIGHT + 2 * DAY_S)
    assert meter.get("total_m3") == pytest.approx(0.288)


def test_reverse_flow_fills_its_own_counter() -> None:
    meter = Tuf2000(MIDNIGHT, people=0, start_m3=10)
    meter.command(["reverse", "100"], MIDNIGHT)
    meter.refresh(MIDNIGHT + 3600)
    assert meter.get("flow_m3_per_h") == pytest.approx(-0.1)
    assert (meter.get("total_m3"), meter.get("negative_m3"), meter.get("net_m3")) == pytest.approx((10, -0.1, 9.9))


def test_counters_freeze_reset_and_roll_over() -> None:
    meter = UltraD(MIDNIGHT, people=0, start_m3=5)
    meter.command(["leak", "1000"], MIDNIGHT)

    def total(hours: float) -> float:
        meter.refresh(MIDNIGHT + hours * 3600)
        return meter.get("total_m3")

    assert total(1) == pytest.approx(6)
    meter.command(["counter", "freeze"], MIDNIGHT + 3600)
    assert total(3) == pytest.approx(6)
    meter.command(["counter", "resume"], MIDNIGHT + 3 * 3600)
    assert total(4) == pytest.approx(7), "what flowed while frozen was not counted"
    meter.command(["counter", "reset"], MIDNIGHT + 4 * 3600)
    assert total(5) == pytest.approx(1)
    meter.command(["counter", "rollover"], MIDNIGHT + 5 * 3600)
    assert total(5) == pytest.approx(2**31, rel=1e-6)
    assert total(6) == pytest.approx(0.999, abs=1e-3)
    with pytest.raises(ValueError, match="does not know"):
        meter.command(["explode"], MIDNIGHT)


def test_holds_for_two_reasons_end_with_the_last() -> None:
    dial = Dial(lambda now: now, 0.0, 100.0)
    dial.hold("valve", 1.0)
    dial.hold("frozen", 2.0)
    dial.release("valve", 5.0)
    assert dial.read(6.0) == 101.0
    dial.release("frozen", 7.0)
    assert dial.read(8.0) == 102.0


def test_a_rate_keeps_what_has_flowed() -> None:
    rate = Rate()
    rate.change(0.0, 3600.0)
    rate.change(10.0, 0.0)
    assert rate.litres(100.0) == pytest.approx(10.0)


def test_simulated_time_runs_as_fast_as_told() -> None:
    monotonic = ManualClock(50.0)
    clock = SimClock(1000.0, 60.0, monotonic)
    monotonic.now = 52.0
    assert clock() == 1120.0


def test_time_that_runs_back_is_refused() -> None:
    household = Household(1, 1)
    household.volume_l(MIDNIGHT + DAY_S)
    with pytest.raises(ValueError, match="ran back"):
        household.volume_l(MIDNIGHT)
