"""Register points made ready: scale, option, offset and unit folded into one exact line, with its decimals."""

from __future__ import annotations

from typing import Any

import pytest

from courtyard.config.catalogue import Point, product_catalogue
from courtyard.config.points import compile_point
from courtyard.drivers.modbus.settings import Fraction, RegisterPoint

M3 = Point("number", "Volume", "水量", "m3")
FLOAT = Fraction(2, "float32")


@pytest.mark.parametrize(
    ("type_", "unit", "more", "gain", "bias", "decimals"),
    [
        ("uint32", "m3", {}, 1, 0, 0),
        ("uint32", "m3", {"scale": 0.001}, 0.001, 0, 3),
        ("uint32", "L", {"scale": 0.01}, 1e-05, 0, 5),
        ("uint32", "L", {"scale": 10, "offset": 123400}, 0.01, 123.4, 2),
        ("uint16", "kL", {"scale": 100}, 100, 0, 0),
        ("int32", "m3", {"fraction": FLOAT}, 1, 0, 6),
        ("int32", "m3", {"fraction": FLOAT, "scale": 0.1}, 0.1, 0, 7),
        ("int32", "m3", {"fraction": FLOAT, "scale": 100}, 100, 0, 4),
        ("int32", "m3", {"fraction": Fraction(2, "int32", 1e-06)}, 1, 0, 6),
        ("float32", "m3", {}, 1, 0, 0),
        ("float32", "L", {}, 0.001, 0, 3),
        ("uint32", "[gal_us]", {}, 0.003785411784, 0, 12),
        ("uint32", "m3", {"scale": 1e-15}, 1e-15, 0, 12),
    ],
)
def test_one_line(type_: Any, unit: str, more: dict[str, Any], gain: float, bias: float, decimals: int | None) -> None:
    point = compile_point(RegisterPoint("water.volume.total", 0, type_, unit, **more), {}, M3)
    assert (point.gain, point.bias, point.decimals) == (gain, bias, decimals)


@pytest.mark.parametrize(
    ("unit", "target", "gain", "bias", "decimals"),
    [("K", "Cel", 0.1, -273.15, 2), ("[degF]", "Cel", 1 / 18, -160 / 9, None), ("GJ", "kW.h", 250 / 9, 0.0, None)],
)
def test_units_with_an_offset_or_endless_decimals(
    unit: str, target: str, gain: float, bias: float, decimals: int | None
) -> None:
    register = RegisterPoint("water.temperature", 0, "int16", unit, scale=0.1)
    point = compile_point(register, {}, Point("number", "T", "温度", target))
    assert (point.gain, point.bias) == pytest.approx((gain, bias), rel=1e-15)
    assert point.decimals == decimals


def test_an_option_multiplies_the_scale() -> None:
    register = RegisterPoint("water.volume.total", 0, "int32", "L", scale=10, offset=5, scale_option="multiplier")
    point = compile_point(register, {"multiplier": 0.1}, M3)
    assert (point.gain, point.bias, point.decimals) == (0.001, 0.005, 3)


def test_a_counter_of_the_catalogue_is_one_for_the_driver() -> None:
    catalogue = product_catalogue()
    register = RegisterPoint("water.volume.total", 0, "uint32", "m3")
    assert compile_point(register, {}, catalogue["water.volume.total"]).register.counter
    assert not compile_point(register, {}, catalogue["water.flow"]).register.counter


def test_points_without_a_number_keep_their_registers() -> None:
    catalogue = product_catalogue()
    for register in (
        RegisterPoint("water.leak", 0, "bool", mask=4),
        RegisterPoint("valve.state", 0, "uint16", map={"1": "open"}),
        RegisterPoint("meter.serial", 0, "bcd32", as_text=True),
    ):
        point = compile_point(register, {}, catalogue[register.point])
        assert (point.register, point.gain, point.bias) == (register, 1.0, 0.0)
