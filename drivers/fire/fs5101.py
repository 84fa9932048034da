"""赋安 FS5101 panels (vendor document).  The line has two stop bits.

`F0`, address, length, data, CRC-16/XMODEM over address to data (high byte first).  The first data byte is a command.
The panel polls its peripherals with `A2` and wants an answer within 100 ms; it sends events with `A5`.
"""

from __future__ import annotations

import re

import msgspec
from msgspec.structs import replace

from courtyard.drivers.base import Text
from courtyard.drivers.dissection import Dissection, Part
from courtyard.drivers.fire.characters import from_gb18030
from courtyard.drivers.fire.checksums import crc16_xmodem
from courtyard.drivers.fire.dissecting import Field, dissection, little, named, number, read, spaced
from courtyard.drivers.fire.events import PanelEvent, PanelTime
from courtyard.drivers.fire.framing import Buffer, Flaw, Shape, Verdict, require, wrong_checksum
from courtyard.drivers.fire.tables import Code, Codes, codes, name

PROTOCOL = "fs5101"
RESET, POLL, TIME, EVENT, SECOND_POLL = 0xA1, 0xA2, 0xA4, 0xA5, 0xAC
FIRE = 0xC3
SPECIFIC_FAULTS = ("mains_fault", "battery_fault", "bus_fault")
HEAD = 3
EVENT_BYTES, TEXT_BYTES = 20, 20

_EMPTY = Text("a frame holds at least a command", "帧至少应包含命令字节")
_SHORT = Text("an event has 20 bytes, 40 with text", "事件应为20字节，带文字时为40字节")


class Event(msgspec.Struct, frozen=True):
    """The data of command A5."""

    function: int
    information_type: int
    state: int
    network: int
    controller: int
    time: PanelTime
    loop: int
    address: int
    building: int
    zone: int
    floor: int
    number: int
    device_type: int
    text: str


class Message(msgspec.Struct, frozen=True):
    """One frame.  `event` is None for other commands, and for an event that is cut off, as `flaw` says."""

    address: int
    command: int
    data: bytes
    event: Event | None
    raw: bytes
    flaw: Flaw | None = None


def judge(data: Buffer, at: int, closed: bool = False) -> Verdict:
    """Start, length and CRC."""
    if data[at] != 0xF0:
        return None
    here = len(data) - at
    if here < HEAD:
        return 0
    length = data[at + 2]
    if length == 0:
        return Flaw("length", 2, HEAD, _EMPTY)
    total = HEAD + length + 2
    if here < total:
        return 0
    found = data[at + total - 2] << 8 | data[at + total - 1]
    expected = crc16_xmodem(data[at + 1 : at + total - 2])
    if found != expected:
        return Flaw("checksum", total - 2, total, wrong_checksum(found, expected, 4))
    return total


SHAPE = Shape(judge, re.compile(rb"\xF0"), HEAD + 255 + 2)


def _time(raw: bytes) -> PanelTime:
    year, month, day, hour, minute, second = raw
    return PanelTime.of(raw.hex(" ").upper(), 2000 + year, month, day, hour, minute, second)


def parse(data: bytes) -> Message:
    """One whole frame.  Raises FrameError."""
    require(SHAPE, data)
    body = data[HEAD:-2]
    event = None
    flaw = None
    if body[0] == EVENT:
        if len(body) >= EVENT_BYTES:
            event = _event(body)
        if len(body) not in (EVENT_BYTES, EVENT_BYTES + TEXT_BYTES):
            flaw = Flaw("content", HEAD, len(data), _SHORT)
    return Message(data[1], body[0], body, event, data, flaw)


def _event(body: bytes) -> Event:
    function, information_type, state, network, controller = body[1:6]
    loop, address, building, zone, floor, low, high, device_type = body[12:20]
    text = from_gb18030(body[20:].replace(b"\xff", b"\0"))
    return Event(
        function=function,
        information_type=information_type,
        state=state,
        network=network,
        controller=controller,
        time=_time(body[6:12]),
        loop=loop,
        address=address,
        building=building,
        zone=zone,
        floor=floor,
        number=low | high << 8,
        device_type=device_type,
        text=text,
    )


