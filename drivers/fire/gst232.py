"""海湾 GST short frames on RS-232 (field notes).

`0D DD`, three bytes BCD user code, device type, event, sum of the five bytes before it, `BB`.  `0E EE` in front says
fault; `0A AA BB` is a reset, `FA AB BB` a silence.  The notes name the event before the device type, the only capture
has it behind; where the last of the two is no known event and the first one is, the notes are followed.
"""

from __future__ import annotations

import re

import msgspec

from courtyard.drivers.base import Text
from courtyard.drivers.dissection import Dissection
from courtyard.drivers.fire.dissecting import Field, dissection, named, read, spaced
from courtyard.drivers.fire.events import PanelEvent
from courtyard.drivers.fire.framing import Buffer, Flaw, Shape, Verdict, require, wrong_checksum
from courtyard.drivers.fire.tables import Code, codes, name

PROTOCOL = "gst232"
LENGTH = 9
EVENT, FAULT, RESET, SILENCE = b"\x0d\xdd", b"\x0e\xee", b"\x0a\xaa", b"\xfa\xab"
_WHOLE = {
    RESET: Code(en="reset", zh="复位", kind="reset"),
    SILENCE: Code(en="silence", zh="消音", kind="silence"),
}
_END = Text("the frame does not end with BB", "帧结束符不是BB")


class Message(msgspec.Struct, frozen=True):
    """One frame.  Resets and silences are about the panel: no user code, no device, no event."""

    prefix: bytes
    user_code: str
    device_type: int | None
    event: int | None
    raw: bytes


def judge(data: Buffer, at: int, closed: bool = False) -> Verdict:
    """Start, end and sum."""
    here = len(data) - at
    prefix = bytes(data[at : at + 2])
    if here < 2:
        return 0 if prefix[0] in b"\x0d\x0e\x0a\xfa" else None
    if prefix in _WHOLE:
        if here < 3:
            return 0
        return 3 if data[at + 2] == 0xBB else Flaw("end", 2, 2, _END)
    if prefix not in (EVENT, FAULT):
        return None
    if here < LENGTH:
        return 0
    if data[at + 8] != 0xBB:
        return Flaw("end", 8, LENGTH, _END)
    expected = sum(data[at + 2 : at + 7]) & 0xFF
    if data[at + 7] != expected:
        return Flaw("checksum", 7, LENGTH, wrong_checksum(data[at + 7], expected))
    return LENGTH


SHAPE = Shape(judge, re.compile(rb"[\x0D\x0E\x0A\xFA]"), LENGTH)


def parse(data: bytes) -> Message:
    """One whole frame.  Raises FrameError."""
    require(SHAPE, data)
    prefix = data[:2]
    if prefix in _WHOLE:
        return Message(prefix, "", None, None, data)
    device_type, event = data[5], data[6]
    known = codes("gst", "serial_events")
    if event not in known and device_type in known:
        device_type, event = event, device_type
    return Message(prefix, data[2:5].hex(), device_type, event, data)


def events(message: Message) -> list[PanelEvent]:
    """What the frame says."""
    raw = message.raw.hex()
    if message.event is None or message.device_type is None:
        whole = _WHOLE[message.prefix]
        return [PanelEvent(kind=whole.kind, label=whole.text, raw_hex=raw)]
    device = name(codes("gst", "device_types"), message.device_type, Text("device type", "设备类型"))
    code = Code(en="fault", zh="故障", kind="fault")
    if message.prefix == EVENT:
        code = name(codes("gst", "serial_events"), message.event, Text("event", "事件"))
    return [
        PanelEvent(
            kind=code.kind,
            label=code.text,
            source=message.user_code,
            detector=device.detector,
            device=device.text,
            raw_hex=raw,
            details={"event": message.event, "device_type": message.device_type},
        )
    ]


_PREFIX = Field("prefix", Text("start", "起始符"), 0, 2, spaced)
_FIELDS = (
    _PREFIX,
    Field("user_code", Text("user code", "用户编码"), 2, 5, bytes.hex),
    Field(
        "device_type",
        Text("device type", "设备类型"),
        5,
        6,
        meaning=named(lambda: codes("gst", "device_types"), Text("device type", "设备类型")),
    ),
    Field(
        "event",
        Text("event", "事件码"),
        6,
        7,
        meaning=named(lambda: codes("gst", "serial_events"), Text("event", "事件")),
    ),
    Field("checksum", Text("sum", "累加和"), 7, 8),
    Field("end", Text("end", "结束符"), 8, 9, spaced),
)
_WHOLE_FIELDS = (_PREFIX, Field("end", Text("end", "结束符"), 2, 3, spaced))


def dissect(data: bytes) -> Dissection:
    """Every field of one frame, or the byte that is wrong."""
    fields = _WHOLE_FIELDS if data[:2] in _WHOLE else _FIELDS
    return dissection(PROTOCOL, SHAPE, data, lambda raw: read(fields, raw), lambda good: (events(parse(good)), None))
