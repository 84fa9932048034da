"""A raw number of a register to the value of its point, or to None when it is none.  Pure; built once per point."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from courtyard.drivers.base import Scalar
from courtyard.drivers.modbus.settings import ModbusPoint, NumberType, RegisterPoint
from courtyard.drivers.modbus.shortest import ratio32, ratio64

Raw: TypeAlias = Any
"""What struct gives: int or float."""
Number: TypeAlias = float | int
Finish: TypeAlias = Callable[[Raw], Scalar | None]

SMALLEST_NORMAL: dict[NumberType, float] = {"float32": 2.0**-126, "float64": 2.0**-1022}
LARGEST = 1.7976931348623157e308
BITS: dict[NumberType, int] = {"uint16": 16, "int16": 16, "uint32": 32, "int32": 32, "uint64": 64, "int64": 64}
WHOLE = 1e-9
"""How near to a whole number a factor must come to be one."""


class Line(NamedTuple):
    """value = (raw * factor + bias) / divisor.

    With whole factor and bias and a power of ten below, the value is the correctly rounded decimal that the meter
    shows: 12345678 litres are 12345.678, not 12345.678000000002.
    """

    factor: Number = 1
    bias: Number = 0
    divisor: float = 1.0

    @property
    def exact(self) -> bool:
        return isinstance(self.factor, int) and isinstance(self.bias, int)


IDENTITY = Line()


def line_of(point: ModbusPoint) -> Line:
    """The point's gain and bias, exact where its decimals allow."""
    if point.gain == 1.0 and point.bias == 0.0:
        return IDENTITY
    if point.decimals is not None:
        divisor = 10**point.decimals
        factor, bias = point.gain * divisor, point.bias * divisor
        if _whole(factor) and _whole(bias):
            common = math.gcd(round(factor), round(bias), divisor)
            return Line(round(factor) // common, round(bias) // common, float(divisor // common))
    return Line(point.gain, point.bias)


def finisher(point: ModbusPoint, *, limited: bool = True) -> Finish:
    """The function that turns the raw number, or the raw pair of integer and fraction, into the value.

    `limited` False leaves out the point's minimum and maximum.
    """
    register = point.register
    if register.map is not None:
        return _lookup(register)
    if register.type == "bool":
        return _truth(register.mask)
    if register.as_text:
        return _digits(register)
    number = _pair(register) if register.fraction else _plain(register.type, register)
    line = line_of(point)
    low, high = limits(register) if limited else (-LARGEST, LARGEST)
    if register.type in SMALLEST_NORMAL and not register.fraction:
        return _real(register.type, number, line, low, high)
    places = point.decimals if register.fraction else None

    def finish(raw: Raw) -> Number | None:
        exact = number(raw)
        if exact is None:
            return None
        value = exact if line is IDENTITY else (exact * line.factor + line.bias) / line.divisor
        if places is not None:
            value = round(value, places)  # takes off what the sum of both halves added
        return value if low <= value <= high else None

    return finish


def _real(type_: NumberType, number: Finish, line: Line, low: float, high: float) -> Finish:
    """Finishes the shortest decimal of a floating-point number."""
    ratio, digits = (ratio32, 9) if type_ == "float32" else (ratio64, 15)
    factor, bias, divisor = line.factor, line.bias, round(line.divisor)

    def finish(raw: float) -> float | None:
        if number(raw) is None:
            return None
        numerator, denominator = ratio(raw)
        try:
            if line.exact:
                value = (numerator * factor + bias * denominator) / (divisor * denominator)
            else:
                value = float(f"{numerator / denominator * factor + bias:.{digits}g}")
        except OverflowError:
            return None
        return value if low <= value <= high else None

    return finish


def limits(register: RegisterPoint) -> tuple[float, float]:
    """Smallest and largest believable value."""
    low = -LARGEST if register.minimum is None else register.minimum
    return low, LARGEST if register.maximum is None else register.maximum


def sentinels(register: RegisterPoint) -> frozenset[int]:
    """Raw numbers that mean 'no value': the point's own, as unsigned or signed patterns, and all ones if unsigned."""
    none, bits = set(register.sentinels), BITS.get(register.type)
    if bits is not None and register.type.startswith("int"):
        none |= {raw - (1 << bits) for raw in register.sentinels if raw >= 1 << (bits - 1)}
    elif bits is not None:
        none.add((1 << bits) - 1)
    return frozenset(none)


def _plain(type_: NumberType, register: RegisterPoint) -> Callable[[Raw], Number | None]:
    """The number itself, None for the patterns that mean no value."""
    none, mask = sentinels(register), register.mask
    if type_.startswith("bcd"):
        return lambda raw: None if raw in none else _decimal(raw)
    if type_ in SMALLEST_NORMAL:
        smallest = SMALLEST_NORMAL[type_]

        def real(raw: float) -> float | None:
            sound = raw == 0.0 or smallest <= abs(raw) <= LARGEST  # a comparison with NaN is false
            return raw if sound and raw not in none else None

        return real
    if mask is not None:
        return lambda raw: None if raw in none else raw & mask
    return lambda raw: None if raw in none else raw


def _pair(register: RegisterPoint) -> Callable[[Raw], Number | None]:
    fraction = register.fraction
    assert fraction is not None
    whole = _plain(register.type, register)
    part = _plain(fraction.type, RegisterPoint(register.point, fraction.address, fraction.type))

    def number(raw: tuple[Raw, Raw]) -> Number | None:
        first, second = whole(raw[0]), part(raw[1])
        if first is None or second is None:
            return None
        second *= fraction.scale
        return first + second if -1.0 <= second <= 1.0 else None

    return number


def _decimal(raw: int) -> int | None:
    digits = f"{raw:x}"
    return int(digits) if digits.isdecimal() else None


def _lookup(register: RegisterPoint) -> Finish:
    mask = register.mask
    table = {int(code, 0): value for code, value in (register.map or {}).items()}
    if register.type.startswith("bcd"):
        return lambda raw: table.get(number) if (number := _decimal(raw)) is not None else None
    return table.get if mask is None else lambda raw: table.get(raw & mask)


def _truth(mask: int | None) -> Finish:
    return bool if mask is None else lambda raw: raw & mask != 0


def _digits(register: RegisterPoint) -> Finish:
    none = sentinels(register)
    if not register.type.startswith("bcd"):
        return lambda raw: None if raw in none else str(raw)
    width = int(register.type.removeprefix("bcd")) // 4

    def finish(raw: int) -> str | None:
        digits = f"{raw:0{width}x}"
        return digits if digits.isdecimal() and raw not in none else None

    return finish


def _whole(number: float) -> bool:
    return abs(number - round(number)) <= WHOLE * max(1.0, abs(number))
