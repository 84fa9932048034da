"""BTHome v2: service data of UUID FCD2, plain or encrypted.

Source: bthome.io, format and encryption of BTHome v2.  Layout: one byte of device information, objects in ascending
order; encrypted: objects sealed, 4-byte counter, 4-byte tag.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from courtyard.drivers.base import Scalar, Text
from courtyard.drivers.ble.adverts.bthome_labels import label
from courtyard.drivers.ble.adverts.bthome_objects import OBJECTS, PRESSES, TURNS, Object
from courtyard.drivers.ble.adverts.ccm import opened
from courtyard.drivers.ble.observation import Draft, Observation
from courtyard.drivers.ble.refusal import Refused, downgraded, too_short

UUID = 0xFCD2
VERSION = 2
ENCRYPTED, ADDRESS, TRIGGERED = 0x01, 0x02, 0x04
COUNTER_BYTES, TAG_BYTES, ADDRESS_BYTES = 4, 4, 6
MOST_ALIKE = 8
"""Buttons, or conditions of one name, that one packet may tell of; no device has more."""

Value: TypeAlias = Decimal | bool | str | bytes


class Measured(NamedTuple):
    """One object; `start` and `end` are offsets into the plain objects.  `steps` is how far a dimmer turned."""

    id: int
    object: Object
    value: Value
    start: int
    end: int
    steps: int = 0


class Packet(NamedTuple):
    """One packet.  `triggered` devices speak only when something happens; `unread` follows an unknown object."""

    triggered: bool
    counter: int | None
    objects: tuple[Measured, ...]
    unread: bytes

    @property
    def packet_id(self) -> int | None:
        return next((int(one.value) for one in self.objects if one.id == 0 and isinstance(one.value, Decimal)), None)


class Envelope(NamedTuple):
    """What surrounds the objects; `body` is sealed when there is a counter."""

    info: int
    address: bytes | None
    body: bytes
    body_at: int
    counter: int | None


def envelope(data: bytes) -> Envelope:
    """The unencrypted parts.  Raises Refused."""
    if not data:
        raise too_short(0, Text("the device information", "设备信息"))
    info = data[0]
    if info >> 5 != VERSION:
        text = Text(f"BTHome version {info >> 5}, only {VERSION} is known", f"BTHome版本{info >> 5}，仅支持{VERSION}")
        raise Refused("unsupported", 0, text)
    at = 1 + (ADDRESS_BYTES if info & ADDRESS else 0)
    if len(data) < at:
        raise too_short(len(data), Text("the address", "地址"))
    address = bytes(reversed(data[1:at])) if info & ADDRESS else None
    if not info & ENCRYPTED:
        return Envelope(info, address, data[at:], at, None)
    tail = len(data) - COUNTER_BYTES - TAG_BYTES
    if tail <= at:
        raise too_short(len(data), Text("counter and tag", "计数器和校验标签"))
    counter = int.from_bytes(data[tail : tail + COUNTER_BYTES], "little")
    return Envelope(info, address, data[at:tail] + data[-TAG_BYTES:], at, counter)


def parse(data: bytes, *, key: bytes | None = None, address: bytes | None = None) -> Packet:
    """One packet.  `address` is the device's, as displayed (most significant byte first).

    Raises Refused: for damaged bytes; without the right key and address; and for plain bytes although a key is set,
    because anybody could send those.
    """
    around = envelope(data)
    if around.counter is None:
        if key is not None:
            raise downgraded()
        plain, at = around.body, around.body_at
    else:
        owner = address if address is not None else around.address
        if owner is None or len(owner) != ADDRESS_BYTES:
            raise Refused("key", 0, Text("the device's address is needed to decrypt", "解密需要设备地址"))
        nonce = owner + UUID.to_bytes(2, "little") + data[:1] + around.counter.to_bytes(COUNTER_BYTES, "little")
        plain, at = opened(key, nonce, around.body), 0
    found, end = [], 0
    for one in objects(plain, at):
        found.append(one)
        end = one.end
    if not found:
        raise Refused("content", at, Text("no object that is known", "没有可识别的数据对象"))
    return Packet(bool(around.info & TRIGGERED), around.counter, tuple(found), plain[end:])


def objects(plain: bytes, base: int = 0) -> Iterator[Measured]:
    """The objects up to the first unknown identifier, whose length nobody knows.

    Raises Refused when an object is cut off; `base` is added to the offset that it names.
    """
    at = 0
    while at < len(plain):
        known = OBJECTS.get(plain[at])
        if known is None:
            return
        start = at + 1
        size = known.size
        if size == 0:
            if start >= len(plain):
                raise _cut_off(base + len(plain), plain[at], known)
            size, start = plain[start], start + 1
        end = start + size
        if end > len(plain):
            raise _cut_off(base + len(plain), plain[at], known)
        yield _measured(plain[at], known, plain[start:end], at, end)
        at = end


def _cut_off(at: int, number: int, known: Object) -> Refused:
    what = label(known)
    return too_short(at, Text(f"object {number:02X}, {what.en}", f"对象{number:02X}，{what.zh}"))


def _measured(number: int, known: Object, raw: bytes, start: int, end: int) -> Measured:
    match known.kind:
        case "number":
            value = int.from_bytes(raw, "little", signed=known.signed) * known.factor
            return Measured(number, known, value, start, end)
        case "flag":
            return Measured(number, known, raw[0] != 0, start, end)
        case "button":
            return Measured(number, known, PRESSES.get(raw[0], f"press_{raw[0]:02x}"), start, end)
        case "dimmer":
            return Measured(number, known, TURNS.get(raw[0], f"turn_{raw[0]:02x}"), start, end, raw[1])
        case "text":
            return Measured(number, known, raw.decode("utf-8", "replace"), start, end)
        case "raw":
            return Measured(number, known, raw, start, end)


def observe(packet: Packet) -> Observation:
    """Points and events; several buttons are told apart by their order, `button-1` first."""
    draft = Draft()
    seen: dict[str, int] = {}
    for one in packet.objects:
        known = one.object
        if known.kind == "button":
            seen["button"] = seen.get("button", 0) + 1
            if one.value != "none" and seen["button"] <= MOST_ALIKE:
                draft.tell("button", source=f"button-{seen['button']}", momentary=True, press=str(one.value))
        elif known.kind == "flag" and isinstance(one.value, bool):
            _flag(draft, known, one.value, seen)
        elif known.point and isinstance(one.value, Decimal):
            draft.put(known.point, one.value * known.gain)
    return draft.done()


def _flag(draft: Draft, known: Object, value: bool, seen: dict[str, int]) -> None:
    if known.point:
        draft.flag(known.point, value)
    count = seen[known.name] = seen.get(known.name, 0) + 1
    if known.event and count <= MOST_ALIKE:
        draft.tell(known.event, value, known.name if count == 1 else f"{known.name}-{count}")


def plain_value(value: Value) -> Scalar:
    """For people and JSON: a number, yes or no, or text; raw bytes as hexadecimal."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    return value.hex() if isinstance(value, bytes) else value
