"""Layouts of values as tables: one reader serves the decoders and the dissection.

A layout is a row of fields, some of them only there when a bit of the flags says so.  All numbers are little-endian.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from courtyard.drivers.base import Text
from courtyard.drivers.ble.ieee11073 import float32, sfloat
from courtyard.drivers.ble.refusal import Refused, too_short


class Codec(NamedTuple):
    """How a field is read; size 0 takes all bytes that are left."""

    size: int
    read: Callable[[bytes], Any]


def _unsigned(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


def _signed(raw: bytes) -> int:
    return int.from_bytes(raw, "little", signed=True)


def date_time(raw: bytes) -> datetime.datetime | None:
    """Year (2 bytes), month, day, hour, minute, second; None where the device does not know its time or errs.

    Local time of the device, without a zone.  Source: GATT Specification Supplement, Date Time.
    """
    try:
        return datetime.datetime(_unsigned(raw[:2]), *raw[2:7])
    except ValueError:
        return None


def text(raw: bytes) -> str:
    """UTF-8 up to a NUL; bytes that are no text become U+FFFD."""
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace").strip()


U8, U16, U24, U32 = (Codec(size, _unsigned) for size in (1, 2, 3, 4))
I8, I16, I32 = (Codec(size, _signed) for size in (1, 2, 4))
SFLOAT, FLOAT = Codec(2, sfloat), Codec(4, float32)
DATE_TIME = Codec(7, date_time)
TEXT = Codec(0, text)
RAW = Codec(0, bytes)


class Field(NamedTuple):
    """One field.  It is there when all bits of `when` are set in the flags and none of `unless`.

    `many` repeats it to the end, at least once.  `meaning` names a value.
    """

    name: str
    label: Text
    codec: Codec
    when: int = 0
    unless: int = 0
    many: bool = False
    meaning: Callable[[Any], Text] | None = None


class Found(NamedTuple):
    """One field as read from the bytes `start` to `end`, end exclusive."""

    field: Field
    value: Any
    start: int
    end: int


class Layout(NamedTuple):
    """A whole value.  The first field is the flags where `flagged`, which makes unread bytes at the end legal: they
    belong to flags of later versions.  `limit` bounds a value without a fixed length."""

    title: Text
    clause: str
    fields: tuple[Field, ...]
    flagged: bool = True
    limit: int = 512


def walk(layout: Layout, data: bytes) -> Iterator[Found]:
    """The fields one after another.  Raises Refused at the first byte that is wrong or missing."""
    at, flags = 0, 0
    if len(data) > layout.limit:
        raise Refused("trailing", layout.limit, Text(f"longer than {layout.limit} bytes", f"超过{layout.limit}字节"))
    for field in layout.fields:
        if flags & field.when != field.when or flags & field.unless:
            continue
        more = True
        while more:
            end = at + field.codec.size if field.codec.size else len(data)
            if end > len(data):
                raise too_short(len(data), field.label)
            value = field.codec.read(data[at:end])
            yield Found(field, value, at, end)
            if layout.flagged and at == 0:
                flags = value
            at = end
            more = field.many and at < len(data)
    if at < len(data) and not layout.flagged:
        raise Refused("trailing", at, Text("bytes behind the end of the value", "数据末尾有多余字节"))


def read(layout: Layout, data: bytes) -> dict[str, Any]:
    """The fields by name; a repeated field is a tuple.  Raises Refused."""
    values: dict[str, Any] = {}
    for found in walk(layout, data):
        name = found.field.name
        values[name] = (*values.get(name, ()), found.value) if found.field.many else found.value
    return values


def bits(names: dict[int, Text], none: Text) -> Callable[[int], Text]:
    """A meaning for flags: the names of the bits that are set."""

    def meaning(value: int) -> Text:
        told = [names.get(bit, Text(f"bit {bit}", f"位{bit}")) for bit in range(value.bit_length()) if value >> bit & 1]
        return Text(", ".join(one.en for one in told) or none.en, "、".join(one.zh for one in told) or none.zh)

    return meaning


def codes(names: dict[int, Text]) -> Callable[[int], Text]:
    """A meaning for a number out of a list."""
    return lambda value: names.get(value, Text(f"{value}, not known", f"{value}，未知"))
