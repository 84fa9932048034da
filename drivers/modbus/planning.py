"""Which requests read the points of a device.  Pure.

Points of one function are joined into one request while the gap between them and the whole stay within the
profile's limits; both halves of an integer + fraction pair are one item and never come apart.  A range that a device
has refused is never asked for again, nor any range that contains it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from courtyard.drivers.modbus.reads import BIT_FUNCTIONS, Read
from courtyard.drivers.modbus.settings import Function, ModbusPoint, ModbusProfile, NumberType

MOST_BITS = 2000
"""Of one read of coils or inputs (MODBUS Application Protocol V1.1b3, 6.1)."""
WORDS: dict[NumberType, int] = {
    "bool": 1,
    "uint16": 1,
    "int16": 1,
    "bcd16": 1,
    "uint32": 2,
    "int32": 2,
    "float32": 2,
    "bcd32": 2,
    "uint64": 4,
    "int64": 4,
    "float64": 4,
    "bcd64": 4,
}


class Item(NamedTuple):
    """One point and the registers it needs, end exclusive."""

    function: Function
    start: int
    end: int
    point: ModbusPoint


class Part(NamedTuple):
    """One request and the points it brings."""

    read: Read
    items: tuple[Item, ...]


def plan(points: Iterable[ModbusPoint], profile: ModbusProfile, refused: Collection[Read] = ()) -> tuple[Part, ...]:
    """The fewest requests that a single pass in address order finds.

    Raises ValueError for a point that no request of this profile can fetch whole.
    """
    items = sorted((item_of(point, profile) for point in points), key=lambda item: item[:3])
    parts: list[Part] = []
    pending: list[Item] = []
    for item in items:
        if pending and not _fits(pending, item, profile, refused):
            parts.append(_part(pending))
            pending = []
        pending.append(item)
    if pending:
        parts.append(_part(pending))
    return tuple(parts)


def item_of(point: ModbusPoint, profile: ModbusProfile) -> Item:
    """The registers that a point needs.  Raises ValueError when they exceed the address space or one request."""
    register = point.register
    function = register.function or profile.function
    spans = [(register.address, register.address + WORDS[register.type])]
    if register.fraction:
        spans.append((register.fraction.address, register.fraction.address + WORDS[register.fraction.type]))
    start, end = min(start for start, _ in spans), max(end for _, end in spans)
    if function in BIT_FUNCTIONS and (register.type != "bool" or register.fraction):
        raise ValueError(f"{register.point}: function {function} reads bits, not {register.type}")
    if end > 65536:
        raise ValueError(f"{register.point}: register {end - 1} does not exist")
    if end - start > most_of_one_request(function, profile):
        raise ValueError(f"{register.point}: {end - start} registers, one request brings {profile.max_registers}")
    return Item(function, start, end, point)


def most_of_one_request(function: int, profile: ModbusProfile) -> int:
    """Registers, or bits for the functions that read bits."""
    return min(16 * profile.max_registers, MOST_BITS) if function in BIT_FUNCTIONS else profile.max_registers


def halves(part: Part) -> tuple[Part, Part] | None:
    """The part cut at its widest gap (of equal ones, the most central); None for a single item.

    Items whose registers overlap or touch are cut apart too: any of them may be the one that does not exist.
    """
    items = part.items
    if len(items) < 2:
        return None
    middle = len(items) / 2

    def worth(cut: int) -> tuple[int, float]:
        return items[cut].start - max(item.end for item in items[:cut]), -abs(cut - middle)

    cut = max(range(1, len(items)), key=worth)
    return _part(items[:cut]), _part(items[cut:])


def widened(read: Read, most: int) -> tuple[Read, ...]:
    """The read itself, then with 1, 2, 3 registers (8, 16, 24 bits) more behind it, as far as `most` and 65536 allow.

    Each has an answer of another length.
    """
    step = 8 if read.function in BIT_FUNCTIONS else 1
    more = (read._replace(quantity=read.quantity + extra * step) for extra in (1, 2, 3))
    return read, *(wide for wide in more if wide.quantity <= most and wide.end <= 65536)


def _fits(pending: Sequence[Item], item: Item, profile: ModbusProfile, refused: Collection[Read]) -> bool:
    first, end = pending[0], max(item.end for item in pending)
    gap = profile.max_gap * (16 if item.function in BIT_FUNCTIONS else 1)
    last = max(end, item.end)
    return (
        item.function == first.function
        and item.start - end <= gap
        and last - first.start <= most_of_one_request(item.function, profile)
        and not any(
            read.function == item.function and first.start <= read.address and read.end <= last for read in refused
        )
    )


def _part(items: Sequence[Item]) -> Part:
    start, end = items[0].start, max(item.end for item in items)
    return Part(Read(items[0].function, start, end - start), tuple(items))
