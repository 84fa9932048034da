"""IEEE 11073-20601 SFLOAT and FLOAT, as Bluetooth health devices send them: exact decimals, all special values.

Source: ISO/IEEE 11073-20601, annex F (FLOAT-Type, SFLOAT-Type); byte order on air is little-endian (Bluetooth Core
Specification, vol 3 part G).  Special values are told by their mantissa and an exponent of zero.
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import TypeAlias


class Special(Enum):
    """What a device sends instead of a number."""

    NAN = "NaN"
    NRES = "NRes"
    PLUS_INFINITY = "+INF"
    MINUS_INFINITY = "-INF"
    RESERVED = "reserved"


Number: TypeAlias = Decimal | Special
"""A decimal keeps the number of decimals that was sent: E0C8 is `Decimal("2.00")`."""

_SPECIALS_16 = {
    0x07FE: Special.PLUS_INFINITY,
    0x07FF: Special.NAN,
    0x0800: Special.NRES,
    0x0801: Special.RESERVED,
    0x0802: Special.MINUS_INFINITY,
}
_SPECIALS_32 = {
    0x007FFFFE: Special.PLUS_INFINITY,
    0x007FFFFF: Special.NAN,
    0x00800000: Special.NRES,
    0x00800001: Special.RESERVED,
    0x00800002: Special.MINUS_INFINITY,
}


def sfloat(raw: bytes) -> Number:
    """Two bytes: exponent of 4 bits, mantissa of 12 bits, both in two's complement."""
    return _number(int.from_bytes(raw, "little"), 12, 4, _SPECIALS_16)


def float32(raw: bytes) -> Number:
    """Four bytes: exponent of 8 bits, mantissa of 24 bits, both in two's complement."""
    return _number(int.from_bytes(raw, "little"), 24, 8, _SPECIALS_32)


def _number(word: int, mantissa_bits: int, exponent_bits: int, specials: dict[int, Special]) -> Number:
    special = specials.get(word)
    if special is not None:
        return special
    mantissa = _signed(word & (1 << mantissa_bits) - 1, mantissa_bits)
    exponent = _signed(word >> mantissa_bits, exponent_bits)
    return Decimal((mantissa < 0, tuple(map(int, str(abs(mantissa)))), exponent))


def _signed(word: int, bits: int) -> int:
    return word - (1 << bits) if word >> bits - 1 else word
