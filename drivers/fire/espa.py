"""ESPA 4.4.4 (November 1984): how imported fire panels call pagers.  Frames and their meaning.

Stations exchange `address ENQ`, ACK, NAK, EOT, and data blocks `SOH header STX id US value RS id US value ETX BCC`;
BCC is the exclusive or of everything behind SOH up to and including ETX.  `espa_receiver` plays the called station.
"""

from __future__ import annotations

import functools
import operator
import re
from typing import Literal

import msgspec

from courtyard.drivers.base import Text
from courtyard.drivers.dissection import Dissection, Part
from courtyard.drivers.fire.characters import printable
from courtyard.drivers.fire.dissecting import dissection, spaced
from courtyard.drivers.fire.events import PanelEvent
from courtyard.drivers.fire.framing import OVERLONG, Buffer, Flaw, Shape, Verdict, require, wrong_checksum
from courtyard.drivers.fire.tables import Code, codes, name, words

PROTOCOL = "espa"
SOH, STX, ETX, EOT, ENQ, ACK, NAK, RS, US = 1, 2, 3, 4, 5, 6, 0x15, 0x1E, 0x1F
CALL = "1"
CANCEL = "1"
"""Call type that takes a call back."""
ALARM = "1"
"""The highest priority."""
LONGEST = 1024
_CONTROLS: dict[int, tuple[Literal["eot", "ack", "nak"], Text]] = {
    EOT: ("eot", Text("end of transmission", "传输结束")),
    ACK: ("ack", Text("acknowledged", "肯定应答")),
    NAK: ("nak", Text("not acknowledged", "否定应答")),
}
_BLOCK = re.compile(rb"\x01(?:[\x20-\xff](?:\x02[\x1e-\xff]*)?)?")
_BAD = Text("this byte cannot stand in a data block", "数据块中不应出现此字节")
RECORDS = {
    "1": ("call_address", Text("call address", "呼叫地址")),
    "2": ("message", Text("display message", "显示信息")),
    "3": ("beep_coding", Text("beep coding", "提示音编码")),
    "4": ("call_type", Text("call type", "呼叫类型")),
    "5": ("transmissions", Text("number of transmissions", "发送次数")),
    "6": ("priority", Text("priority", "优先级")),
    "7": ("call_status", Text("call status", "呼叫状态")),
    "8": ("system_status", Text("system status", "系统状态")),
}


class Message(msgspec.Struct, frozen=True):
    """One frame.  `station` belongs to enquiries, `header` and `records` (identifier, value) to blocks."""

    kind: Literal["enquiry", "eot", "ack", "nak", "block"]
    raw: bytes
    station: str = ""
    header: str = ""
    records: tuple[tuple[str, str], ...] = ()

    def record(self, identifier: str) -> str:
        """The value of the first record `identifier`, empty when there is none."""
        return next((value for known, value in self.records if known == identifier), "")


def judge(data: Buffer, at: int, closed: bool = False) -> Verdict:
    """A control character, an enquiry, or a block with its BCC."""
    first = data[at]
    if first in _CONTROLS:
        return 1
    if first != SOH:
        if not 0x20 < first < 0x7F:
            return None
        if at + 1 == len(data):
            return 0
        return 2 if data[at + 1] == ENQ else None
    match = _BLOCK.match(data, at)
    end = match.end() if match else at + 1
    if end - at > LONGEST - 2:
        return Flaw("length", LONGEST, LONGEST, OVERLONG)
    if end + 1 >= len(data) and (end == len(data) or data[end] == ETX):
        return 0
    if data[end] != ETX or data.find(STX, at, end) < 0:
        return Flaw("content", end - at, end - at, _BAD)
    expected = functools.reduce(operator.xor, data[at + 1 : end + 1])
    if data[end + 1] != expected:
        return Flaw("checksum", end + 1 - at, end + 2 - at, wrong_checksum(data[end + 1], expected))
    return end + 2 - at


SHAPE = Shape(judge, re.compile(rb"[\x01\x04\x06\x15\x21-\x7E]"), LONGEST)


def parse(data: bytes) -> Message:
    """One whole frame.  Raises FrameError."""
    require(SHAPE, data)
    if data[0] in _CONTROLS:
        return Message(_CONTROLS[data[0]][0], data)
    if data[0] != SOH:
        return Message("enquiry", data, station=chr(data[0]))
    records = tuple((_text(key), _text(value)) for key, _, _, value in _split(data))
    return Message("block", data, header=_text(data[1:2]), records=records)


