"""The decimal number that a device meant by a floating-point one: 1234.56, not 1234.56005859375.  Pure.

Of all decimals that round to a float, the one with the fewest digits stands for it (Steele and White, "How to Print
Floating-Point Numbers Accurately", 1990); a float32 takes at most nine (IEEE 754-2019, 5.12.2).  It is a numerator
over a denominator, both whole, so that a scale in tenths is applied exactly and everything is rounded once.

In bulk: the numerator is the value times a power of ten, chosen by the value's binary exponent so that floats stand
closer than the decimals.  Then at most one such decimal rounds to the float, and every shorter one is among them;
where there is none, the decimals ten times as close hold one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import repeat
from operator import add, mul, rshift, sub, truediv
from typing import Final, TypeAlias

Ratios: TypeAlias = tuple[Sequence[float], Sequence[float]]
"""Whole numerators, and denominators that are powers of ten; each quotient rounds to the decimal."""

FLOAT32 = struct.Struct("f")
SMALLEST_NORMAL = 2.0**-126
MOST_DIGITS = 9
MOST_PLACES: Final = 17
"""Powers of ten beyond 10**22 are no exact floats: one more pass and a scale of 10**4 stay below."""
ROUNDS: Final = 1.5 * 2.0**52
"""Added to a number below 2**51 and taken off again, it leaves the nearest whole number."""


def ratio32(value: float) -> tuple[int, int]:
    """Of a finite float32."""
    for digits in range(1 if abs(value) < SMALLEST_NORMAL else 6, MOST_DIGITS):
        text = f"{value:.{digits}g}"
        if abs(float(text)) <= 3.4e38 and FLOAT32.unpack(FLOAT32.pack(float(text)))[0] == value:
            return Decimal(text).as_integer_ratio()
    return Decimal(f"{value:.{MOST_DIGITS}g}").as_integer_ratio()


def ratio64(value: float) -> tuple[int, int]:
    """Of a finite float."""
    return Decimal(repr(value)).as_integer_ratio()


def ratios32(count: int) -> Callable[[Sequence[float]], Ratios | None]:
    """A function for `count` normal or zero float32 at once.

    It returns None when one of them is out of its reach (about 10**-12 to 10**7), or takes a closer look.
    """
    floats, high_halves = struct.Struct(f"<{count}f"), struct.Struct("<" + "2xH" * count)
    ten, rounds, mantissa_bits = repeat(10.0), repeat(ROUNDS), repeat(7)
    powers = _POWERS.__getitem__

    def nearest(raws: Sequence[float], denominators: Sequence[float]) -> list[float]:
        return [*map(sub, map(add, map(mul, raws, denominators), rounds), rounds)]

    def ratios(raws: Sequence[float]) -> Ratios | None:
        raws = tuple(raws)
        exponents = map(rshift, high_halves.unpack(floats.pack(*raws)), mantissa_bits)
        denominators = [*map(powers, exponents)]
        numerators = nearest(raws, denominators)
        found = floats.unpack(floats.pack(*map(truediv, numerators, denominators)))
        if found == raws:
            return numerators, denominators
        closer = [*map(mul, denominators, ten)]
        denominators = [
            first if hit == raw else second
            for first, second, hit, raw in zip(denominators, closer, found, raws, strict=True)
        ]
        numerators = nearest(raws, denominators)
        found = floats.unpack(floats.pack(*map(truediv, numerators, denominators)))
        return (numerators, denominators) if found == raws else None

    return ratios


def _power(biased_exponent: int) -> float:
    """The greatest power of ten whose inverse is more than the distance of floats; not a number out of reach."""
    distance = 2.0 ** (biased_exponent - 150) if biased_exponent else 2.0**-24  # zero, as denormals do not come here
    places = next((places for places in range(MOST_PLACES + 1) if 10.0 ** -(places + 1) <= distance), MOST_PLACES + 1)
    return 10.0**places if distance < 1.0 and places <= MOST_PLACES else float("nan")


_POWERS: Final = tuple(_power(sign_and_exponent & 0xFF) for sign_and_exponent in range(512))
