"""iBeacon: manufacturer data of company 004C.

Source: Apple, Proximity Beacon Specification.  Layout: 02, 15 (length), UUID, major, minor (both big-endian), power.
"""

from __future__ import annotations

import uuid
from typing import NamedTuple

from courtyard.drivers.base import Text
from courtyard.drivers.ble.refusal import Refused, too_short

COMPANY = 0x004C
TYPE, LENGTH = 0x02, 0x15


class Beacon(NamedTuple):
    """`power_dbm` is what a receiver measures at one metre."""

    uuid: uuid.UUID
    major: int
    minor: int
    power_dbm: int


def parse(data: bytes) -> Beacon:
    """The bytes behind the company identifier.  Raises Refused, also for Apple's other messages."""
    if len(data) < 2:
        raise too_short(len(data), Text("type and length", "类型和长度"))
    if data[0] != TYPE:
        raise Refused("unsupported", 0, Text(f"message {data[0]:02X} is no iBeacon", f"消息{data[0]:02X}不是iBeacon"))
    if data[1] != LENGTH:
        raise Refused("content", 1, Text(f"length must be 15, not {data[1]:02X}", f"长度应为15，而不是{data[1]:02X}"))
    if len(data) < 2 + LENGTH:
        raise too_short(len(data), Text("the beacon", "信标数据"))
    if len(data) > 2 + LENGTH:
        raise Refused("trailing", 2 + LENGTH, Text("bytes behind the end of the beacon", "信标数据末尾有多余字节"))
    major, minor = int.from_bytes(data[18:20], "big"), int.from_bytes(data[20:22], "big")
    return Beacon(uuid.UUID(bytes=data[2:18]), major, minor, int.from_bytes(data[22:23], signed=True))