def _split(data: bytes) -> list[tuple[bytes, int, int, bytes]]:
    """Identifier, start, end and value of every record of a good block."""
    found = []
    at = 3
    for record in data[3:-2].split(bytes((RS,))):
        key, _, value = record.partition(bytes((US,)))
        if record:
            found.append((key, at, at + len(record), value))
        at += len(record) + 1
    return found


def _text(raw: bytes) -> str:
    """ASCII mostly; Chinese panels send GB 18030, others Latin-1."""
    for encoding in ("ascii", "gb18030"):
        try:
            return printable(raw.decode(encoding))
        except UnicodeDecodeError:
            continue
    return printable(raw.decode("latin-1"))


def events(message: Message) -> list[PanelEvent]:
    """What a call to a pager says.  A call of type 1 takes back what was called to the same address."""
    if message.kind != "block":
        return []
    if message.header != CALL:
        if message.header in ("2", "3", "4"):
            return []
        label = Text(f"unknown header {message.header}", f"未知标题{message.header}")
        return [PanelEvent(kind="unknown", label=label, raw_hex=message.raw.hex())]
    text, priority, call_type = message.record("2"), message.record("6"), message.record("4")
    code = _meaning(text, priority, call_type)
    return [
        PanelEvent(
            kind=code.kind,
            label=code.text,
            source=message.record("1"),
            active=call_type != CANCEL,
            text=text,
            raw_hex=message.raw.hex(),
            details={"priority": priority, "call_type": call_type},
        )
    ]


def _meaning(text: str, priority: str, call_type: str) -> Code:
    """From the words, and from the priority where no word decides.

    Of a fire word and another one, the other wins (`FIRE DETECTOR FAULT`) unless the call has alarm priority.
    """
    said = [code for word, code in words(PROTOCOL, "words") if word in text.upper()]
    fire = next((code for code in said if code.kind == "fire"), None)
    other = next((code for code in said if code.kind != "fire"), None)
    if fire is not None and (other is None or priority == ALARM):
        return fire
    if other is not None:
        return other
    if priority == ALARM or call_type == CANCEL:
        return Code(en="alarm", zh="报警", kind="fire")
    return Code(en="call", zh="呼叫")


_STANDARD = "ESPA 4.4.4, "
_MEANINGS = {"4": "call_types", "6": "priorities"}


def _parts(data: bytes) -> list[Part]:
    if not data:
        return []
    if data[0] in _CONTROLS:
        meaning = _CONTROLS[data[0]][1]
        return [Part("control", Text("control character", "控制字符"), data[0], 0, 1, meaning, f"{_STANDARD}2.3")]
    if data[0] != SOH:
        return _enquiry_parts(data)
    end = data.find(ETX)
    if len(data) < 4 or data[2] != STX or end < 0:
        return []
    header = _text(data[1:2])
    parts = [Part("header", Text("header", "标题"), header, 1, 2, _name("headers", header), f"{_STANDARD}4.2")]
    for raw_key, start, stop, raw in _split(data[: end + 1] + b"\0"):
        key, value = _text(raw_key), _text(raw)
        field, label = RECORDS.get(key, (f"record_{key}", Text(f"record {key}", f"记录{key}")))
        named = _name(_MEANINGS[key], value) if key in _MEANINGS else None
        parts.append(Part(field, label, value, start, stop, named, f"{_STANDARD}4.3"))
    check = data[end + 1 : end + 2]
    if check:
        parts.append(
            Part("bcc", Text("block check", "块校验"), spaced(check), end + 1, end + 2, None, f"{_STANDARD}3.5")
        )
    return parts


def _enquiry_parts(data: bytes) -> list[Part]:
    if len(data) < 2:
        return []
    clause = f"{_STANDARD}3.1"
    return [
        Part("station", Text("station address", "站地址"), _text(data[:1]), 0, 1, None, clause),
        Part("control", Text("enquiry", "询问"), data[1], 1, 2, None, clause),
    ]


def _name(table: str, digit: str) -> Text | None:
    known = len(digit) == 1 and digit.isdecimal()
    return name(codes(PROTOCOL, table), int(digit), Text("code", "代码")).text if known else None


def dissect(data: bytes) -> Dissection:
    """Every field of one frame, or the byte that is wrong."""
    return dissection(PROTOCOL, SHAPE, data, _parts, lambda good: (events(parse(good)), None))
