"""What `courtyard decode` prints: a frame taken apart field by field, or the byte that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from courtyard.drivers.base import Text


class Part(msgspec.Struct, frozen=True):
    """One field of a frame.  `start` and `end` are byte offsets into the input, end exclusive.

    `meaning` names what the value stands for.  A field made of further fields has them in `parts` instead of a
    value; a repeated field has one part a repetition, each with parts of its own.
    """

    name: str
    label: Text
    value: Any
    start: int
    end: int
    meaning: Text | None = None
    clause: str = ""
    parts: tuple[Part, ...] = ()

    def data(self) -> Any:
        """The value as plain data."""
        if not self.parts:
            return self.value
        if all(part.parts for part in self.parts):
            return [part.data() for part in self.parts]
        return _fields(self.parts)


class Dissection(msgspec.Struct, frozen=True):
    """A whole frame.  `valid` is the protocol's own rule; an invalid frame still lists the parts that could be read."""

    protocol: str
    valid: bool
    parts: tuple[Part, ...] = ()
    error: Text | None = None
    error_at: int | None = None

    def walk(self) -> Iterator[tuple[int, Part]]:
        """Every part behind the one that it belongs to, with its depth."""
        return _walk(self.parts, 0)

    def data(self) -> dict[str, Any]:
        """As plain data: {"protocol", "valid", "error", "fields": {...}}; the error is English.

        A field with a meaning has it beside its value, in English, as `<name>_name`.
        """
        return {
            "protocol": self.protocol,
            "valid": self.valid,
            "error": self.error.en if self.error else None,
            "error_at": self.error_at,
            "fields": _fields(self.parts),
        }


def _walk(parts: tuple[Part, ...], depth: int) -> Iterator[tuple[int, Part]]:
    for part in parts:
        yield depth, part
        yield from _walk(part.parts, depth + 1)


def _fields(parts: tuple[Part, ...]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for part in parts:
        fields[part.name] = part.data()
        if part.meaning is not None:
            fields[f"{part.name}_name"] = part.meaning.en
    return fields


def located(at: int, size: int, text: Text) -> Text:
    """What is wrong, with the byte that is; one beyond the last of `size` bytes is missing."""
    if at < size:
        return Text(f"byte {at}: {text.en}", f"第 {at} 字节：{text.zh}")
    return Text(f"byte {at} is missing: {text.en}", f"缺少第 {at} 字节：{text.zh}")
