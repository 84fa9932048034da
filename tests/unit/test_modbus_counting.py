"""Counters that go back."""

from __future__ import annotations

import pytest

from courtyard.drivers.modbus.counting import Counters, Dial, judge
from tests.modbus_rig import register

DIAL = Dial("total", 1_000_000.0, 5.0, 0.01)


@pytest.mark.parametrize(
    ("before", "value", "hours", "quality"),
    [
        (10.0, 10.0, 1.0, None),
        (10.0, 12.0, 0.01, None),
        (999_999.99, 0.01, 0.02, None),  # wraps after 999 999.99 m3
        (999_998.00, 2.00, 1.0, None),
        (999_990.00, 2.00, 1.0, "uncertain:reset"),  # 12 m3 in an hour is not believable
        (100.0, 99.0, 1.0, "uncertain:reverse"),
        (100.0, 99.99, 0.0, "uncertain:reverse"),
        (100.0, 90.0, 1.0, "uncertain:reset"),
        (5000.0, 0.0, 0.1, "uncertain:reset"),
    ],
)
def test_what_a_decrease_means(before: float, value: float, hours: float, quality: str | None) -> None:
    assert judge(DIAL, before, value, hours) == quality


def test_without_a_width_nothing_wraps() -> None:
    assert judge(DIAL._replace(modulus=None), 999_999.99, 0.01, 1.0) == "uncertain:reset"


def test_the_new_value_is_the_baseline_and_bad_values_are_passed_over() -> None:
    counters = Counters([register("total", 0, "uint32", counter_width=32), register("flow", 2, "float32")])
    assert len(counters) == 1
    judged = [
        counters.judge({"total": value, "flow": 1.0}, 60_000 * minute)
        for minute, value in enumerate([100, 50, 51, None, 40, 41])
    ]
    assert judged == [{}, {"total": "uncertain:reset"}, {}, {}, {"total": "uncertain:reset"}, {}]


def test_a_sixteen_bit_pulse_counter_wraps() -> None:
    counters = Counters([register("total", 0, "uint16", counter_width=16, gain=0.01)])
    assert counters.judge({"total": 655.34}, 0) == {}
    assert counters.judge({"total": 0.03}, 60_000) == {}
