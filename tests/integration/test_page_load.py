"""A small run of the measurement of open pages, on a real daemon: what it counts is there, times are not judged."""

from __future__ import annotations

import os

import pytest

from bench import page


def test_open_pages_of_a_running_gateway_get_what_its_meters_answer() -> None:
    cores = os.sched_getaffinity(0)
    try:
        result = page.measure(devices=12, count=14, every_s=1.0, seconds=4.0, warm_s=1.0)
    finally:
        os.sched_setaffinity(0, cores)
    assert result.pieces > 0
    assert len(result.ages_s) > 0
    assert all(0 <= age < page.LATEST_S for age in result.ages_s)
    assert 0 < result.first_load_bytes <= page.FIRST_LOAD_BYTES
    assert set(result.usable_s) >= {"/", "/devices", "/map", "/alarms"}


@pytest.mark.parametrize(("number", "place"), [(0, "b01/u01/f01/r101"), (999, "b05/u04/f10/r1005")])
def test_a_thousand_meters_have_places(number: int, place: str) -> None:
    assert page.place(number) == place
