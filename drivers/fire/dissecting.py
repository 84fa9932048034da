"""Taking a frame apart for people: the mechanics that the dissectors of all panel protocols share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from courtyard.drivers.base import Text
from courtyard.drivers.dissection import Dissection, Part, located
from courtyard.drivers.fire.events import PanelEvent
from courtyard.drivers.fire.framing import Flaw, Shape, check
from courtyard.drivers.fire.tables import Codes, name

VENDOR = "厂家文档 vendor document"


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
        parts += (_events_part(events),)
    if flaw is None:
        return Dissection(protocol, True, parts)
    text = flaw.text
    if flaw.code == "noise" and (good := _good_frame(shape, data)):
        first, last = good.start, good.stop - 1
        text = Text(f"{text.en}; bytes {first}-{last} are a good one", f"{text.zh}；第 {first}-{last} 字节是完整的一帧")
    return Dissection(protocol, False, parts, located(flaw.at, len(data), text), flaw.at)


def _good_frame(shape: Shape, data: bytes) -> range | None:
    """The first good frame that stands somewhere in the bytes."""
    for start in (match.start() for match in shape.start.finditer(data)):
        verdict = shape.judge(data, start, True)
        if isinstance(verdict, int) and verdict > 0:
            return range(start, start + verdict)
    return None


def _events_part(events: Sequence[PanelEvent]) -> Part:
    """What the frame says in the end.

    A status word also ends everything that it does not hold; those ends are shown only when it holds nothing.
    """
    begun = [event for event in events if event.active]
    groups = []
    for ordinal, event in enumerate(begun or events, 1):
        inner = tuple(
            Part(key, _EVENT_LABELS[key], value, 0, 0, event.label if key == "kind" else None)
            for key, value in event.data().items()
            if key in _EVENT_LABELS
        )
        groups.append(Part(str(ordinal), Text(f"event {ordinal}", f"事件{ordinal}"), None, 0, 0, None, "", inner))
    return Part("events", Text("events", "事件"), [], 0, 0, None, "", tuple(groups))


_EVENT_LABELS = {
    "kind": Text("kind", "类型"),
    "active": Text("active", "是否存在"),
    "source": Text("source", "来源"),
    "detector": Text("detector", "探测器类别"),
    "text": Text("text", "文字"),
    "time": Text("panel time", "控制器时间"),
    "verified": Text("verified", "已校验"),
}
