"""The few messages of ESPHome's native API that a listener needs, and the adverts in them.

Pure: bytes in, values out; whatever is not understood is left out.  Source: api.proto of ESPHome (messages 1, 3, 5 to
8, 66 and 93); Bluetooth Core, volume 3 part C 11 and the supplement's part A for what an advert is made of.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from courtyard.drivers.ble.radio import Heard
from courtyard.drivers.ble.receive import Advertisement

HELLO, LOGIN, DISCONNECT, DISCONNECTED, PING, PONG, SUBSCRIBE, ADVERTS = 1, 3, 5, 6, 7, 8, 66, 93
RAW_ADVERTS = b"\x08\x01"
"""Field 1, flags: adverts as they came from the air."""
CLIENT = b"\x0a\x09courtyard\x10\x01\x18\x0a"
"""Field 1, who asks; fields 2 and 3, version 1.10 of the API."""
MOST_ADVERTS = 64
"""Of one message; a proxy sends at most 16."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SHORT_NAME, _NAME, _SERVICE_DATA, _COMPANY = 0x08, 0x09, 0x16, 0xFF
_SERVICES = (0x02, 0x03)


class Field(NamedTuple):
    number: int
    value: int | bytes


def fields(data: bytes) -> Iterator[Field]:
    """The fields of a protobuf message, up to the first that is damaged."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag is None:
            return
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            if value is None:
                return
            yield Field(tag >> 3, value)
            continue
        length: int | None = {_FIXED64: 8, _FIXED32: 4}.get(kind)
        if kind == _BYTES:
            length, at = _varint(data, at)
        if length is None or at + length > len(data):
            return
        yield Field(tag >> 3, data[at : at + length])
        at += length


def adverts(data: bytes) -> Iterator[Heard]:
    """Every advert of message 93."""
    for count, (number, value) in enumerate(fields(data)):
        if count >= MOST_ADVERTS:
            return
        if number == 1 and isinstance(value, bytes):
            heard = _advert(value)
            if heard is not None:
                yield heard


def _advert(data: bytes) -> Heard | None:
    found = dict(fields(data))
    address, rssi, raw = found.get(1), found.get(2), found.get(4)
    if not isinstance(address, int) or not isinstance(rssi, int) or not isinstance(raw, bytes) or address >= 1 << 48:
        return None
    signed = rssi >> 1 ^ -(rssi & 1)  # sint32: zigzag
    if not -127 <= signed <= 20:
        return None
    return structures(":".join(f"{octet:02X}" for octet in address.to_bytes(6, "big")), signed, raw)


def structures(address: str, rssi: int, raw: bytes) -> Heard:
    """What an advert says: name, services, data by service and by company."""
    services: dict[int, bytes] = {}
    companies: dict[int, bytes] = {}
    offered: set[int] = set()
    name, at = "", 0
    while at + 1 < len(raw) and raw[at] and at + 1 + raw[at] <= len(raw):
        kind, data = raw[at + 1], raw[at + 2 : at + 1 + raw[at]]
        at += 1 + raw[at]
        if kind == _SERVICE_DATA and len(data) >= 2:
            services[int.from_bytes(data[:2], "little")] = data[2:]
        elif kind == _COMPANY and len(data) >= 2:
            companies[int.from_bytes(data[:2], "little")] = data[2:]
        elif kind in _SERVICES:
            offered |= {int.from_bytes(data[i : i + 2], "little") for i in range(0, len(data) - 1, 2)}
        elif kind == _NAME or (kind == _SHORT_NAME and not name):
            name = data.decode("utf-8", "replace")
    return Heard(address, rssi, Advertisement(services, companies), name, tuple(sorted(offered)))


def _varint(data: bytes, at: int) -> tuple[int | None, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            return None, at
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
    return None, at
