"""Register points against the catalogue: checked, then made ready for one device."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import msgspec

from courtyard.config.catalogue import Catalogue, Point
from courtyard.config.describe import names
from courtyard.config.mistakes import Findings
from courtyard.config.positions import Path
from courtyard.config.units import conversion, decimal_places, units_like
from courtyard.drivers.base import Text
from courtyard.drivers.modbus.planning import WORDS
from courtyard.drivers.modbus.settings import ModbusPoint, ModbusProfile, NumberType, RegisterPoint

FLOAT_TYPES: tuple[NumberType, ...] = ("float32", "float64")
WHOLE_TYPES: tuple[NumberType, ...] = (
    "uint16", "int16", "uint32", "int32", "uint64", "int64", "bcd16", "bcd32", "bcd64",
)  # fmt: skip
MOST_DECIMALS = 12
_FRACTION_DECIMALS = {"float32": 6, "float64": 12}
"""Decimal places that a floating-point number below 1 carries."""
_NOUNS = {
    "number": Text("a number", "数字"),
    "counter": Text("a counter", "累计量"),
    "boolean": Text("a yes/no", "布尔量"),
    "text": Text("a text", "文本"),
    "enum": Text("a code", "枚举"),
}


def check_point(
    register: RegisterPoint, path: Path, profile: ModbusProfile, catalogue: Catalogue, findings: Findings
) -> None:
    """Reports what is wrong with one point of a profile, or of a device whose profile is a template."""
    point = catalogue.get(register.point)
    if point is None:
        findings.add("point.unknown", (*path, "point"), found=register.point, near=catalogue)
    else:
        _check_meaning(register, point, path, findings)
    _check_registers(register, path, profile, findings)
    if register.scale == 0:
        findings.add("point.scale", (*path, "scale"))
    if register.scale_option is not None and register.scale_option not in {option.name for option in profile.options}:
        near = [option.name for option in profile.options]
        findings.add("point.option", (*path, "scale_option"), found=register.scale_option, near=near)
    low, high = register.minimum, register.maximum
    if low is not None and high is not None and low >= high:
        findings.add("point.limits", (*path, "minimum"), low=low, high=high)


def _check_meaning(register: RegisterPoint, point: Point, path: Path, findings: Findings) -> None:
    kind = _kind_of(register)
    wanted = "number" if point.type == "counter" else point.type
    if kind != wanted:
        findings.add("point.kind", path, found=None, point=register.point, wanted=_NOUNS[point.type], read=_NOUNS[kind])
    elif kind == "number" and point.unit is not None:
        allowed = names(units_like(point.unit))
        if register.unit is None:
            findings.add("point.unit_missing", path, point=register.point, allowed=allowed)
        elif conversion(register.unit, point.unit) is None:
            near = units_like(point.unit)
            code, where = "point.unit", (*path, "unit")
            findings.add(
                code, where, found=register.unit, near=near, allowed=allowed, wanted=point.unit, point=register.point
            )
    elif register.unit is not None:
        findings.add("point.unit_unused", (*path, "unit"), point=register.point)
    for raw, value in (register.map or {}).items():
        _check_code(register, point, raw, value, (*path, "map", raw), findings)


def _check_code(
    register: RegisterPoint, point: Point, raw: str, value: str | bool, path: Path, findings: Findings
) -> None:
    try:
        int(raw, 0)
    except ValueError:
        findings.add("point.code", path, at="key", found=raw)
    if point.type == "enum" and value not in point.values:
        allowed = names(point.values)
        findings.add("point.value", path, found=str(value), near=point.values, allowed=allowed, point=register.point)
    if point.type == "boolean" and not isinstance(value, bool):
        findings.add("point.value", path, found=value, allowed=names(("true", "false")), point=register.point)


def _kind_of(register: RegisterPoint) -> str:
    """The kind of value that the driver will make of these registers."""
    if register.map:
        return "boolean" if all(isinstance(value, bool) for value in register.map.values()) else "enum"
    if register.type == "bool":
        return "boolean"
    return "text" if register.as_text else "number"


def _check_registers(register: RegisterPoint, path: Path, profile: ModbusProfile, findings: Findings) -> None:

    ends = [register.address + WORDS[register.type]]
    starts = [register.address]
    if register.fraction:
        starts.append(register.fraction.address)
        ends.append(register.fraction.address + WORDS[register.fraction.type])
    if max(ends) > 65536:
        findings.add("point.past_end", (*path, "address"), found=register.type)
    span = max(ends) - min(starts)
    if span > profile.max_registers:
        findings.add("point.too_long", (*path, "address"), count=span, limit=profile.max_registers)
    if (register.function or profile.function) in (1, 2) and (register.type != "bool" or register.fraction):
        findings.add("point.bit_function", (*path, "type"), found=register.type)
    if register.type not in WHOLE_TYPES:
        for key in ("map", "sentinels", "as_text", "counter_width", "counter_digits"):
            if getattr(register, key) and (key, register.type) != ("map", "bool"):  # a bit may mean its opposite
                findings.add("point.bits", (*path, key), found=register.type, allowed=names(WHOLE_TYPES))
    if register.mask and register.type in FLOAT_TYPES:
        findings.add("point.bits", (*path, "mask"), found=register.type, allowed=names((*WHOLE_TYPES, "bool")))


def compile_point(register: RegisterPoint, options: Mapping[str, float], point: Point) -> ModbusPoint:
    """Folds scale, option, offset and unit conversion into one line, exactly, then rounds once to floats.

    The arguments must have passed `check_point`.
    """
    scale = _exact(register.scale) * (_exact(options[register.scale_option]) if register.scale_option else 1)
    line = conversion(register.unit, point.unit) if register.unit and point.unit else None
    gain, bias = scale, _exact(register.offset)
    if line is not None:
        gain, bias = gain * line.gain, bias * line.gain + line.bias
    if point.type == "counter" and not register.counter:
        register = msgspec.structs.replace(register, counter=True)
    return ModbusPoint(register, float(gain), float(bias), _decimals(register, gain, bias))


def _exact(number: float) -> Fraction:
    """The number as it was written: 0.1 is one tenth."""
    return Fraction(repr(number))


def _decimals(register: RegisterPoint, gain: Fraction, bias: Fraction) -> int | None:
    """Decimal places of the catalogue value that the registers carry, of floats those of the line; None if endless."""
    fraction = register.fraction
    if register.type == "bool" or (register.type in FLOAT_TYPES and fraction is not None):
        return None
    places = [decimal_places(gain), decimal_places(bias)]
    if fraction is not None and fraction.type in _FRACTION_DECIMALS:
        part = abs(gain * _exact(fraction.scale))
        places.append(max(0, _FRACTION_DECIMALS[fraction.type] - math.floor(math.log10(part))) if part else 0)
    elif fraction is not None:
        places.append(decimal_places(gain * _exact(fraction.scale)))
    known = [count for count in places if count is not None]
    return min(max(known), MOST_DECIMALS) if len(known) == len(places) else None
