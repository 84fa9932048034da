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
from typing import Final

FLOAT32 = struct.Struct("f")
SMALLEST_NORMAL = 2.0**-126
MOST_DIGITS = 9
MOST_PLACES: Final = 17
"""Powers of ten beyond 10**22 are no exact floats: one more pass and the largest divisor stay below."""
LARGEST_FACTOR, LARGEST_DIVISOR = 10**6, 10**4
"""With them every product of `scaled32` is an exact float."""
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


def scaled32(factors: Sequence[int], divisors: Sequence[float]) -> Callable[[Sequence[float]], list[float] | None]:
    """A function for many normal or zero float32 at once, each given `shortest * factor / divisor`.

    Factors are whole numbers up to `LARGEST_FACTOR`, divisors powers of ten up to `LARGEST_DIVISOR`.  It returns None
    when a value is out of its reach (about 10**-12 to 10**7), or takes a closer look.
    """
    count, is_scaled = len(factors), any(factor != 1 for factor in factors) or any(div != 1 for div in divisors)
    floats, high_halves = struct.Struct(f"<{count}f"), struct.Struct("<" + "2xH" * count)
    powers, rounds = _POWERS, ROUNDS  # locals, for this is done for every value of every reading

    def scaled(raws: Sequence[float]) -> list[float] | None:
        raws = tuple(raws)
        tenths = [powers[high >> 7] for high in high_halves.unpack(floats.pack(*raws))]
        values = [(raw * power + rounds - rounds) / power for raw, power in zip(raws, tenths, strict=True)]
        found = floats.unpack(floats.pack(*values))
        if found != raws:
            tries = zip(raws, found, tenths, strict=True)
            tenths = [power if hit == raw else power * 10.0 for raw, hit, power in tries]
            values = [(raw * power + rounds - rounds) / power for raw, power in zip(raws, tenths, strict=True)]
            if floats.unpack(floats.pack(*values)) != raws:
                return None
        if not is_scaled:
            return values
        every = zip(raws, tenths, factors, divisors, strict=True)
        return [(raw * power + rounds - rounds) * factor / (power * divisor) for raw, power, factor, divisor in every]

    return scaled


def _power(biased_exponent: int) -> float:
    """The greatest power of ten whose inverse is more than the distance of floats; not a number out of reach."""
    distance = 2.0 ** (biased_exponent - 150) if biased_exponent else 2.0**-24  # zero, as denormals do not come here
    places = next((places for places in range(MOST_PLACES + 1) if 10.0 ** -(places + 1) <= distance), MOST_PLACES + 1)
    return 10.0**places if distance < 1.0 and places <= MOST_PLACES else float("nan")


_POWERS: Final = tuple(_power(sign_and_exponent & 0xFF) for sign_and_exponent in range(512))
