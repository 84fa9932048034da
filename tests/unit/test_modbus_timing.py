"""Due times, the budget of a line, delays before opening it again."""

from __future__ import annotations

from itertools import pairwise

import pytest

from courtyard.drivers.modbus.timing import (
    FIRST_WITHIN_S,
    GRID_S,
    STRICT_SHARE,
    Backoff,
    Budget,
    Schedule,
    phase_of,
    share_for_silence,
)


@pytest.mark.parametrize("phase", [0.0, 0.33, 0.999])
@pytest.mark.parametrize("now", [0.0, 12.3, 1e6])
def test_the_first_due_time_is_within_a_period_and_on_the_grid(phase: float, now: float) -> None:
    schedule = Schedule(1.0, phase, now)
    assert now < schedule.due <= now + 1.0
    assert schedule.due / GRID_S == pytest.approx(round(schedule.due / GRID_S), abs=1e-3)


@pytest.mark.parametrize("phase", [0.0, 0.33, 0.999])
@pytest.mark.parametrize("now", [0.0, 3599.0, 1e6])
def test_a_device_with_a_long_period_is_due_soon_and_then_at_its_regular_times(phase: float, now: float) -> None:
    schedule = Schedule(3600.0, phase, now)
    first = schedule.due
    assert now < first <= now + FIRST_WITHIN_S
    assert schedule.take(first) == 0
    assert 1800.0 <= schedule.due - first <= 5400.0
    regular = schedule.due
    assert regular % 3600.0 == pytest.approx(int(phase * 36000) / 10, abs=1e-3)
    assert schedule.take(regular) == 0
    assert schedule.due == regular + 3600.0


def test_due_times_that_pass_are_skipped_and_counted() -> None:
    schedule = Schedule(1.0, 0.0, 0.5)
    assert schedule.due == 1.0
    assert schedule.take(1.0) == 0
    assert schedule.due == 2.0
    assert schedule.take(4.7) == 2
    assert schedule.due == 5.0


def test_phases_spread_the_devices_of_a_line() -> None:
    phases = sorted(phase_of("rs485-1", index, 20) for index in range(20))
    assert all(after - before == pytest.approx(0.05) for before, after in pairwise(phases))
    assert len({phase_of(f"tcp-{line}", 0, 1) for line in range(50)}) == 50


def test_the_budget_is_paid_in_advance() -> None:
    budget = Budget(0.0)
    budget.probe_s = 0.5
    assert budget.free_at(0.0, 0.5, 0.04) == pytest.approx(12.5)
    assert budget.free_at(12.5, 0.5, 0.04) == pytest.approx(12.5)
    budget.charge(0.5)
    assert budget.free_at(12.5, 0.5, 0.04) == pytest.approx(25.0)


def test_no_more_than_one_probe_is_saved_up_and_debts_are_bounded() -> None:
    budget = Budget(0.0)
    budget.probe_s = 0.5
    budget.free_at(10_000.0, 0.5, 0.04)
    budget.charge(0.5)
    assert budget.free_at(10_000.0, 0.5, 0.04) == pytest.approx(10_012.5)
    for _ in range(100):
        budget.charge(0.5)
    assert budget.free_at(10_000.0, 0.5, 0.04) == pytest.approx(10_000 + 5 * 12.5)


def test_the_share_for_silence_follows_what_the_others_need() -> None:
    assert share_for_silence(0.0, None, 0.5) == 0.5
    assert share_for_silence(0.1, 60.0, 0.5) == pytest.approx(0.4)
    assert share_for_silence(0.9, 60.0, 0.5) == STRICT_SHARE
    assert share_for_silence(0.1, 0.6, 0.5) == STRICT_SHARE  # one wait would cost the others a poll


def test_delays_double_up_to_their_bound_and_begin_anew() -> None:
    backoff = Backoff(longest_s=4.0)
    assert [backoff.next_s(1.0) for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    backoff.reset()
    assert backoff.next_s(0.0) == 0.25
