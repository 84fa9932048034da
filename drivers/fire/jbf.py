"""青鸟 JBF-11S, JBF-193K and JBF-293K panels: 26-byte frames, polled or pushed (vendor document).

A frame is `82`, twelve bytes each sent as two characters 30 to 3F (high nibble first), `83`.  The bytes are
command, controller, loop, point, component type, year, month, day, hour, minute, second, and the sum of the eleven
before it.  A panel that is polled answers `09` or one event; one that is not polled for some seconds pushes events.
"""

from __future__ import annotations

import re

import msgspec

from courtyard.drivers.base import Text
from courtyard.drivers.dissection import Dissection, Part
from courtyard.drivers.fire.dissecting import Field, dissection, named, read, spaced
from courtyard.drivers.fire.events import Details, PanelEvent, PanelTime
from courtyard.drivers.fire.framing import Buffer, Flaw, Shape, Verdict, require, wrong_checksum
from courtyard.drivers.fire.tables import Code, Codes, codes, name

PROTOCOL = "jbf"
LENGTH = 26
EXTENDED = 0xFF
"""Component type of frames that carry more bytes and a CRC-8 that no published rule reproduces."""
QUIET = frozenset({0x00, 0x09, 0x69})
"""Commands that say that all is well."""
MULTI_LINE = range(0x51, 0x5B)
GAS = 0xFA

_DIGIT = Text("a data byte must be 30 to 3F", "数据字节应在30到3F之间")
_SHORT = Text("the frame ends before its 26th byte", "帧在第26字节之前结束")
_LONG = Text("the end must stand here, 83", "此处应为结束符83")
_EXTENDED = Text("extended frame: its CRC-8 cannot be checked", "扩展帧：其CRC-8无法校验")


class Message(msgspec.Struct, frozen=True):
    """One frame.  `time` is the panel's clock."""

    command: int
    controller: int
    loop: int
    point: int
    component_type: int
    time: PanelTime
    raw: bytes


def _values(data: Buffer, at: int, count: int) -> bytes:
    """`count` data bytes from the characters that begin at `at`."""
    return bytes((data[at + 2 * i] & 15) << 4 | data[at + 2 * i + 1] & 15 for i in range(count))


def judge(data: Buffer, at: int, closed: bool = False) -> Verdict:
    """Start, characters, end and sum of one frame."""
    if data[at] != 0x82:
        return None
    here = min(len(data) - at, LENGTH)
    for offset in range(1, min(here, LENGTH - 1)):
        if not 0x30 <= data[at + offset] <= 0x3F:
            ended = data[at + offset] == 0x83
            return Flaw("end" if ended else "digit", offset, offset + ended, _SHORT if ended else _DIGIT)
    if here < LENGTH:
        return 0
    values = _values(data, at + 1, 12)
    if data[at + 25] != 0x83:
        if values[4] == EXTENDED:
            return Flaw("unsupported", 9, LENGTH, _EXTENDED)
        return Flaw("end", 25, 25, _LONG)
    expected = sum(values[:11]) & 0xFF
    if values[11] != expected:
        return Flaw("checksum", 23, LENGTH, wrong_checksum(values[11], expected))
    return LENGTH


SHAPE = Shape(judge, re.compile(rb"\x82"), LENGTH)


def parse(data: bytes) -> Message:
    """One whole frame.  Raises FrameError."""
    require(SHAPE, data)
    command, controller, loop, point, component, year, month, day, hour, minute, second = _values(data, 1, 11)
    raw_time = " ".join(f"{value:02X}" for value in (year, month, day, hour, minute, second))
    time = PanelTime.of(raw_time, 2000 + year, month, day, hour, minute, second)
    return Message(command, controller, loop, point, component, time, data)


def component_types() -> Codes:
    """The component types known here; a panel's own list may be passed to `events` instead."""
    return codes(PROTOCOL, "components")


def events(message: Message, components: Codes | None = None) -> list[PanelEvent]:
    """What the frame says; polls and `all is well` say nothing."""
    if message.command in QUIET:
        return []
    code = _meaning(message.command, message.loop)
    table = component_types() if components is None else components
    component = name(table, message.component_type, Text("component type", "部件类型"))
    details: Details = {
        "command": message.command,
        "component_type": message.component_type,
    }
    if message.command in MULTI_LINE or message.command == GAS:
        width = 4 if message.command == GAS else 8
        panel, line = divmod(message.point - 1, width)
        details |= {"panel": panel + 1, "line": line + 1}
    return [
        PanelEvent(
            kind=code.kind,
            label=code.text,
            source=_source(message),
            active=code.active,
            detector=component.detector if code.detector == "unknown" else code.detector,
            device=component.text,
            time=message.time,
            raw_hex=message.raw.hex(),
            details=details,
        )
    ]


def _meaning(command: int, loop: int) -> Code:
    finer = codes(PROTOCOL, "sub_events").get(command << 8 | loop)
    return finer or name(codes(PROTOCOL, "commands"), command, Text("command", "命令"))


def _source(message: Message) -> str:
    """`1-6-12`: controller, loop, point.  Where the loop byte says what happened, it does not say where."""
    controller, part = message.controller, _PARTS_WITHOUT_LOOP.get(message.command)
    if part is None:
        return f"{controller}-{message.loop}-{message.point}"
    return f"{controller}-{part}-{message.point}" if part else str(controller)


_PARTS_WITHOUT_LOOP = {0x70: "board", 0x71: "", 0x72: "", GAS: "gas"}


def poll() -> bytes:
    """The host's poll, about once a second: a frame of zeros.  It is the only thing a host says."""
    return b"\x82" + b"0" * 24 + b"\x83"


def _value(raw: bytes) -> int:
    return _values(raw, 0, 1)[0]


def _time(raw: bytes) -> str:
    year, month, day, hour, minute, second = values = _values(raw, 0, 6)
    return PanelTime.of(values.hex(" ").upper(), 2000 + year, month, day, hour, minute, second).iso()


_FIELDS = (
    Field("start", Text("start", "起始符"), 0, 1, spaced),
    Field(
        "command",
        Text("command", "命令"),
        1,
        3,
        _value,
        named(lambda: codes(PROTOCOL, "commands"), Text("command", "命令")),
    ),
    Field("controller", Text("controller", "控制器号"), 3, 5, _value),
    Field("loop", Text("loop", "回路号"), 5, 7, _value),
    Field("point", Text("point", "部位号"), 7, 9, _value),
    Field(
        "component_type",
        Text("component type", "部件类型"),
        9,
        11,
        _value,
        named(component_types, Text("component type", "部件类型")),
    ),
    Field("time", Text("panel time", "控制器时间"), 11, 23, _time),
    Field("checksum", Text("sum", "累加和"), 23, 25, _value),
    Field("end", Text("end", "结束符"), 25, 26, spaced),
)


def _parts(data: bytes) -> tuple[Part, ...]:
    return read(_FIELDS, data)


def dissect(data: bytes) -> Dissection:
    """Every field of one frame, or the byte that is wrong."""
    return dissection(PROTOCOL, SHAPE, data, _parts, lambda good: (events(parse(good)), None))
