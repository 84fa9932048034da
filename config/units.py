"""UCUM units that devices and points use, and exact conversion between them.

Source: The Unified Code for Units of Measure (UCUM), tables 1 to 5; customary units as defined there.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

HOUR_S = 3600
_GALLON_M3 = Fraction("0.003785411784")
_POUND_PER_SQUARE_INCH_KPA = Fraction("4.4482216152605") / Fraction("0.00064516") / 1000


class Unit(NamedTuple):
    """One unit: base = value * factor + offset, in the base unit of its dimension."""

    dimension: str
    factor: Fraction
    offset: Fraction = Fraction(0)


class Line(NamedTuple):
    """target = source * gain + bias, exact."""

    gain: Fraction
    bias: Fraction


def _units(dimension: str, factors: dict[str, int | str | Fraction]) -> dict[str, Unit]:
    return {code: Unit(dimension, Fraction(factor)) for code, factor in factors.items()}


UNITS: dict[str, Unit] = {
    **_units("volume", {"m3": 1, "kL": 1, "L": "0.001", "dL": "0.0001", "mL": "0.000001", "[gal_us]": _GALLON_M3}),
    **_units(
        "flow",
        {
            "m3/h": 1,
            "m3/min": 60,
            "m3/s": HOUR_S,
            "m3/d": Fraction(1, 24),
            "L/h": "0.001",
            "L/min": "0.06",
            "L/s": "3.6",
            "mL/s": "0.0036",
            "[gal_us]/min": _GALLON_M3 * 60,
        },
    ),
    **_units("pressure", {"kPa": 1, "Pa": "0.001", "hPa": "0.1", "MPa": 1000, "bar": 100, "mbar": "0.1"}),
    **_units("pressure", {"[psi]": _POUND_PER_SQUARE_INCH_KPA, "mm[Hg]": "0.133322"}),
    "Cel": Unit("temperature", Fraction(1)),
    "K": Unit("temperature", Fraction(1), Fraction("-273.15")),
    "[degF]": Unit("temperature", Fraction(5, 9), Fraction(-160, 9)),
    **_units("speed", {"m/s": 1, "m/min": Fraction(1, 60), "cm/s": "0.01", "km/h": Fraction(5, 18)}),
    **_units("time", {"s": 1, "ms": "0.001", "min": 60, "h": HOUR_S, "d": 86_400}),
    **_units("voltage", {"V": 1, "mV": "0.001", "kV": 1000}),
    **_units("current", {"A": 1, "mA": "0.001"}),
    **_units("power", {"kW": 1, "W": "0.001", "MW": 1000, "GJ/h": Fraction(2500, 9), "MJ/h": Fraction(5, 18)}),
    **_units("energy", {"kW.h": 1, "W.h": "0.001", "MW.h": 1000, "J": Fraction(1, 3_600_000)}),
    **_units("energy", {"kJ": Fraction(1, 3600), "MJ": Fraction(5, 18), "GJ": Fraction(2500, 9)}),
    **_units("ratio", {"1": 1, "%": "0.01", "[ppm]": "0.000001"}),
    **_units("mass", {"kg": 1, "g": "0.001", "[lb_av]": "0.45359237"}),
    **_units("concentration", {"ug/m3": 1, "mg/m3": 1000}),
    **_units("illuminance", {"lx": 1}),
    **_units("level", {"dB": 1}),
    **_units("length", {"m": 1, "dm": "0.1", "cm": "0.01", "mm": "0.001"}),
    **_units("lower explosive limit", {"%[LEL]": 1}),
    **_units("frequency", {"Hz": 1, "/min": Fraction(1, 60)}),
}


def conversion(source: str, target: str) -> Line | None:
    """How to turn a value in `source` into `target`, or None when the units measure different things or are unknown."""
    here, there = UNITS.get(source), UNITS.get(target)
    if here is None or there is None or here.dimension != there.dimension:
        return None
    return Line(here.factor / there.factor, (here.offset - there.offset) / there.factor)


def units_like(target: str) -> tuple[str, ...]:
    """All units that can be turned into `target`."""
    return tuple(code for code in UNITS if conversion(code, target))


def decimal_places(number: Fraction) -> int | None:
    """How many decimals write the number exactly, or None when none do (one third)."""
    rest, places = number.denominator, 0
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest //= prime
            count += 1
        places = max(places, count)
    return places if rest == 1 else None
