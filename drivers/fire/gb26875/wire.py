"""How single values travel: little-endian numbers, time tags, GB 18030 text (GB/T 26875.3-2011, 8.2).

A class of information objects is a struct whose annotations come from here; the order of its attributes is the
order on the wire, so the class is its own layout.
"""

from __future__ import annotations

import datetime
import functools
import typing
from collections.abc import Callable, Iterator
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec

from courtyard.drivers.fire.characters import from_gb18030, to_gb18030
from courtyard.drivers.fire.events import PanelTime

S = TypeVar("S", bound=msgspec.Struct)


class Short(Exception):
    """The data end inside a value."""


class TimeTag(NamedTuple):
    """Second, minute, hour, day, month and year - 2000, each one binary byte (8.2.2)."""

    raw: bytes

    @classmethod
    def of(cls, at: datetime.datetime) -> TimeTag:
        """From local time; raises ValueError outside 2000..2255."""
        return cls(bytes((at.second, at.minute, at.hour, at.day, at.month, at.year - 2000)))

    @property
    def panel(self) -> PanelTime:
        second, minute, hour, day, month, year = self.raw
        return PanelTime.of(self.raw.hex(" ").upper(), 2000 + year, month, day, hour, minute, second)


class Wire(NamedTuple):
    """How one value is packed, and unpacked at an offset; `unpack` gives the value and where it ends."""

    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes, int], tuple[Any, int]]


def _take(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise Short
    return data[at : at + size]


def number(size: int, *, signed: bool = False) -> Wire:
    return Wire(
        pack=lambda value: value.to_bytes(size, "little", signed=signed),
        unpack=lambda data, at: (int.from_bytes(_take(data, at, size), "little", signed=signed), at + size),
    )


def _unpack_counted_text(data: bytes, at: int) -> tuple[str, int]:
    size = _take(data, at, 1)[0]
    return from_gb18030(_take(data, at + 1, size)), at + 1 + size


def _pack_counted_text(text: str) -> bytes:
    encoded = to_gb18030(text, 255).rstrip(b"\0")
    return bytes((len(encoded),)) + encoded


def pack_tag(tag: TimeTag) -> bytes:
    if len(tag.raw) != 6:
        raise ValueError("a time tag has six bytes")
    return tag.raw


U8 = Annotated[int, number(1)]
U16 = Annotated[int, number(2)]
I16 = Annotated[int, number(2, signed=True)]
U32 = Annotated[int, number(4)]
Tag = Annotated[TimeTag, Wire(pack_tag, lambda data, at: (TimeTag(_take(data, at, 6)), at + 6))]
Text31 = Annotated[
    str, Wire(lambda text: to_gb18030(text, 31), lambda data, at: (from_gb18030(_take(data, at, 31)), at + 31))
]
"""31 bytes of GB 18030, padded."""
CountedText = Annotated[str, Wire(_pack_counted_text, _unpack_counted_text)]
"""One byte of length, then that many bytes of GB 18030."""


@functools.cache
def layout(kind: type[msgspec.Struct]) -> tuple[tuple[str, Wire], ...]:
    """Name and wire form of every attribute, in order."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return tuple((name, typing.get_args(hints[name])[1]) for name in kind.__struct_fields__)


def pack(item: msgspec.Struct) -> bytes:
    """Raises OverflowError or ValueError when a value does not fit its field."""
    return b"".join(wire.pack(getattr(item, name)) for name, wire in layout(type(item)))


def fields(kind: type[msgspec.Struct], data: bytes, at: int) -> Iterator[tuple[str, Any, int, int]]:
    """Name, value, start and end of every attribute of a `kind` at offset `at`.  Raises Short."""
    for name, wire in layout(kind):
        value, end = wire.unpack(data, at)
        yield name, value, at, end
        at = end


def unpack(kind: type[S], data: bytes, at: int) -> tuple[S, int]:
    """A `kind` at offset `at`, and where it ends.  Raises Short."""
    values = {}
    for name, value, _, end in fields(kind, data, at):
        values[name] = value
        at = end
    return kind(**values), at
