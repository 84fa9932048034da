"""How meters lay numbers into 16-bit registers: word orders, packed BCD, integer + fraction pairs.

A codec packs a number into bytes in Modbus transmission order and unpacks it again.  Orders are named by
where the bytes A (most significant) to D of a 32-bit number stand on the wire.
"""

from __future__ import annotations

import math
import struct
from typing import Literal, NamedTuple, Protocol

Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]


class Codec(Protocol):
    """One way to write a number into `words` registers."""

    @property
    def words(self) -> int: ...

    def pack(self, value: float) -> bytes:
        """Bytes on the wire; NaN becomes the encoding's own 'no value'."""

    def unpack(self, data: bytes) -> float:
        """The number that `data`, exactly `2 * words` bytes, stands for."""


def arrange(natural: bytes, order: Order) -> bytes:
    """Bytes of a big-endian number in another order; every order is its own inverse."""
    if order == "ABCD":
        return natural
    if order == "DCBA":
        return natural[::-1]
    words = [natural[i : i + 2] for i in range(0, len(natural), 2)]
    if order == "CDAB":
        return b"".join(reversed(words))
    return b"".join(word[::-1] for word in words)


class Binary(NamedTuple):
    """An integer or IEEE 754 number; `format` is a big-endian struct format, `scale` what one count is worth."""

    format: str
    order: Order = "ABCD"
    scale: float = 1.0

    @property
    def words(self) -> int:
        return struct.calcsize(self.format) // 2

    def pack(self, value: float) -> bytes:
        if self.format[1] in "fd":
            return arrange(struct.pack(self.format, value / self.scale), self.order)
        if math.isnan(value):
            return b"\xff" * (2 * self.words)
        count = round(value / self.scale)
        unsigned = count & ((1 << (16 * self.words)) - 1)  # counters wrap
        return arrange(unsigned.to_bytes(2 * self.words, "big"), self.order)

    def unpack(self, data: bytes) -> float:
        number: float = struct.unpack(self.format, arrange(data, self.order))[0]
        return number if self.scale == 1.0 else number * self.scale


class Bcd(NamedTuple):
    """Packed binary-coded decimal digits, four a register, most significant first before ordering."""

    words: int
    order: Order = "ABCD"

    def pack(self, value: float) -> bytes:
        if math.isnan(value):
            return b"\xff" * (2 * self.words)
        digits = f"{int(value) % 10 ** (4 * self.words):0{4 * self.words}d}"
        return arrange(bytes.fromhex(digits), self.order)

    def unpack(self, data: bytes) -> float:
        return int(arrange(data, self.order).hex())


class Pair(NamedTuple):
    """Integer part and remainder side by side, both signed; `unit` is one count of the remainder."""

    whole: Binary
    rest: Binary
    unit: float = 1.0

    @property
    def words(self) -> int:
        return self.whole.words + self.rest.words

    def pack(self, value: float) -> bytes:
        if math.isnan(value):
            return self.whole.pack(value) + self.rest.pack(value)
        whole = math.trunc(value)
        rest = (value - whole) / self.unit
        if self.rest.format[1] not in "fd" and abs(round(rest)) * self.unit >= 1:  # 0.9999999 rounds up to a whole
            whole, rest = whole + int(math.copysign(1, value)), 0
        return self.whole.pack(whole) + self.rest.pack(rest)

    def unpack(self, data: bytes) -> float:
        middle = 2 * self.whole.words
        return self.whole.unpack(data[:middle]) + self.rest.unpack(data[middle:]) * self.unit


def float32(order: Order = "ABCD") -> Binary:
    return Binary(">f", order)


def float64(order: Order = "ABCD") -> Binary:
    return Binary(">d", order)


def int32(order: Order = "ABCD", scale: float = 1.0) -> Binary:
    return Binary(">i", order, scale)


def uint32(order: Order = "ABCD", scale: float = 1.0) -> Binary:
    return Binary(">I", order, scale)


def uint16(scale: float = 1.0) -> Binary:
    return Binary(">H", "ABCD", scale)
