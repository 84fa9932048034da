"""Payload of a read to point values, compiled once per request.  Pure.

What is never a value: not-a-number, infinity, a denormal (the mark of a wrong word order), all ones of an unsigned
type, a BCD digit above 9, a code that the map does not list, a fraction of more than one, anything outside the
point's limits.  Such a point is None with quality `bad:decode`, or `bad:range` when only the limits are broken.

Two ways to the same values: plain numbers are checked and scaled in bulk; when any check of the bulk fails, and for
every other kind of point, each goes through its own function, which decides exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from operator import add, itemgetter, le, mul, truediv
from typing import Any
from weakref import WeakValueDictionary

from courtyard.drivers.base import Scalar
from courtyard.drivers.modbus.numbers import BITS, IDENTITY, LARGEST, Finish, finisher, limits, line_of, sentinels
from courtyard.drivers.modbus.planning import WORDS
from courtyard.drivers.modbus.reads import BIT_FUNCTIONS, Read
from courtyard.drivers.modbus.settings import Fraction, ModbusPoint, Order, RegisterPoint
from courtyard.drivers.modbus.shortest import LARGEST_DIVISOR, LARGEST_FACTOR, scaled32
from courtyard.drivers.modbus.unpacking import Cell, unpack_bits, unpack_registers


class Decoder:
    """Decodes the answers to one read."""

    def __init__(self, read: Read, points: Sequence[ModbusPoint], order: Order) -> None:
        ordered = sorted(points, key=_class)
        self.names = tuple(point.register.point for point in ordered)
        self.payload_bytes = read.payload_bytes
        cells = [_cell(read, point.register, point.register, order) for point in ordered]
        self._pairs: list[tuple[int, int]] = []
        for at, point in enumerate(ordered):
            if point.register.fraction:
                self._pairs.append((at, len(cells)))
                cells.append(_cell(read, point.register, point.register.fraction, order))
        if read.function in BIT_FUNCTIONS:
            self._unpack = unpack_bits(cell.offset for cell in cells)
        else:
            self._unpack = unpack_registers(cells, read.payload_bytes)
        self._points = ordered
        self._bulk = _Bulk([point for point in ordered if _class(point) != SINGLY])

    @cached_property
    def _finishers(self) -> list[Finish]:
        return [finisher(point) for point in self._points]

    def decode(self, payload: bytes, values: dict[str, Scalar | None]) -> dict[str, str]:
        """Sets the points of this read in `values`; returns the quality of those that are bad.

        Raises ValueError for a payload of another length.
        """
        if len(payload) != self.payload_bytes:
            raise ValueError(f"{len(payload)} bytes instead of {self.payload_bytes}")
        raws, normal = self._unpack(payload)
        bulk = self._bulk.values(raws) if normal else None
        done = 0 if bulk is None else len(bulk)
        if done == len(self.names) and bulk is not None:
            values.update(zip(self.names, bulk, strict=True))
            return {}
        if self._pairs:
            raws = self._joined(raws)
        rest = [finish(raw) for finish, raw in zip(self._finishers[done:], raws[done:], strict=False)]
        values.update(zip(self.names, [*(bulk or ()), *rest], strict=True))
        return self._qualities(raws, done, rest) if None in rest else {}

    def _joined(self, raws: Sequence[Any]) -> Sequence[Any]:
        joined = list(raws)
        for at, fraction in self._pairs:
            joined[at] = (raws[at], raws[fraction])
        return joined

    def _qualities(self, raws: Sequence[Any], done: int, rest: Sequence[Scalar | None]) -> dict[str, str]:
        return {
            self.names[at]: "bad:decode" if finisher(self._points[at], limited=False)(raws[at]) is None else "bad:range"
            for at, value in enumerate(rest, done)
            if value is None
        }


_DECODERS: WeakValueDictionary[tuple[object, ...], Decoder] = WeakValueDictionary()


def decoder_for(read: Read, points: Sequence[ModbusPoint], order: Order) -> Decoder:
    """A decoder, shared by all devices that have these very points."""
    key = (read, order, *map(id, points))  # a decoder keeps its points, so their ids stay theirs while it is here
    decoder = _DECODERS.get(key)
    if decoder is None:
        decoder = _DECODERS[key] = Decoder(read, points, order)
    return decoder


class _Bulk:
    """Plain numbers, those that need no arithmetic first: all checked and scaled by a few passes in C.

    The checks are strict: what they let through is a value of its point; what they stop may still be one.
    """

    def __init__(self, points: Sequence[ModbusPoint]) -> None:
        lines, classes = [line_of(point) for point in points], [_class(point) for point in points]
        self._size = len(points)
        self._as_is, reals = classes.count(AS_IS), classes.count(REAL)
        self._scaled = self._as_is + reals
        shifts = lines[self._as_is : self._scaled]
        self._reals = (
            scaled32([round(line.factor) for line in shifts], [line.divisor for line in shifts]) if reals else None
        )
        scaled = lines[self._scaled :]
        self._factors = [line.factor for line in scaled] if any(line.factor != 1 for line in scaled) else None
        self._biases = [line.bias for line in scaled] if any(line.bias for line in scaled) else None
        self._divisors = [line.divisor for line in scaled]
        self._sentinels = frozenset[int]().union(*(sentinels(point.register) for point in points))
        bounded = [at for at, point in enumerate(points) if limits(point.register) != (-LARGEST, LARGEST)]
        self._bounded: Callable[[Sequence[Any]], Any] | None = itemgetter(*bounded, bounded[0]) if bounded else None
        bounds = [limits(points[at].register) for at in (*bounded, *bounded[:1])]  # twice: always a tuple
        self._low, self._high = [low for low, _ in bounds], [high for _, high in bounds]

    def values(self, raws: Sequence[Any]) -> Sequence[float | int] | None:
        """The values of the first raw numbers; None when one of them does not pass."""
        raws = raws[: self._size]
        if self._sentinels and not self._sentinels.isdisjoint(raws):
            return None
        values = raws
        if self._reals is not None:
            reals = self._reals(raws[self._as_is : self._scaled])
            if reals is None:
                return None
            values = [*raws[: self._as_is], *reals, *raws[self._scaled :]]
        if self._divisors:
            scaled: Any = raws[self._scaled :]
            if self._factors:
                scaled = map(mul, scaled, self._factors)
            if self._biases:
                scaled = map(add, scaled, self._biases)
            values = [*values[: self._scaled], *map(truediv, scaled, self._divisors)]
        if self._bounded is not None:
            limited = self._bounded(values)
            if not (all(map(le, self._low, limited)) and all(map(le, limited, self._high))):
                return None
        return values


AS_IS, REAL, SCALED, SINGLY = 0, 1, 2, 3


def _class(point: ModbusPoint) -> int:
    """How a point is decoded; also the order of points within a decoder."""
    register, line = point.register, line_of(point)
    if register.map is not None or register.as_text or register.fraction or register.mask:
        return SINGLY
    if register.type == "float32":
        small = abs(line.factor) <= LARGEST_FACTOR and line.divisor <= LARGEST_DIVISOR
        return REAL if line.exact and line.bias == 0 and small else SINGLY
    if register.type not in BITS:
        return SINGLY
    return AS_IS if line is IDENTITY else SCALED


def _cell(read: Read, register: RegisterPoint, half: RegisterPoint | Fraction, order: Order) -> Cell:
    """Where one number of a point stands; a single register is big-endian unless the point itself says otherwise."""
    own = half.order or register.order
    if WORDS[half.type] == 1:
        order = "DCBA" if own in ("BADC", "DCBA") else "ABCD"
    return Cell(half.address - read.address, half.type, order if WORDS[half.type] == 1 else own or order)