def events(message: Message) -> list[PanelEvent]:
    """What the frame says; polls and the time say nothing."""
    if message.command in (POLL, TIME, SECOND_POLL):
        return []
    raw = message.raw.hex()
    event = message.event
    if event is None:
        code = name(codes(PROTOCOL, "commands"), message.command, Text("command", "命令"))
        kind = "unknown" if message.command == EVENT else code.kind
        return [PanelEvent(kind=kind, label=code.text, raw_hex=raw)]
    state = name(codes(PROTOCOL, "states"), event.state, Text("state", "状态"))
    about = name(codes(PROTOCOL, "information_types"), event.information_type, Text("information type", "信息类型"))
    code = _meaning(event, state, about)
    return [
        PanelEvent(
            kind=code.kind,
            label=state.text,
            source=f"{event.controller}-{event.loop}-{event.address}",
            active=code.active,
            detector=about.detector,
            device=about.text,
            text=event.text,
            time=event.time,
            raw_hex=raw,
            details={
                "function": event.function,
                "information_type": event.information_type,
                "state": event.state,
                "network": event.network,
                "building": event.building,
                "zone": event.zone,
                "floor": event.floor,
                "number": event.number,
                "device_type": event.device_type,
            },
        )
    ]


def _meaning(event: Event, state: Code, about: Code) -> Code:
    """Function, state and information type together.

    A fire in function or state is a fire, unless the state says that it is a pre-alarm; an unknown state means what
    its function says; a fault of the power or of a loop is one of its own kind.
    """
    if state.kind == "fire_prealarm":
        return state
    if event.function == FIRE or state.kind == "fire":
        return replace(state, kind="fire")
    code = state
    if state.kind == "unknown":
        function = codes(PROTOCOL, "functions").get(event.function)
        code = function if function is not None and function.kind != "other" else state
    if code.kind == "fault" and about.kind in SPECIFIC_FAULTS:
        return replace(code, kind=about.kind)
    return code


def answer(address: int) -> bytes:
    """The answer of the peripheral `address` (0..255) to a poll: nothing to say, nothing asked."""
    body = bytes((address, 3, POLL, 0, 0))
    return b"\xf0" + body + crc16_xmodem(body).to_bytes(2, "big")


def _table(table: str) -> Codes:
    return codes(PROTOCOL, table)


FUNCTION = Text("function", "功能")
_START = (
    Field("start", Text("start", "起始符"), 0, 1, spaced),
    Field("address", Text("address", "地址"), 1, 2),
    Field("length", Text("length", "长度"), 2, 3),
    Field("command", Text("command", "命令"), 3, 4, number, named(lambda: _table("commands"), Text("command", "命令"))),
)
_EVENT = (
    Field(
        "function",
        Text("function", "功能属性"),
        4,
        5,
        number,
        named(lambda: _table("functions"), Text("function", "功能")),
    ),
    Field(
        "information_type",
        Text("information type", "信息类型"),
        5,
        6,
        number,
        named(lambda: _table("information_types"), Text("information type", "信息类型")),
    ),
    Field("state", Text("state", "设备状态"), 6, 7, number, named(lambda: _table("states"), Text("state", "状态"))),
    Field("network", Text("network", "网络号"), 7, 8),
    Field("controller", Text("controller", "机号"), 8, 9),
    Field("time", Text("panel time", "控制器时间"), 9, 15, lambda raw: _time(raw).iso()),
    Field("loop", Text("loop", "回路"), 15, 16),
    Field("point", Text("device address", "设备地址"), 16, 17),
    Field("building", Text("building", "楼号"), 17, 18),
    Field("zone", Text("zone", "区号"), 18, 19),
    Field("floor", Text("floor", "层号"), 19, 20),
    Field("number", Text("number", "编号"), 20, 22, little),
    Field("device_type", Text("device type", "设备类型"), 22, 23),
)


def _parts(data: bytes) -> list[Part]:
    parts = list(read(_START, data))
    if len(data) <= HEAD:
        return parts
    end = HEAD + data[2]
    rest = HEAD + 1
    if data[3] == EVENT and data[2] >= EVENT_BYTES:
        parts += read(_EVENT, data)
        rest = HEAD + EVENT_BYTES
    if rest < end:
        body = (
            Field("text", Text("description", "描述"), rest, end, lambda raw: from_gb18030(raw.replace(b"\xff", b"\0")))
            if rest > HEAD + 1
            else Field("data", Text("data", "数据"), rest, end, spaced)
        )
        parts += read((body,), data)
    return [*parts, *read((Field("crc", Text("CRC-16", "CRC16校验"), end, end + 2, number),), data)]


def dissect(data: bytes) -> Dissection:
    """Every field of one frame, or the byte that is wrong."""

    def said(good: bytes) -> tuple[list[PanelEvent], Flaw | None]:
        message = parse(good)
        return events(message), message.flaw

    return dissection(PROTOCOL, SHAPE, data, _parts, said)
