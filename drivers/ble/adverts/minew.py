"""Minew sensors: service data of UUID FFE1, frames A1, and manufacturer data of company 0639, frame A4 (door).

Source: frames as published by advlib-ble-services and advlib-ble-manufacturers of reelyActive (MIT).  Numbers are
big-endian, 8.8 means signed with a second byte of 1/256.  Most frames end with the device's address, reversed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from courtyard.drivers.base import Text
from courtyard.drivers.ble.adverts.eddystone import fixed_8_8
from courtyard.drivers.ble.observation import Draft, Observation
from courtyard.drivers.ble.refusal import Refused, too_short

UUID, COMPANY = 0xFFE1, 0x0639
SENSOR, DOOR = 0xA1, 0xA4
_DOOR_ALARM = 0x01
_DOOR_BYTES = 15
_NAME_AT, _NAME_LONGEST = 9, 31


class _Frame(NamedTuple):
    """`size` is the exact length."""

    size: int
    tell: Callable[[Draft, bytes], None]


def _climate(draft: Draft, data: bytes) -> None:
    draft.put("air.temperature", fixed_8_8(data[3:5]))
    draft.put("air.humidity", fixed_8_8(data[5:7]))


def _acceleration(draft: Draft, data: bytes) -> None:
    for axis, at in (("x", 3), ("y", 5), ("z", 7)):
        draft.details[f"acceleration_{axis}_g"] = float(fixed_8_8(data[at : at + 2]))


def _bit(point: str, kind: str, at: int) -> Callable[[Draft, bytes], None]:
    """A condition in bit 0 of a byte."""

    def tell(draft: Draft, data: bytes) -> None:
        active = bool(data[at] & 1)
        draft.flag(point, active)
        draft.tell(kind, active)

    return tell


_FRAMES: Mapping[int, _Frame] = {
    0x01: _Frame(13, _climate),
    0x03: _Frame(15, _acceleration),
    0x05: _Frame(11, lambda draft, data: draft.put("light.illuminance", int.from_bytes(data[3:5], "big"))),
    0x11: _Frame(11, _bit("motion.detected", "motion", 4)),
    0x13: _Frame(11, lambda draft, data: draft.put("air.temperature", fixed_8_8(data[3:5]))),
    0x18: _Frame(14, _bit("motion.detected", "motion", 7)),
    0x20: _Frame(10, _bit("device.tamper", "tamper", 3)),
    0x21: _Frame(10, _bit("water.leak", "leak", 3)),
}
_INFO = 0x08


def observe(data: bytes) -> Observation:
    """Service data of FFE1.  Raises Refused."""
    version = _head(data, SENSOR)
    draft = Draft()
    if version == _INFO:
        if len(data) < _NAME_AT:
            raise too_short(len(data), Text("the information frame", "信息帧"))
        draft.details["name"] = data[_NAME_AT:_NAME_LONGEST].decode("utf-8", "replace")
    else:
        frame = _FRAMES.get(version)
        if frame is None:
            raise Refused("unsupported", 1, Text(f"frame {version:02X} is not known", f"未知帧{version:02X}"))
        _exactly(data, frame.size)
        frame.tell(draft, data)
    draft.put("battery.level", data[2])
    return draft.done()


def observe_door(data: bytes) -> Observation:
    """Manufacturer data of 0639, the door alarm frame.  Raises Refused."""
    version = _head(data, DOOR)
    if version != _DOOR_ALARM:
        raise Refused("unsupported", 1, Text(f"frame {version:02X} is not known", f"未知帧{version:02X}"))
    _exactly(data, _DOOR_BYTES)
    draft = Draft()
    draft.put("battery.level", data[2])
    for point, kind, at in (("door.open", "door", 3), ("device.tamper", "tamper", 4)):
        draft.flag(point, data[at] > 0)
        draft.tell(kind, data[at] > 0)
    return draft.done()


def _head(data: bytes, kind: int) -> int:
    """The frame version, of a frame of this kind."""
    if len(data) < 2:
        raise too_short(len(data), Text("the head", "帧头"))
    if data[0] != kind:
        raise Refused("unsupported", 0, Text(f"frame type {data[0]:02X}", f"帧类型{data[0]:02X}"))
    return data[1]


def _exactly(data: bytes, size: int) -> None:
    if len(data) < size:
        raise too_short(len(data), Text("the frame", "帧"))
    if len(data) > size:
        raise Refused("trailing", size, Text("bytes behind the end of the frame", "帧末尾有多余字节"))
