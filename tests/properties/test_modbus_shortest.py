"""Shortest decimals of float32, one at a time and in bulk, against the definition."""

from __future__ import annotations

import struct
from decimal import Decimal
from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from courtyard.drivers.modbus.decoding import Decoder
from courtyard.drivers.modbus.reads import Read
from courtyard.drivers.modbus.shortest import SMALLEST_NORMAL, ratio32, ratio64, scaled32
from tests.modbus_rig import examples, register

everything = st.floats(width=32, allow_nan=False, allow_infinity=False)
ordinary = st.one_of(
    st.floats(width=32, min_value=2.0**-20, max_value=2.0**22),
    st.integers(-(10**7), 10**7).map(lambda number: float32(number / 1000)),
    st.integers(-20, 22).map(lambda power: 2.0**power),
    st.just(0.0),
)
decimals = st.tuples(st.integers(-999_999, 999_999), st.integers(-6, 9))
"""Up to six digits, which a float32 keeps (FLT_DIG), and the places behind the point."""


def float32(number: float) -> float:
    return float(struct.unpack("f", struct.pack("f", number))[0])


def digits(ratio: Fraction) -> int:
    """Significant digits of a decimal."""
    mantissa = f"{Decimal(ratio.numerator) / Decimal(ratio.denominator):E}".partition("E")[0]
    return len(mantissa.strip("-").rstrip("0").replace(".", ""))


@given(everything)
@example(1.401298464324817e-45)
@example(1.1754942106924411e-38)
@example(1.1754943508222875e-38)
@example(3.4028234663852886e38)
@example(16777216.0)
@example(33554432.0)
@example(-0.0)
@settings(max_examples=examples(300), deadline=None)
def test_it_rounds_to_the_float_and_no_nearest_shorter_one_does(value: float) -> None:
    numerator, denominator = ratio32(value)
    assert float32(numerator / denominator) == value
    count = digits(Fraction(numerator, denominator))
    assert count <= 9
    if count > 1 and abs(value) < 3e38:
        assert float32(float(f"{value:.{count - 1}g}")) != value or (count <= 6 and abs(value) >= SMALLEST_NORMAL)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_is_what_python_prints(value: float) -> None:
    numerator, denominator = ratio64(value)
    assert numerator / denominator == value


@given(decimals)
@settings(max_examples=examples(300), deadline=None)
def test_a_decimal_of_six_digits_comes_back(decimal: tuple[int, int]) -> None:
    number, places = decimal
    meant = Fraction(number) / Fraction(10) ** places
    assert Fraction(*ratio32(float32(float(meant)))) == meant


@given(st.lists(ordinary, min_size=1, max_size=30))
@settings(max_examples=examples(200), deadline=None)
def test_many_at_once_are_what_each_is(raws: list[float]) -> None:
    values = scaled32([1] * len(raws), [1.0] * len(raws))(raws)
    each = [numerator / denominator for numerator, denominator in map(ratio32, raws)]
    assert values is None or values == each


@given(st.lists(st.integers(-(10**6), 10**6), min_size=10, max_size=10))
def test_displayed_numbers_need_no_second_look(thousandths: list[int]) -> None:
    values = scaled32([1] * 10, [1.0] * 10)([float32(number / 1000) for number in thousandths])
    assert values == [number / 1000 for number in thousandths]


@given(decimals, st.integers(-4, 6))
@settings(max_examples=examples(200), deadline=None)
def test_a_scale_in_tenths_moves_the_point_and_changes_no_digit(decimal: tuple[int, int], power: int) -> None:
    number, places = decimal
    raw = float32(float(Fraction(number) / Fraction(10) ** places))
    point = register("p", 0, "float32", gain=10.0**power, decimals=max(0, -power))
    values: dict[str, object] = {}
    Decoder(Read(3, 0, 2), [point], "ABCD").decode(struct.pack(">f", raw), values)  # type: ignore[arg-type]
    assert values["p"] == float(Fraction(number) / Fraction(10) ** (places - power))
