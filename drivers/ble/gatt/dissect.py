"""The value of a characteristic field by field."""

from __future__ import annotations

from courtyard.drivers.base import Text
from courtyard.drivers.ble.dissecting import plain, said, verdict
from courtyard.drivers.ble.gatt.characteristics import CHARACTERISTICS, observe
from courtyard.drivers.ble.layout import Found, walk
from courtyard.drivers.ble.refusal import Refused, too_short
from courtyard.drivers.dissection import Dissection, Part

PROTOCOL = "ble-gatt"
_BASE = bytes.fromhex("00001000800000805f9b34fb")
"""All but the first four bytes of every 128-bit UUID that the Bluetooth SIG gave."""


def dissect(data: bytes) -> Dissection:
    """The UUID as it is written (2A37, or all 16 bytes), then the value."""
    size = 16 if data[4:16] == _BASE else 2
    label = Text("characteristic", "特征")
    if len(data) < size:
        return verdict(PROTOCOL, data, (), too_short(len(data), label))
    uuid = int.from_bytes(data[: 4 if size == 16 else 2], "big")
    known = CHARACTERISTICS.get(uuid)
    meaning = known.layout.title if known else None
    head = Part("characteristic", label, f"{uuid:04X}", 0, size, meaning, "Bluetooth SIG Assigned Numbers")
    if known is None:
        names = ", ".join(f"{each:04X}" for each in CHARACTERISTICS)
        text = Text(
            f"characteristic {uuid:04X} is not known; begin with the UUID, one of {names}",
            f"未知特征 {uuid:04X}；请以 UUID 开头，支持：{names}",
        )
        return verdict(PROTOCOL, data, (head,), Refused("unsupported", 0, text))
    return _dissect(uuid, data, size, (head,))


def dissect_value(uuid: int, value: bytes) -> Dissection:
    """The value of one characteristic."""
    return _dissect(uuid, value, 0, ())


def _dissect(uuid: int, data: bytes, base: int, head: tuple[Part, ...]) -> Dissection:
    parts, value = list(head), data[base:]
    try:
        if uuid in CHARACTERISTICS:
            layout = CHARACTERISTICS[uuid].layout
            end = 0
            for found in walk(layout, value):
                _add(parts, found, base, layout.clause)
                end = found.end
            if end < len(value):
                label = Text("not read", "未读取")
                parts.append(Part("unread", label, plain(value[end:]), base + end, len(data), None, layout.clause))
        parts += said(observe(uuid, value), len(data))
    except Refused as refusal:
        return verdict(PROTOCOL, data, parts, refusal, base)
    return verdict(PROTOCOL, data, parts)


def _add(parts: list[Part], found: Found, base: int, clause: str) -> None:
    """One field more; a repeated one becomes a list."""
    field, value, start = found.field, plain(found.value), base + found.start
    if field.many:
        before = parts.pop() if parts and parts[-1].name == field.name else None
        value = [*(before.value if before else ()), value]
        start = before.start if before else start
    meaning = field.meaning(found.value) if field.meaning else None
    parts.append(Part(field.name, field.label, value, start, base + found.end, meaning, clause))
