"""Durations, sizes, units, places, addresses: what is read, what is written, what is refused."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtyard.config.forms import PLACE_PATTERN, is_place, is_timezone, is_uplink_url
from courtyard.config.generate.schema import UPLINK_URL_PATTERN
from courtyard.config.quantities import (
    DURATION_PATTERN,
    SIZE_PATTERN,
    duration_s,
    duration_text,
    size_bytes,
    size_text,
)
from courtyard.config.units import UNITS, conversion, decimal_places, units_like


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60s", 60),
        ("5m", 300),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1d", 86400),
        ("0s", 0),
        ("1.5h", 5400),
        ("2m5s", 125),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "60", "s", "1m1h", "1s1s", "-1s", "1 s", "1S", "1e3s", "１s", "1s\n", "1w", "nans"]
)
def test_what_is_no_duration(text: str) -> None:
    assert duration_s(text) is None


@pytest.mark.parametrize(
    ("text", "count"),
    [("2GB", 2 * 10**9), ("500MB", 5 * 10**8), ("64kB", 64000), ("1KiB", 1024), ("1.5 MB", 1500000), ("0B", 0)],
)
def test_sizes(text: str, count: int) -> None:
    assert size_bytes(text) == count


@pytest.mark.parametrize("text", ["", "5", "2G", "2gb", "-1kB", "1e3B", "1 kb", "kB"])
def test_what_is_no_size(text: str) -> None:
    assert size_bytes(text) is None


@given(st.integers(0, 30 * 86_400_000))
def test_a_duration_survives_being_written(milliseconds: int) -> None:
    assert duration_s(duration_text(milliseconds / 1000)) == milliseconds / 1000


@given(st.integers(0, 10**13))
def test_a_size_survives_being_written(count: int) -> None:
    assert size_bytes(size_text(count)) == count


@given(st.from_regex(DURATION_PATTERN.replace("(?=[0-9])", ""), fullmatch=True) | st.text("0123.dhms ", max_size=8))
def test_the_schema_and_the_reader_agree_on_durations(text: str) -> None:
    short = max(map(len, re.split("[^0-9]+", text)), default=0) <= 6
    if short:
        assert (re.search(DURATION_PATTERN, text) is not None and "\n" not in text) == (duration_s(text) is not None)


@given(st.text("0123.kKMGTiB ", max_size=8))
def test_the_schema_and_the_reader_agree_on_sizes(text: str) -> None:
    assert (re.search(SIZE_PATTERN, text) is not None) == (size_bytes(text) is not None)


@pytest.mark.parametrize(
    "place",
    ["b03", "b03/u02/f06/r601", "b03/x-lift1", "x-gate", "b3/r1", "b12a", "b03/fb1", "x-a-b/x-c", "b01/f12/x-hall"],
)
def test_places(place: str) -> None:
    assert is_place(place)


@pytest.mark.parametrize(
    "place", ["", "u02", "b03/", "/b03", "b03//u1", "b03u02", "b03/r1/f1", "B03", "x-", "b03\n", "楼"]
)
def test_what_is_no_place(place: str) -> None:
    assert not is_place(place)
    assert "\n" in place or re.search(PLACE_PATTERN, place) is None


@pytest.mark.parametrize(
    "url",
    ["mqtt://a", "mqtts://a.b:8883/", "mqtt://[::1]:1883", "mqtts://10.0.0.1", "tcp://10.0.0.5:5200", "udp://a:1"],
)
def test_addresses(url: str) -> None:
    assert is_uplink_url(url)
    assert re.search(UPLINK_URL_PATTERN, url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mqtt://",
        "http://a",
        "mqtt://a:99999",
        "mqtt://u:p@h",
        "mqtt://a/b",
        "mqtt://a?b",
        "mqtt:a",
        "mqtt://a:0",
        "tcp://a",
        "udp://a:0",
    ],
)
def test_what_is_no_address(url: str) -> None:
    assert not is_uplink_url(url)


@pytest.mark.parametrize(("name", "known"), [("Asia/Shanghai", True), ("UTC", True), ("Asia", False), ("../x", False)])
def test_time_zones(name: str, known: bool) -> None:
    assert is_timezone(name) == known


@pytest.mark.parametrize(
    ("value", "unit", "target", "result"),
    [
        ("12500", "L/h", "m3/h", "12.5"),
        ("678", "mL", "m3", "0.000678"),
        ("0.32", "MPa", "kPa", "320"),
        ("1", "bar", "kPa", "100"),
        ("3600", "mV", "V", "3.6"),
        ("300.15", "K", "Cel", "27"),
        ("212", "[degF]", "Cel", "100"),
        ("3.6", "GJ", "kW.h", "1000"),
        ("3.6", "GJ/h", "kW", "1000"),
        ("2", "MW.h", "kW.h", "2000"),
        ("50", "%", "1", "0.5"),
        ("1", "L/s", "m3/h", "3.6"),
        ("2", "h", "s", "7200"),
    ],
)
def test_conversions_are_exact(value: str, unit: str, target: str, result: str) -> None:
    line = conversion(unit, target)
    assert line is not None
    assert Fraction(value) * line.gain + line.bias == Fraction(result)


@given(st.sampled_from(sorted(UNITS)), st.data())
def test_a_conversion_there_and_back_changes_nothing(unit: str, data: st.DataObject) -> None:
    other = data.draw(st.sampled_from(units_like(unit)))
    there, back = conversion(unit, other), conversion(other, unit)
    assert there is not None
    assert back is not None
    assert (there.gain * back.gain, there.bias * back.gain + back.bias) == (1, 0)


def test_units_of_different_things_are_never_mixed() -> None:
    assert conversion("kPa", "m3") is None
    assert conversion("kPa", "kpa") is None
    assert conversion("min", "mL") is None


@given(st.integers(0, 12), st.integers(-(10**9), 10**9))
def test_decimal_places_are_enough_and_no_more(places: int, digits: int) -> None:
    number = Fraction(digits, 10**places)
    count = decimal_places(number)
    assert count is not None
    assert count <= places
    assert (number * 10**count).denominator == 1
    assert count == 0 or (number * 10 ** (count - 1)).denominator != 1


def test_a_third_has_no_decimals() -> None:
    assert decimal_places(Fraction(1, 3)) is None
