"""海湾 GST5000 CRT output on RS-485: 24-byte frames, each sent three times (serial captures).

`AA`, command, three bytes BCD user code, device type, 17 bytes of unknown meaning, and the sum of all bytes before
it.  Resets (`04`) and idle frames (`08`) are shorter; two short forms carry no sum and are matched literally.
"""

from __future__ import annotations

import re

import msgspec

from courtyard.drivers.base import Text
from courtyard.drivers.dissection import Dissection
from courtyard.drivers.fire.dissecting import Field, dissection, named, read, spaced
from courtyard.drivers.fire.events import PanelEvent
from courtyard.drivers.fire.framing import Buffer, Flaw, Shape, Verdict, require, wrong_checksum
from courtyard.drivers.fire.tables import codes, name

PROTOCOL = "gst24"
LENGTH = 24
SHORT = 7
REPORT, RESET, IDLE = 0x01, 0x04, 0x08
BARE_RESET = b"\xaa\x04\x00\x00"


class Message(msgspec.Struct, frozen=True):
    """One frame.  `user_code` is the six digits of the device, empty in resets and idle frames."""

    command: int
    user_code: str
    device_type: int | None
    verified: bool
    raw: bytes


def judge(data: Buffer, at: int, closed: bool = False) -> Verdict:
    """Start, length by command, sum; `AA 04 00 00` and `AA 01 xx xx 00 00 00` have no sum."""
    if data[at] != 0xAA:
        return None
    here = len(data) - at
    if here < 4:
        return 0
    command = data[at + 1]
    if command == RESET and not data[at + 2] and not data[at + 3]:
        return len(BARE_RESET)
    if command == REPORT and here >= SHORT and not any(data[at + 4 : at + SHORT]):
        return SHORT
    length = SHORT if command in (RESET, IDLE) else LENGTH
    if here < length:
        return 0
    expected = sum(data[at : at + length - 1]) & 0xFF
    if data[at + length - 1] != expected:
        return Flaw("checksum", length - 1, length, wrong_checksum(data[at + length - 1], expected))
    return length


SHAPE = Shape(judge, re.compile(rb"\xAA"), LENGTH)


def parse(data: bytes) -> Message:
    """One whole frame.  Raises FrameError."""
    require(SHAPE, data)
    command = data[1]
    verified = len(data) == LENGTH or (len(data) == SHORT and command != REPORT)
    user_code = "" if command in (RESET, IDLE) else data[2:5].hex()
    return Message(command, user_code, data[5] if len(data) == LENGTH else None, verified, data)


def events(message: Message) -> list[PanelEvent]:
    """What the frame says; idle frames say nothing."""
    if message.command == IDLE:
        return []
    code = name(codes("gst", "crt_commands"), message.command, Text("command", "命令"))
    device = None
    if message.device_type is not None:
        device = name(codes("gst", "device_types"), message.device_type, Text("device type", "设备类型"))
    return [
        PanelEvent(
            kind=code.kind,
            label=code.text,
            source=message.user_code,
            detector=device.detector if device else "unknown",
            device=device.text if device else None,
            raw_hex=message.raw.hex(),
            verified=message.verified,
            details={"command": message.command, "device_type": message.device_type},
        )
    ]


_START = (
    Field("start", Text("start", "起始符"), 0, 1, spaced),
    Field(
        "command",
        Text("command", "命令"),
        1,
        2,
        meaning=named(lambda: codes("gst", "crt_commands"), Text("command", "命令")),
    ),
)
_LONG = (
    *_START,
    Field("user_code", Text("user code", "用户编码"), 2, 5, bytes.hex),
    Field(
        "device_type",
        Text("device type", "设备类型"),
        5,
        6,
        meaning=named(lambda: codes("gst", "device_types"), Text("device type", "设备类型")),
    ),
    Field("rest", Text("not decoded", "未解析数据"), 6, 23, spaced),
    Field("checksum", Text("sum", "累加和"), 23, 24),
)
_SHORT = (
    *_START,
    Field("rest", Text("not decoded", "未解析数据"), 2, 6, spaced),
    Field("checksum", Text("sum", "累加和"), 6, 7),
)
_UNCHECKED = (*_START, Field("user_code", Text("user code", "用户编码"), 2, 5, bytes.hex))


def dissect(data: bytes) -> Dissection:
    """Every field of one frame, or the byte that is wrong."""
    if len(data) == SHORT:
        fields: tuple[Field, ...] = _UNCHECKED if data[1] == REPORT else _SHORT
    else:
        fields = _START if data[:4] == BARE_RESET else _LONG
    return dissection(PROTOCOL, SHAPE, data, lambda raw: read(fields, raw), lambda good: (events(parse(good)), None))
