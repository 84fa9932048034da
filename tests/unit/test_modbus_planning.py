"""Which requests read a set of points."""

from __future__ import annotations

import pytest

from courtyard.drivers.modbus.planning import Part, halves, plan, widened
from courtyard.drivers.modbus.reads import Read
from courtyard.drivers.modbus.settings import Fraction, ModbusProfile
from tests.modbus_rig import register


def reads(parts: tuple[Part, ...]) -> list[Read]:
    return [part.read for part in parts]


def test_ten_scattered_points_cost_one_request_where_the_profile_allows() -> None:
    points = [register(f"p{i}", 12 * i, "float32") for i in range(10)]
    assert reads(plan(points, ModbusProfile("", ""))) == [Read(3, 0, 110)]


def test_gaps_and_sizes_are_limited_by_the_profile() -> None:
    points = [register("a", 0), register("b", 10), register("c", 30)]
    assert reads(plan(points, ModbusProfile("", "", max_gap=9))) == [Read(3, 0, 11), Read(3, 30, 1)]
    assert reads(plan(points, ModbusProfile("", "", max_gap=8))) == [Read(3, 0, 1), Read(3, 10, 1), Read(3, 30, 1)]
    assert reads(plan(points, ModbusProfile("", "", max_gap=20, max_registers=22))) == [Read(3, 0, 11), Read(3, 30, 1)]


def test_functions_are_never_mixed() -> None:
    points = [register("a", 0), register("b", 1, function=4), register("c", 2)]
    assert reads(plan(points, ModbusProfile("", ""))) == [Read(3, 0, 3), Read(4, 1, 1)]


def test_both_halves_of_a_pair_are_in_one_request() -> None:
    pair = register("total", 20, "uint32", fraction=Fraction(8, "uint32"))
    others = [register(f"p{i}", 2 * i) for i in range(16)]
    parts = plan([*others, pair], ModbusProfile("", "", max_registers=14))
    home = next(part for part in parts if pair in [item.point for item in part.items])
    assert home.read.address <= 8
    assert home.read.end >= 22


def test_a_pair_that_no_request_can_hold_is_an_error() -> None:
    pair = register("total", 0, "uint32", fraction=Fraction(90, "uint32"))
    with pytest.raises(ValueError, match="total: 92 registers, one request brings 22"):
        plan([pair], ModbusProfile("", "", max_registers=22))
    with pytest.raises(ValueError, match="register 65536"):
        plan([register("end", 65535, "uint32")], ModbusProfile("", ""))
    with pytest.raises(ValueError, match="reads bits"):
        plan([register("word", 0, "uint16", function=1)], ModbusProfile("", ""))


def test_bits_are_counted_in_bits() -> None:
    points = [register("a", 0, "bool", function=1), register("b", 200, "bool", function=1)]
    assert reads(plan(points, ModbusProfile("", "", max_gap=16))) == [Read(1, 0, 201)]
    assert reads(plan(points, ModbusProfile("", "", max_registers=12))) == [Read(1, 0, 1), Read(1, 200, 1)]


def test_a_refused_range_and_what_contains_it_are_avoided() -> None:
    points = [register(f"p{address}", address) for address in (0, 5, 9, 12)]
    profile = ModbusProfile("", "")
    assert reads(plan(points, profile, {Read(3, 7, 1)})) == [Read(3, 0, 6), Read(3, 9, 4)]
    assert reads(plan(points, profile, {Read(3, 5, 5)})) == [Read(3, 0, 6), Read(3, 9, 4)]
    assert reads(plan(points, profile, {Read(4, 7, 1)})) == [Read(3, 0, 13)]


def test_halving_ends_with_single_points() -> None:
    points = [register(f"p{address}", address) for address in (0, 1, 2, 20, 21)]
    (part,) = plan(points, ModbusProfile("", "", max_gap=20))
    work, singles = [part], 0
    while work:
        cut = halves(work.pop())
        if cut is None:
            singles += 1
        else:
            work += cut
    assert singles == 5
    first = halves(part)
    assert first is not None
    assert reads(first) == [Read(3, 0, 3), Read(3, 20, 2)]


def test_wider_reads_have_other_lengths_and_stay_within_the_limits() -> None:
    assert widened(Read(3, 0, 20), 125) == (Read(3, 0, 20), Read(3, 0, 21), Read(3, 0, 22), Read(3, 0, 23))
    assert widened(Read(3, 0, 20), 21) == (Read(3, 0, 20), Read(3, 0, 21))
    assert widened(Read(3, 65530, 6), 125) == (Read(3, 65530, 6),)
    assert [read.payload_bytes for read in widened(Read(1, 0, 3), 2000)] == [1, 2, 3, 4]
