"""A packet of GB/T 26875.3-2011 field by field, with clauses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from courtyard.drivers.base import Text
from courtyard.drivers.dissection import Dissection, Part
from courtyard.drivers.fire.dissecting import Field, dissection, little, named, number, read, spaced
from courtyard.drivers.fire.events import PanelEvent
from courtyard.drivers.fire.framing import Flaw
from courtyard.drivers.fire.gb26875.events import events
from courtyard.drivers.fire.gb26875.frame import HEADER, PROTOCOL, SHAPE, parse, shape_of
from courtyard.drivers.fire.gb26875.objects import TYPES
from courtyard.drivers.fire.gb26875.wire import Short, TimeTag, fields
from courtyard.drivers.fire.tables import Codes, codes

STANDARD = "GB/T 26875.3-2011, "


def _time(raw: bytes) -> str:
    return TimeTag(raw).panel.iso()


def _table(table: str) -> Callable[[], Codes]:
    return lambda: codes("gb26875", table)


_HEADER = (
    Field("start", Text("start", "启动符"), 0, 2, spaced),
    Field("serial", Text("serial number", "业务流水号"), 2, 4, little),
    Field("version", Text("protocol version", "协议版本号"), 4, 6, lambda raw: f"{raw[0]}.{raw[1]}"),
    Field("time", Text("time tag", "时间标签"), 6, 12, _time),
    Field("source", Text("source address", "源地址"), 12, 18, little),
    Field("destination", Text("destination address", "目的地址"), 18, 24, little),
    Field("length", Text("length of data unit", "应用数据单元长度"), 24, 26, little),
    Field("command", Text("command", "命令字节"), 26, 27, number, named(_table("commands"), Text("command", "命令"))),
)
_UNIT = (
    Field("type", Text("type", "类型标志"), 0, 1, number, named(_table("types"), Text("type", "类型"))),
    Field("count", Text("number of objects", "信息对象数目"), 1, 2),
)
_LABELS: Mapping[str, Text] = {
    "system_type": Text("system type", "系统类型标志"),
    "system_address": Text("system address", "系统地址"),
    "component_type": Text("component type", "部件类型"),
    "component_address": Text("component address", "部件地址"),
    "status": Text("status", "状态"),
    "text": Text("description", "说明"),
    "time": Text("time", "时间"),
    "analogue_type": Text("analogue type", "模拟量类型"),
    "value": Text("analogue value", "模拟量值"),
    "operation": Text("operation", "操作标志"),
    "operator": Text("operator", "操作员编号"),
    "major": Text("major version", "主版本号"),
    "minor": Text("minor version", "次版本号"),
    "records": Text("number of records", "查询记录数目"),
    "since": Text("records since", "指定起始时间"),
    "reserved": Text("reserved", "预留"),
    "minutes": Text("minutes to answer", "应答时限(分钟)"),
}
_NAMED: Mapping[str, Callable[[Any], Text]] = {
    key: named(_table(f"{key}s"), _LABELS[key]) for key in ("system_type", "component_type", "analogue_type")
}
_BITS: Mapping[tuple[int, str], str] = {
    (1, "status"): "system_status",
    (2, "status"): "component_status",
    (21, "status"): "device_status",
    (4, "operation"): "operations",
    (24, "operation"): "device_operations",
}


def dissect(data: bytes) -> Dissection:
    """Every field of one packet, or the byte that is wrong."""
    return dissection(PROTOCOL, SHAPE, data, _parts, _said)


def _said(data: bytes) -> tuple[list[PanelEvent], Flaw | None]:
    message = parse(data)
    return events(message), message.flaw


def _parts(data: bytes) -> list[Part]:
    parts = list(read(_HEADER, data, clause=f"{STANDARD}7"))
    if len(data) <= HEADER:
        return parts
    length = little(data[24:26])
    unit = data[HEADER : HEADER + length]
    parts += read(_UNIT, data[: HEADER + length], clause=f"{STANDARD}8.1", shift=HEADER)
    if len(unit) >= 2:
        parts.append(_objects(unit))
    if length == len(unit):
        tail = (
            Field("checksum", Text("checksum", "校验和"), 0, 1),
            Field("end", Text("end", "结束符"), 1, 3, spaced),
        )
        parts += read(tail, data, clause=f"{STANDARD}7", shift=HEADER + length)
    return parts


def _objects(unit: bytes) -> Part:
    """All objects as one part: plain data as its value, one part a field inside."""
    kind, count = unit[0], unit[1]
    known = TYPES.get(kind)
    clause = f"{STANDARD}{known.clause}" if known else f"{STANDARD}8.1"
    label = Text("objects", "信息对象")
    if known is None:
        return Part("objects", label, spaced(unit[2:]), HEADER + 2, HEADER + len(unit), None, clause)
    shape = shape_of(kind, count, len(unit))
    groups: list[Part] = []
    at = 2
    for ordinal in range(1, count + 1):
        inner: list[Part] = []
        try:
            for key, value, start, end in fields(shape, unit, at):
                inner += _field(kind, key, value, start + HEADER, end + HEADER, clause)
                at = end
        except Short:
            break
        title = Text(f"object {ordinal}", f"信息对象{ordinal}")
        parts = tuple(inner + _quantity(inner))
        groups.append(Part(str(ordinal), title, None, inner[0].start, inner[-1].end, None, clause, parts))
    return Part("objects", label, [], HEADER + 2, HEADER + len(unit), None, clause, tuple(groups))


def _field(kind: int, key: str, value: Any, start: int, end: int, clause: str) -> list[Part]:
    label = _LABELS[key]
    if isinstance(value, TimeTag):
        return [Part(key, label, value.panel.iso(), start, end, None, f"{STANDARD}8.2.2")]
    meaning = _NAMED[key](value) if key in _NAMED else None
    if (kind, key) in _BITS:
        meaning = _bits(value, codes("gb26875", _BITS[kind, key]), status=key == "status")
    parts = [Part(key, label, value, start, end, meaning, clause)]
    if key == "component_address":
        raw = value.to_bytes(4, "little")
        parts.append(Part("component_address_bytes", label, spaced(raw), start, end, None, clause))
        parts.append(
            Part("point", Text("point (low word)", "点位(低字)"), value & 0xFFFF, start, start + 2, None, clause)
        )
        parts.append(Part("loop", Text("loop (high word)", "回路(高字)"), value >> 16, start + 2, end, None, clause))
    return parts


def _bits(value: int, table: Codes, *, status: bool) -> Text:
    """The names of the set bits; bit 0 of a status says whether the part runs normally or is under test."""
    said = [
        table[bit].text if bit in table else Text(f"bit {bit}", f"位{bit}")
        for bit in range(status, 16)
        if value >> bit & 1
    ]
    if status and value & 1:
        said.insert(0, Text("normal running", "正常运行"))
    return Text(", ".join(text.en for text in said) or "none", "、".join(text.zh for text in said) or "无")


def _quantity(inner: list[Part]) -> list[Part]:
    """For an analogue value: the quantity in its unit."""
    plain = {part.name: part for part in inner}
    code = codes("gb26875", "analogue_types").get(plain["analogue_type"].value) if "analogue_type" in plain else None
    if code is None or not code.unit:
        return []
    raw = plain["value"]
    scaled = round(raw.value * code.resolution, 3)
    return [
        Part("quantity", Text("quantity", "量值"), scaled, raw.start, raw.end, None, raw.clause),
        Part("unit", Text("unit", "单位"), code.unit, raw.start, raw.end, None, raw.clause),
    ]
