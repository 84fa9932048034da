"""松江 JB-3208 CRT output (vendor document, CRC order from captures).

`FE`, controller, information code, length (low byte first), body, CRC-16 as in Modbus over controller to body (low
byte first), `FF`.  The panel polls with code 100 and wants the same frame back within 500 ms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from courtyard.drivers.base import Text
from courtyard.drivers.dissection import Dissection, Part
from courtyard.drivers.fire.characters import from_bcd, from_positions
from courtyard.drivers.fire.checksums import crc16_modbus
from courtyard.drivers.fire.dissecting import VENDOR, Field, dissection, little, named, read, spaced
from courtyard.drivers.fire.events import PanelEvent, PanelTime
from courtyard.drivers.fire.framing import Buffer, Flaw, Shape, Verdict, require, wrong_checksum
from courtyard.drivers.fire.tables import Codes, codes, name

PROTOCOL = "jb3208"
POLL = 100
LISTS = range(110, 116)
"""Information codes whose body is a list of records."""
HEAD, TAIL, RECORD = 5, 3, 32
LONGEST_BODY = 2 + 64 * RECORD

_LONG = Text(f"the body is longer than {LONGEST_BODY} bytes", f"信息体长度超过{LONGEST_BODY}字节")
_END = Text("the frame does not end with FF", "帧结束符不是FF")
_COUNT = Text("the body does not hold the number of records that it names", "信息体长度与记录数量不符")


class Record(msgspec.Struct, frozen=True):
    """One part in a list."""

    controller: int
    loop: int
    point: int
    zone: int
    device_type: int
    status: int
    time: PanelTime
    text: str


class Message(msgspec.Struct, frozen=True):
    """One frame.  `flaw` says what is wrong with a body whose frame is good."""

    controller: int
    information: int
    body: bytes
    records: tuple[Record, ...]
    raw: bytes
    flaw: Flaw | None = None


def judge(data: Buffer, at: int, closed: bool = False) -> Verdict:
    """Start, length, end and CRC."""
    if data[at] != 0xFE:
        return None
    here = len(data) - at
    if here < HEAD:
        return 0
    length = data[at + 3] | data[at + 4] << 8
    if length > LONGEST_BODY:
        return Flaw("length", 3, HEAD, _LONG)
    total = HEAD + length + TAIL
    if here < total:
        return 0
    if data[at + total - 1] != 0xFF:
        return Flaw("end", total - 1, total, _END)
    found = data[at + total - 3] | data[at + total - 2] << 8
    expected = crc16_modbus(data[at + 1 : at + total - 3])
    if found != expected:
        return Flaw("checksum", total - 3, total, wrong_checksum(found, expected, 4))
    return total


SHAPE = Shape(judge, re.compile(rb"\xFE"), HEAD + LONGEST_BODY + TAIL)


def _time(raw: bytes) -> PanelTime:
    year, month, day, hour, minute = map(from_bcd, raw)
    return PanelTime.of(raw.hex(" ").upper(), 2000 + year, month, day, hour, minute)


def parse(data: bytes) -> Message:
    """One whole frame.  Raises FrameError."""
    require(SHAPE, data)
    body = data[HEAD:-TAIL]
    records: tuple[Record, ...] = ()
    flaw = None
    if data[2] in LISTS:
        records = tuple(_records(body))
        if len(body) < 2 or len(body) != 2 + RECORD * little(body[:2]):
            flaw = Flaw("content", HEAD, len(data), _COUNT)
    return Message(data[1], data[2], body, records, data, flaw)


def _records(body: bytes) -> Iterator[Record]:
    for at in range(2, len(body) - RECORD + 1, RECORD):
        record = body[at : at + RECORD]
        controller, loop, point, zone_low, zone_high, device_type, status = record[:7]
        zone = zone_low | zone_high << 8
        text = from_positions(record[12:])
        yield Record(controller, loop, point, zone, device_type, status, _time(record[7:12]), text)


def events(message: Message) -> list[PanelEvent]:
    """What the frame says: one event a record, one for a reset; polls say nothing."""
    if message.information == POLL:
        return []
    code = name(codes(PROTOCOL, "information"), message.information, Text("information code", "信息代码"))
    raw = message.raw.hex()
    if not message.records:
        return [PanelEvent(kind=code.kind, label=code.text, source=str(message.controller), raw_hex=raw)]
    said = []
    for record in message.records:
        device = name(_types(), record.device_type, Text("device type", "设备类型"))
        said.append(
            PanelEvent(
                kind=code.kind,
                label=code.text,
                source=f"{record.controller}-{record.loop}-{record.point}",
                detector=device.detector,
                device=device.text,
                text=record.text,
                time=record.time,
                raw_hex=raw,
                details={"zone": record.zone, "device_type": record.device_type, "status": record.status},
            )
        )
    return said


def answer(message: Message) -> bytes | None:
    """What a peripheral owes: a poll comes back as it was; None for everything else."""
    return message.raw if message.information == POLL and message.body == bytes((POLL,)) else None


def _types() -> Codes:
    return codes(PROTOCOL, "device_types")


_FIELDS = (
    Field("start", Text("start", "起始符"), 0, 1, spaced),
    Field("controller", Text("controller", "机号"), 1, 2),
    Field(
        "information",
        Text("information code", "信息代码"),
        2,
        3,
        meaning=named(lambda: codes(PROTOCOL, "information"), Text("information code", "信息代码")),
    ),
    Field("length", Text("length of body", "信息体长度"), 3, 5, little),
)
_RECORD_FIELDS = (
    Field("controller", Text("controller", "机号"), 0, 1),
    Field("loop", Text("loop", "回路号"), 1, 2),
    Field("point", Text("point", "点号"), 2, 3),
    Field("zone", Text("zone", "分区"), 3, 5, little),
    Field("device_type", Text("device type", "类型"), 5, 6, meaning=named(_types, Text("device type", "设备类型"))),
    Field("status", Text("status", "状态"), 6, 7),
    Field("time", Text("panel time", "控制器时间"), 7, 12, lambda raw: _time(raw).iso()),
    Field("text", Text("description", "描述"), 12, 32, from_positions),
)


def _parts(data: bytes) -> list[Part]:
    parts = list(read(_FIELDS, data))
    if len(data) <= HEAD:
        return parts
    end = HEAD + little(data[3:5])
    if data[2] in LISTS:
        parts += read((Field("count", Text("number of records", "信息体数量"), HEAD, HEAD + 2, little),), data[:end])
        groups: list[Part] = []
        for at in range(HEAD + 2, min(end, len(data)) - RECORD + 1, RECORD):
            title = Text(f"record {len(groups) + 1}", f"记录{len(groups) + 1}")
            inner = read(_RECORD_FIELDS, data, shift=at)
            groups.append(Part(str(len(groups) + 1), title, None, at, at + RECORD, None, VENDOR, inner))
        label = Text("records", "信息体")
        parts.append(Part("records", label, [], HEAD + 2, min(end, len(data)), None, VENDOR, tuple(groups)))
    else:
        parts += read((Field("body", Text("body", "信息体"), HEAD, end, spaced),), data)
    tail = (
        Field("crc", Text("CRC-16", "CRC16校验"), end, end + 2, little),
        Field("end", Text("end", "结束符"), end + 2, end + 3, spaced),
    )
    return [*parts, *read(tail, data)]


def dissect(data: bytes) -> Dissection:
    """Every field of one frame, or the byte that is wrong."""

    def said(good: bytes) -> tuple[list[PanelEvent], Flaw | None]:
        message = parse(good)
        return events(message), message.flaw

    return dissection(PROTOCOL, SHAPE, data, _parts, said)
