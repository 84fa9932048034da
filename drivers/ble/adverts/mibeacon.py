"""MiBeacon of Xiaomi's devices: service data of UUID FE95, plain or sealed (version 4 and 5).

Source: Xiaomi IoT developer platform, BLE object definition; nonce as public implementations agree on.  Layout:
frame control, product, frame counter, then by the bits of frame control the address, capabilities, and objects.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from courtyard.drivers.base import Text
from courtyard.drivers.ble.adverts.ccm import TAG_BYTES, opened
from courtyard.drivers.ble.observation import Draft, Observation
from courtyard.drivers.ble.refusal import Refused, downgraded, too_short

UUID = 0xFE95
SEALED, ADDRESS, CAPABILITY, OBJECTS, MESH = 0x08, 0x10, 0x20, 0x40, 0x80
HEAD_BYTES, ADDRESS_BYTES, COUNTER_BYTES = 5, 6, 3
IO_CAPABILITY = 0x20
_ASSOCIATED = b"\x11"


class Packet(NamedTuple):
    """One packet.  `counter` is the frame counter with the extended counter above it, for sealed packets only."""

    product: int
    frame_counter: int
    counter: int | None
    objects: tuple[tuple[int, bytes], ...]


def parse(data: bytes, *, key: bytes | None = None, address: bytes | None = None) -> Packet:
    """One packet.  `address` is the device's, as displayed (most significant byte first).

    Raises Refused: damaged, from a mesh, of another device, without the right key, plain although a key is set, or
    sealed the old way (version 2 and 3), which nothing proves.
    """
    if len(data) < HEAD_BYTES:
        raise too_short(len(data), Text("the head", "帧头"))
    control, product, frame_counter = struct.unpack_from("<HHB", data)
    if control & MESH:
        raise Refused("unsupported", 0, Text("a device of a mesh", "Mesh 设备"))
    at = HEAD_BYTES
    if control & ADDRESS:
        own = bytes(reversed(data[at : at + ADDRESS_BYTES]))
        if len(own) < ADDRESS_BYTES:
            raise too_short(len(data), Text("the address", "地址"))
        if address is not None and own != address:
            raise Refused("content", at, Text("the address is that of another device", "地址属于其他设备"))
        address = own
        at += ADDRESS_BYTES
    if control & CAPABILITY:
        at += 3 if data[at : at + 1] and data[at] & IO_CAPABILITY else 1
        if len(data) < at:
            raise too_short(len(data), Text("the capabilities", "能力字段"))
    if not control & OBJECTS:
        return Packet(product, frame_counter, None, ())
    counter = None
    plain, base = data[at:], at
    if control & SEALED:
        plain, counter = _unseal(data, at, control >> 12, key, address)
        base = 0
    elif key is not None:
        raise downgraded()
    return Packet(product, frame_counter, counter, tuple(_objects(plain, base)))


def _unseal(data: bytes, at: int, version: int, key: bytes | None, address: bytes | None) -> tuple[bytes, int]:
    if version < 4:
        text = Text(f"encryption of version {version} proves nothing", f"版本{version}的加密无法验证")
        raise Refused("unsupported", 1, text)
    tail = len(data) - COUNTER_BYTES - TAG_BYTES
    if tail <= at:
        raise too_short(len(data), Text("counter and tag", "计数器和校验标签"))
    if address is None:
        raise Refused("key", 0, Text("the device's address is needed to decrypt", "解密需要设备地址"))
    extended = data[tail : tail + COUNTER_BYTES]
    nonce = bytes(reversed(address)) + data[2:5] + extended
    plain = opened(key, nonce, data[at:tail] + data[-TAG_BYTES:], _ASSOCIATED)
    return plain, int.from_bytes(data[4:5] + extended, "little")


def _objects(plain: bytes, base: int) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(plain):
        if len(plain) < at + 3 or len(plain) < at + 3 + plain[at + 2]:
            raise too_short(base + len(plain), Text("an object", "数据对象"))
        end = at + 3 + plain[at + 2]
        yield int.from_bytes(plain[at : at + 2], "little"), plain[at + 3 : end]
        at = end


def observe(packet: Packet) -> Observation:
    """Points and events of the objects that are known; the others say nothing."""
    draft = Draft()
    for kind, raw in packet.objects:
        known = _OBJECTS.get(kind)
        if known is not None and len(raw) == known.size:
            known.tell(draft, raw)
    return draft.done()


class _Known(NamedTuple):
    size: int
    tell: Callable[[Draft, bytes], None]


def _number(size: int, *points: tuple[str, int, bool, str]) -> _Known:
    """Numbers one after another: point, bytes, signed, factor."""

    def tell(draft: Draft, raw: bytes) -> None:
        at = 0
        for point, width, signed, factor in points:
            draft.put(point, int.from_bytes(raw[at : at + width], "little", signed=signed) * Decimal(factor))
            at += width

    return _Known(size, tell)


def _flag(point: str, event: str, is_set: Callable[[int], bool | None], size: int = 1) -> _Known:
    """A condition; `is_set` says None where the number says neither."""

    def tell(draft: Draft, raw: bytes) -> None:
        active = is_set(int.from_bytes(raw, "little"))
        if active is not None:
            draft.flag(point, active)
            draft.tell(event, active)

    return _Known(size, tell)


def _button(size: int, presses: Mapping[int, str], ordinal_at: int, press_at: int | None = None) -> _Known:
    """A press: which button, and how it was pressed (the only way, where `press_at` is None)."""

    def tell(draft: Draft, raw: bytes) -> None:
        press = presses.get(0 if press_at is None else raw[press_at])
        if press is not None:
            draft.tell("button", source=f"button-{raw[ordinal_at]}", momentary=True, press=press)

    return _Known(size, tell)


_RECENT_S = 30
"""Motion is over when the device has seen none for longer."""
_TEMPERATURE, _HUMIDITY = ("air.temperature", 2, True, "0.1"), ("air.humidity", 2, False, "0.1")
_BATTERY = _number(1, ("battery.level", 1, False, "1"))
_OBJECTS: Mapping[int, _Known] = {
    0x0003: _Known(1, lambda draft, raw: draft.tell("motion", momentary=True)),
    0x000A: _number(2, ("vital.temperature", 2, True, "0.01")),
    0x000F: _flag("motion.detected", "motion", lambda lux: True, 3),
    0x1001: _button(3, {0: "press", 1: "double_press", 2: "long_press"}, 0, 2),
    0x1004: _number(2, _TEMPERATURE),
    0x1006: _number(2, _HUMIDITY),
    0x100A: _BATTERY,
    0x100D: _number(4, _TEMPERATURE, _HUMIDITY),
    0x1014: _flag("water.leak", "leak", bool),
    0x1015: _flag("smoke.detected", "smoke", bool),
    0x1017: _flag("motion.detected", "motion", lambda idle_s: idle_s <= _RECENT_S, 4),
    0x1019: _flag("door.open", "door", lambda state: {0: True, 1: False, 2: True}.get(state)),
    0x4803: _BATTERY,
    0x4818: _flag("motion.detected", "motion", lambda idle_s: idle_s <= _RECENT_S, 2),
    0x4A01: _flag("battery.low", "battery_low", bool),
    0x4A08: _flag("motion.detected", "motion", lambda lux: True, 4),
    0x4A12: _flag("door.open", "door", lambda state: {1: True, 2: False}.get(state)),
    0x4A13: _button(1, {0: "press"}, 0),
    0x4C03: _BATTERY,
    0x4E0C: _button(1, {0: "press"}, 0),
    0x4E0D: _button(1, {0: "double_press"}, 0),
    0x4E0E: _button(1, {0: "long_press"}, 0),
}
