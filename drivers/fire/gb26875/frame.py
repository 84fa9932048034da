"""The packet of GB/T 26875.3-2011, clause 7: its bounds, its fields, its data unit.

A packet whose checksum holds is a message, even where its data unit is not as the standard wants it: what could
be read is there, and `flaw` says what is wrong.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from courtyard.drivers.base import Text
from courtyard.drivers.fire.framing import Buffer, Flaw, Shape, Verdict, require, wrong_checksum
from courtyard.drivers.fire.gb26875.objects import ANSWERS, TYPES, InformationObject, UntypedComponentQuery
from courtyard.drivers.fire.gb26875.wire import Short, TimeTag, pack, pack_tag, unpack

PROTOCOL = "gb26875"
CONTROL, SEND, CONFIRM, REQUEST, ANSWER, DENY = 1, 2, 3, 4, 5, 6
HEADER = 27
LONGEST_UNIT = 1024
CLOCK, PATROL = 90, 91

_LONG = Text("the data unit is longer than 1024 bytes", "应用数据单元长度超过1024字节")
_END = Text("the packet does not end with 23 23", "数据包结束符不是23 23")


class Unit(msgspec.Struct, frozen=True):
    """A data unit: its type and its information objects; `rest` holds what could not be read."""

    type: int
    objects: tuple[InformationObject, ...]
    count: int
    rest: bytes = b""


class Message(msgspec.Struct, frozen=True):
    """One packet.  `unit` is None when the data unit is empty (heartbeats, confirmations)."""

    serial: int
    version: tuple[int, int]
    time: TimeTag
    source: int
    destination: int
    command: int
    unit: Unit | None
    raw: bytes
    flaw: Flaw | None = None

    @property
    def heartbeat(self) -> bool:
        """Sending nothing is how devices in the field say that they are alive; the standard has no packet for it."""
        return self.command == SEND and self.unit is None and self.flaw is None


def checksum(data: Buffer, start: int, end: int) -> int:
    return sum(memoryview(data)[start:end]) & 0xFF


def judge(data: Buffer, at: int, closed: bool = False) -> Verdict:
    """Start, length, end and checksum (clause 7); nothing else decides where a packet ends."""
    here = len(data) - at
    if data[at] != 0x40 or (here > 1 and data[at + 1] != 0x40):
        return None
    if here < HEADER:
        return 0
    length = data[at + 24] | data[at + 25] << 8
    if length > LONGEST_UNIT:
        return Flaw("length", 24, HEADER, _LONG)
    total = HEADER + length + 3
    if here < total:
        return 0
    if data[at + total - 2] != 0x23 or data[at + total - 1] != 0x23:
        return Flaw("end", total - 2, total, _END)
    expected = checksum(data, at + 2, at + total - 3)
    if data[at + total - 3] != expected:
        return Flaw("checksum", total - 3, total, wrong_checksum(data[at + total - 3], expected))
    return total


SHAPE = Shape(judge, re.compile(rb"@(?:@|\Z)"), HEADER + LONGEST_UNIT + 3)


def parse(data: bytes) -> Message:
    """One whole packet.  Raises FrameError."""
    require(SHAPE, data)
    return header(data, *read_unit(data[HEADER:-3]))


def header(data: bytes, unit: Unit | None, flaw: Flaw | None) -> Message:
    """A message from the control unit (bytes 2 to 26) of `data`, which holds at least those."""
    return Message(
        serial=int.from_bytes(data[2:4], "little"),
        version=(data[4], data[5]),
        time=TimeTag(bytes(data[6:12])),
        source=int.from_bytes(data[12:18], "little"),
        destination=int.from_bytes(data[18:24], "little"),
        command=data[26],
        unit=unit,
        raw=bytes(data),
        flaw=flaw,
    )


def read_unit(data: bytes) -> tuple[Unit | None, Flaw | None]:
    """The data unit, and what is wrong with it; offsets of the flaw count from the first byte of the packet."""
    if not data:
        return None, None
    if len(data) == 1:
        return None, _flaw(HEADER, Text("the data unit has no object count", "应用数据单元缺少信息对象数目"))
    kind, count = data[0], data[1]
    known = TYPES.get(kind)
    if known is None:
        return Unit(kind, (), count, data[2:]), None
    shape = shape_of(kind, count, len(data))
    objects: list[InformationObject] = []
    at = 2
    flaw = None
    if count > known.most:
        flaw = _flaw(
            HEADER + 1, Text(f"type {kind} allows {known.most} objects", f"类型{kind}最多{known.most}个信息对象")
        )
    while len(objects) < count:
        try:
            item, at = unpack(shape, data, at)
        except Short:
            flaw = _flaw(
                HEADER + at, Text(f"object {len(objects) + 1} is cut off", f"第{len(objects) + 1}个信息对象不完整")
            )
            break
        objects.append(item)
    if at < len(data) and flaw is None:
        flaw = _flaw(HEADER + at, Text("bytes follow the last object", "最后一个信息对象之后有多余字节"))
    return Unit(kind, tuple(objects), count, data[at:]), flaw


def shape_of(kind: int, count: int, size: int) -> type[InformationObject]:
    """The shape of the objects of a known type; component queries of six bytes carry no component type."""
    untyped = kind in (62, 63, 67) and size == 2 + 6 * count
    return UntypedComponentQuery if untyped else TYPES[kind].shape


def _flaw(at: int, text: Text) -> Flaw:
    return Flaw("content", at, at, text)


def unit(kind: int, *objects: InformationObject) -> Unit:
    """A data unit of the standard; raises ValueError when the objects are not of that type or too many."""
    made = Unit(kind, objects, len(objects))
    if not _standard(made):
        raise ValueError(f"type {kind} does not hold these objects")
    return made


def _standard(payload: Unit) -> bool:
    known = TYPES.get(payload.type)
    if known is None or not 1 <= len(payload.objects) <= known.most:
        return False
    return all(type(item) is known.shape for item in payload.objects)


class Link(NamedTuple):
    """The two ends of an exchange, as 48-bit addresses, and the version that this end speaks (major is 1)."""

    source: int
    destination: int
    version: tuple[int, int] = (1, 1)

    def packet(self, command: int, payload: Unit | None, serial: int, now: TimeTag) -> bytes:
        """One packet from source to destination, stamped `now`.

        Raises ValueError for whatever this product never says: a reserved or user-defined command, a control
        command other than clock synchronisation and patrol check, a data unit against the direction of its
        command, more than 1024 bytes.  Raises OverflowError when a value does not fit its field.
        """
        if not _may_be_said(command, payload):
            raise ValueError("this packet must not be sent")
        body = b""
        if payload is not None:
            body = bytes((payload.type, len(payload.objects))) + b"".join(pack(item) for item in payload.objects)
        if len(body) > LONGEST_UNIT:
            raise ValueError(_LONG.en)
        control = b"".join(
            (
                serial.to_bytes(2, "little"),
                bytes(self.version),
                pack_tag(now),
                self.source.to_bytes(6, "little"),
                self.destination.to_bytes(6, "little"),
                len(body).to_bytes(2, "little"),
                bytes((command,)),
                body,
            )
        )
        return b"@@" + control + bytes((sum(control) & 0xFF,)) + b"##"

    @classmethod
    def back(cls, message: Message) -> Link:
        """The way back to the sender of `message`, in the version that it speaks."""
        return cls(message.destination, message.source, message.version)


def _may_be_said(command: int, payload: Unit | None) -> bool:
    if payload is None:
        return command in (SEND, CONFIRM, DENY)
    if not _standard(payload):
        return False
    if TYPES[payload.type].direction == "up":
        return command in (SEND, ANSWER)
    if command == CONTROL:
        return payload.type in (CLOCK, PATROL)
    return command == REQUEST and payload.type in ANSWERS
