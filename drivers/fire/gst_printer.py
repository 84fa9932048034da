"""海湾 GST printer output: tickets of text in GB 18030, read with tolerance (mirrored vendor sample).

`ESC 6`, date and time, address, `ESC 9`, event, place, device, an empty line.  A ticket ends with an empty line, with
the next `ESC 6` or with silence; it counts when a line of it holds an event word.  Text has no checksum: a ticket
without a readable time is unverified.
"""

from __future__ import annotations

import re

import msgspec

from courtyard.drivers.base import Text
from courtyard.drivers.dissection import Dissection, Part
from courtyard.drivers.fire.characters import printable
from courtyard.drivers.fire.dissecting import VENDOR, dissection
from courtyard.drivers.fire.events import PanelEvent, PanelTime
from courtyard.drivers.fire.framing import Buffer, Flaw, Shape, Verdict, require
from courtyard.drivers.fire.tables import Code, words

PROTOCOL = "gst-printer"
LONGEST = 1024
"""A ticket is some 80 bytes; longer text without an empty line is cut at a line."""
NEXT = b"\x1b6"
_BLANK = b"\r\n\0 "

_END = re.compile(rb"\n\r?\n")
_LINE = re.compile(rb"[^\r\n]+")
_ESCAPE = re.compile(rb"\x1b.", re.DOTALL)
_TIME = re.compile(r"(\d\d)/(\d\d)/(\d\d)\s+(\d\d):(\d\d)")
_ADDRESS = re.compile(r"(?<![\d/:-])\d{1,3}-\d{1,3}(?![\d/:-])")
_NO_EVENT = Text("no event word in the text", "文本中没有事件关键词")


class Line(msgspec.Struct, frozen=True):
    """One printed line and where it stands in the ticket."""

    text: str
    start: int
    end: int


class Ticket(msgspec.Struct, frozen=True):
    """One ticket.  `event` is the index of the line that holds the event word `code`."""

    lines: tuple[Line, ...]
    event: int
    code: Code
    time: PanelTime | None
    address: str
    device: Code | None
    raw: bytes

    @property
    def place(self) -> str:
        return self._behind(1)

    @property
    def device_text(self) -> str:
        return self._behind(2)

    def _behind(self, step: int) -> str:
        return self.lines[self.event + step].text if self.event + step < len(self.lines) else ""


def judge(data: Buffer, at: int, closed: bool = False) -> Verdict:
    """Where the ticket ends, and whether an event stands in it."""
    if data[at] in _BLANK:
        return None
    window = bytes(data[at : at + LONGEST])
    end = _end(window, closed)
    if end == 0:
        return 0
    if _event(_lines(window[:end])) is None:
        return Flaw("content", 0, end, _NO_EVENT, resume=end)
    return end


def _end(window: bytes, closed: bool) -> int:
    blank = _END.search(window)
    following = window.find(NEXT, 1)
    ends = [end for end in (blank.end() if blank else 0, following) if end > 0]
    if ends:
        return min(ends)
    if len(window) >= LONGEST:
        return window.rfind(b"\n") + 1 or LONGEST
    return len(window) if closed and _event(_lines(window)) is not None else 0


SHAPE = Shape(judge, re.compile(rb"[^\r\n\0 ]"), LONGEST)


def _lines(ticket: bytes) -> tuple[Line, ...]:
    found = []
    for match in _LINE.finditer(ticket):
        text = printable(_ESCAPE.sub(b"", match.group()).decode("gb18030", "replace"))
        if text:
            found.append(Line(text, match.start(), match.end()))
    return tuple(found)


def _event(lines: tuple[Line, ...]) -> tuple[int, Code] | None:
    for index, line in enumerate(lines):
        code = _word(line.text, "printer_events")
        if code is not None:
            return index, code
    return None


def _word(text: str, table: str) -> Code | None:
    return next((code for word, code in words("gst", table) if word in text), None)


def parse(data: bytes) -> Ticket:
    """One ticket.  Raises FrameError."""
    require(SHAPE, data)
    lines = _lines(data)
    found = _event(lines)
    assert found is not None  # the judge has seen it
    event, code = found
    head = "\n".join(line.text for line in lines[:event])
    time, address = _TIME.search(head), _ADDRESS.search(head)
    stamp = None
    if time:
        month, day, year, hour, minute = map(int, time.groups())
        stamp = PanelTime.of(time.group(), 2000 + year, month, day, hour, minute)
    behind = " ".join(line.text for line in lines[event + 1 :])
    device = _word(behind, "printer_devices")
    return Ticket(lines, event, code, stamp, address.group() if address else "", device, data)


def events(ticket: Ticket) -> list[PanelEvent]:
    """The one event of the ticket."""
    return [
        PanelEvent(
            kind=ticket.code.kind,
            label=ticket.code.text,
            source=ticket.address,
            active=ticket.code.active,
            detector=ticket.device.detector if ticket.device else "unknown",
            device=ticket.device.text if ticket.device else None,
            text=" ".join(part for part in (ticket.place, ticket.device_text) if part),
            time=ticket.time,
            raw_hex=ticket.raw.hex(),
            verified=ticket.time is not None,
        )
    ]


def _parts(data: bytes) -> list[Part]:
    lines = _lines(data)
    found = _event(lines)
    event = found[0] if found else len(lines)
    parts = []
    for index, line in enumerate(lines):
        time, address = _TIME.search(line.text), _ADDRESS.search(line.text)
        name, label = f"line_{index + 1}", Text(f"line {index + 1}", f"第{index + 1}行")
        value = line.text
        if index < event and time:
            name, label, value = "time", Text("panel time", "控制器时间"), time.group()
        elif index < event and address:
            name, label, value = "address", Text("address", "地址"), address.group()
        elif index - event in _BEHIND:
            name, label = _BEHIND[index - event]
        meaning = found[1].text if found and index == event else None
        parts.append(Part(name, label, value, line.start, line.end, meaning, VENDOR))
    return parts


_BEHIND = {
    0: ("event", Text("event", "事件")),
    1: ("place", Text("place", "位置")),
    2: ("device", Text("device", "设备")),
}


def dissect(data: bytes) -> Dissection:
    """Every line of one ticket."""
    return dissection(PROTOCOL, SHAPE, data, _parts, lambda good: (events(parse(good)), None))
