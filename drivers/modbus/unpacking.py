"""Raw numbers out of the bytes of a register read, whatever their order and however they overlap.  Pure.

All numbers of one byte order are unpacked by one `struct`; word-swapped ones after a rearrangement by slices.
Floating-point numbers are checked all at once by arithmetic on the payload as one long integer.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, Literal, NamedTuple, TypeAlias

from courtyard.drivers.modbus.planning import WORDS
from courtyard.drivers.modbus.settings import NumberType, Order

Unpack: TypeAlias = Callable[[bytes], tuple[Sequence[Any], bool]]
"""The numbers, and whether all floating-point ones among them are normal or zero."""

FORMATS: dict[NumberType, str] = {
    "bool": "H",
    "uint16": "H",
    "int16": "h",
    "bcd16": "H",
    "uint32": "I",
    "int32": "i",
    "float32": "f",
    "bcd32": "I",
    "uint64": "Q",
    "int64": "q",
    "float64": "d",
    "bcd64": "Q",
}
EXPONENT_BITS: dict[NumberType, int] = {"float32": 8, "float64": 11}


class Cell(NamedTuple):
    """One raw number: on which register of the payload it begins, and how it stands there."""

    offset: int
    type: NumberType
    order: Order

    @property
    def end(self) -> int:
        return self.offset + WORDS[self.type]


def unpack_bits(offsets: Iterable[int]) -> Unpack:
    """For coils and inputs: bit 0 of the first byte is the first (MODBUS Application Protocol V1.1b3, 6.1)."""
    at = tuple(offsets)

    def unpack(payload: bytes) -> tuple[Sequence[Any], bool]:
        bits = int.from_bytes(payload, "little")
        return [bits >> offset & 1 for offset in at], True

    return unpack


def unpack_registers(cells: Sequence[Cell], size: int) -> Unpack:
    """For registers, from payloads of `size` bytes; numbers come in the order of `cells`, which may overlap."""
    groups: dict[tuple[str, int, int, int], list[Cell]] = {}
    for cell in sorted(set(cells)):
        arrangement, layer = _arrangement(cell), 0
        while (group := groups.setdefault((*arrangement, layer), [])) and group[-1].end > cell.offset:
            layer += 1
        group.append(cell)
    steps = [_step(endian, words, phase, group, size) for (endian, words, phase, _), group in groups.items()]
    found = [cell for group in groups.values() for cell in group]
    pick = _picker([found.index(cell) for cell in cells])
    if len(steps) == 1 and pick is None:
        return steps[0]

    def unpack(payload: bytes) -> tuple[Sequence[Any], bool]:
        raws: list[Any] = []
        normal = True
        for step in steps:
            part, part_normal = step(payload)
            raws += part
            normal = normal and part_normal
        return (raws if pick is None else pick(raws)), normal

    return unpack


def _arrangement(cell: Cell) -> tuple[str, int, int]:
    """Endianness, words to reverse (0: none), and on which word of the payload groups to reverse begin."""
    words = WORDS[cell.type]
    endian = ">" if cell.order in ("ABCD", "CDAB") else "<"
    if words == 1 or cell.order in ("ABCD", "DCBA"):
        return endian, 0, 0
    return endian, words, cell.offset % words


def _step(endian: str, words: int, phase: int, cells: Sequence[Cell], size: int) -> Unpack:
    text, at = endian, phase
    for cell in cells:
        text += "xx" * (cell.offset - at) + FORMATS[cell.type]
        at = cell.end
    numbers = struct.Struct(text).unpack_from
    rearranged = _Swap(words, phase, size) if words else None
    floats = [(2 * (cell.offset - phase), cell.type) for cell in cells if cell.type in EXPONENT_BITS]
    body_size = size if rearranged is None else rearranged.size
    normal = _AllNormal(floats, body_size, "big" if endian == ">" else "little") if floats else None

    def unpack(payload: bytes) -> tuple[Sequence[Any], bool]:
        body = payload if rearranged is None else rearranged(payload)
        return numbers(body), normal is None or normal(body)

    return unpack


class _Swap:
    """Reverses the words of every group of 2 or 4, counted from a given word; returns the bytes from there on."""

    def __init__(self, words: int, phase: int, size: int) -> None:
        whole = (size // 2 - phase) // words * words
        self._body = slice(2 * phase, 2 * (phase + whole))
        self.size = 2 * whole
        lanes = [(2 * word + byte, 2 * (words - 1 - word) + byte) for word in range(words) for byte in (0, 1)]
        self._lanes = [(slice(to, None, 2 * words), slice(of, None, 2 * words)) for to, of in lanes]

    def __call__(self, payload: bytes) -> bytearray:
        body, swapped = payload[self._body], bytearray(self.size)
        for to, of in self._lanes:
            swapped[to] = body[of]
        return swapped


class _AllNormal:
    """Whether no floating-point number of a payload is NaN, infinite or denormal, in five operations for all of them.

    The payload is one long integer with a lane per number.  Without its sign a lane is at most 01..1, so adding at
    most 01..1 to it carries into the lane's own sign bit and never further: the sign bits then answer for all lanes
    "not zero?" (add 01..1), "exponent not zero?" (add all ones down to the lowest exponent bit) and "exponent all
    ones?" (add the lowest exponent bit).
    """

    def __init__(self, lanes: Sequence[tuple[int, NumberType]], size: int, endian: Literal["big", "little"]) -> None:
        self._endian = endian

        def pattern(first: int, last: Callable[[NumberType], int]) -> int:
            mask = bytearray(size)
            for start, type_ in lanes:
                width = 16 * WORDS[type_]
                ones = (1 << width - first) - (1 << last(type_))
                mask[start : start + width // 8] = ones.to_bytes(width // 8, endian)
            return int.from_bytes(mask, endian)

        def lowest_exponent_bit(type_: NumberType) -> int:
            return 16 * WORDS[type_] - 1 - EXPONENT_BITS[type_]

        self._magnitude = pattern(1, lambda type_: 0)
        self._sign = pattern(0, lambda type_: 16 * WORDS[type_] - 1)
        self._exponent = pattern(1, lowest_exponent_bit)
        self._carry = self._exponent & ~(self._exponent << 1)

    def __call__(self, payload: bytes | bytearray) -> bool:
        sign = self._sign
        bits = int.from_bytes(payload, self._endian) & self._magnitude
        some = bits + self._magnitude & sign
        return some == bits + self._exponent & sign and not bits + self._carry & sign


def _picker(order: Sequence[int]) -> Callable[[Sequence[Any]], Sequence[Any]] | None:
    """Brings numbers into the order wanted; None when they are in it."""
    if list(order) == list(range(len(order))):
        return None
    if len(order) == 1:
        only = order[0]
        return lambda raws: (raws[only],)
    return itemgetter(*order)
