"""Taking a frame apart for people: the mechanics that the dissectors of all panel protocols share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from courtyard.drivers.base import Text
from courtyard.drivers.dissection import Dissection, Part
from courtyard.drivers.fire.events import PanelEvent
from courtyard.drivers.fire.framing import Flaw, Shape, check
from courtyard.drivers.fire.tables import Codes, name

VENDOR = "vendor document"


def number(raw: bytes) -> int:
    """Big-endian; single bytes mostly."""
    return int.from_bytes(raw, "big")


def little(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


def spaced(raw: bytes) -> str:
    """`0A 00 02 00`."""
    return raw.hex(" ").upper()


class Field(NamedTuple):
    """One field of a fixed layout."""

    name: str
    label: Text
    start: int
    end: int
    value: Callable[[bytes], Any] = number
    meaning: Callable[[Any], Text | None] | None = None


def named(table: Callable[[], Codes], what: Text) -> Callable[[Any], Text]:
    """A meaning from a code table, read when first needed."""
    return lambda value: name(table(), value, what).text


def read(fields: Iterable[Field], data: bytes, *, clause: str = VENDOR, shift: int = 0) -> tuple[Part, ...]:
    """The fields that `data` is long enough for; `shift` is the offset of the layout in `data`."""
    parts = []
    for field in fields:
        start, end = field.start + shift, field.end + shift
        if end > len(data):
            break
        value = field.value(data[start:end])
        meaning = field.meaning(value) if field.meaning else None
        parts.append(Part(field.name, field.label, value, start, end, meaning, clause))
    return tuple(parts)


def dissection(
    protocol: str,
    shape: Shape,
    data: bytes,
    parts_of: Callable[[bytes], Sequence[Part]],
    said: Callable[[bytes], tuple[Sequence[PanelEvent], Flaw | None]],
) -> Dissection:
    """The whole dissection.  `parts_of` also reads damaged frames as far as they go; `said` sees good frames only."""
    flaw = check(shape, data)
    parts = tuple(parts_of(data))
    if flaw is None:
        events, flaw = said(data)
        begun = [event for event in events if event.active]  # a status word also ends all that it does not hold
        value = [event.data() for event in begun or events]
        parts += (Part("events", Text("events", "事件"), value, 0, len(data)),)
    if flaw is None:
        return Dissection(protocol, True, parts)
    where = Text(
        f"byte {flaw.at}: {flaw.text.en}" if flaw.at < len(data) else f"after byte {len(data) - 1}: {flaw.text.en}",
        f"第{flaw.at}字节:{flaw.text.zh}" if flaw.at < len(data) else f"第{len(data) - 1}字节之后:{flaw.text.zh}",
    )
    return Dissection(protocol, False, parts, where, flaw.at)
