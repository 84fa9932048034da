"""Takes Modbus frames apart, RTU or TCP, request or answer: what every byte says, and which byte is wrong.  Pure.

Sources: MODBUS Application Protocol V1.1b3 (PDU, chapter 6 and 7); MODBUS over Serial Line V1.02, 2.5.1 (RTU);
MODBUS Messaging on TCP/IP V1.0b, 3.1 (TCP).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from courtyard.drivers.base import Scalar, Text
from courtyard.drivers.dissection import Dissection, Part
from courtyard.drivers.modbus.decoding import decoder_for
from courtyard.drivers.modbus.frames import crc
from courtyard.drivers.modbus.layouts import FUNCTIONS, Direction, Layout, Parsed, layouts
from courtyard.drivers.modbus.planning import item_of
from courtyard.drivers.modbus.reads import Read
from courtyard.drivers.modbus.settings import ModbusPoint, ModbusProfile

Framing = Literal["auto", "rtu", "tcp"]
RTU_SHORTEST, RTU_LONGEST = 4, 256
TCP_SHORTEST, TCP_LONGEST = 8, 260
HEADER_BYTES = 6
_AS: dict[Direction, Text] = {"request": Text("a request", "请求"), "response": Text("an answer", "应答")}
CRC_CLAUSE = "Serial Line 2.5.1.2"


def dissect(
    frame: bytes,
    *,
    framing: Framing = "auto",
    profile: ModbusProfile | None = None,
    points: Sequence[ModbusPoint] = (),
    address: int | None = None,
) -> Dissection:
    """The parts of one frame.

    `auto` takes the framing whose own rule holds: the CRC of RTU, else the header of TCP; when neither does, the one
    that the bytes look like.  With a profile, its points
    and the PDU address that was asked for, an answer to a read also yields the points.
    """
    tcp = framing == "tcp" or (framing == "auto" and not _ends_with_crc(frame) and _looks_like_tcp(frame))
    found = _Frame(frame, tcp)
    if not found.check_size():
        return found.result()
    function = frame[found.pdu]
    found.add(
        "unit", Text("unit address", "从站地址"), frame[found.pdu - 1], found.pdu - 1, 1, _unit(frame, found, tcp)
    )
    found.add("function", Text("function", "功能码"), function, found.pdu, 1, _function(function))
    if found.check_frame():
        direction = found.take_fields()
        if profile is not None and address is not None and direction == "response":
            found.add_points(profile, points, address, function)
    return found.result()


class _Frame:
    """A frame being taken apart; every error found is told, the place of the first."""

    def __init__(self, frame: bytes, tcp: bool) -> None:
        self.frame, self.tcp = frame, tcp
        self.pdu = HEADER_BYTES + 1 if tcp else 1
        self.end = len(frame) if tcp else len(frame) - 2
        self.parts: list[Part] = []
        self.error: Text | None = None
        self.error_at: int | None = None
        self.payload: tuple[int, int] | None = None
        self.explained = False  # whether it is said why the frame has the wrong length

    def result(self) -> Dissection:
        framing = Part("framing", Text("framing", "帧格式"), "tcp" if self.tcp else "rtu", 0, 0)
        parts = (framing, *sorted(self.parts, key=lambda part: (part.start, part.end)))
        return Dissection("modbus", self.error is None, parts, self.error, self.error_at)

    def add(
        self, name: str, label: Text, value: Any, start: int, size: int, meaning: Text | None = None, clause: str = ""
    ) -> None:
        self.parts.append(Part(name, label, value, start, start + size, meaning, clause))

    def fail(self, at: int, en: str, zh: str) -> None:
        if self.error is None:
            self.error, self.error_at = Text(en, zh), at
        else:
            self.error = Text(f"{self.error.en} {en}", f"{self.error.zh}{zh}")

    def check_size(self) -> bool:
        size = len(self.frame)
        shortest, longest = (TCP_SHORTEST, TCP_LONGEST) if self.tcp else (RTU_SHORTEST, RTU_LONGEST)
        if size < shortest:
            self.fail(
                size,
                f"The frame ends after {size} bytes; the shortest possible one has {shortest}.",
                f"报文只有 {size} 字节；最短的报文为 {shortest} 字节。",
            )
        elif size > longest:
            self.fail(
                longest,
                f"{size} bytes; the longest possible frame has {longest}.",
                f"报文长 {size} 字节；最长为 {longest} 字节。",
            )
        return self.error is None

    def check_frame(self) -> bool:
        """CRC or header; whether the PDU is worth reading."""
        if self.tcp:
            self._check_header()
        else:
            self._check_crc()
        return self.end > self.pdu

    def _check_header(self) -> None:
        frame = self.frame
        transaction, protocol, length = (int.from_bytes(frame[at : at + 2], "big") for at in (0, 2, 4))
        clause = "TCP/IP 3.1.3"
        self.add("transaction", Text("transaction number", "事务标识"), transaction, 0, 2, None, clause)
        self.add("protocol", Text("protocol, 0 is Modbus", "协议标识，0 为 Modbus"), protocol, 2, 2, None, clause)
        self.add("length", Text("bytes that follow", "后续字节数"), length, 4, 2, None, clause)
        if protocol != 0:
            self.fail(
                2, f"Bytes 2-3 name protocol {protocol}; Modbus is 0.", f"第 2-3 字节的协议标识为 {protocol}，应为 0。"
            )
        if length != len(frame) - HEADER_BYTES:
            follow = len(frame) - HEADER_BYTES
            self.fail(
                4,
                f"Bytes 4-5 promise {length} bytes, {follow} follow.",
                f"第 4-5 字节声明后续 {length} 字节，实际为 {follow} 字节。",
            )

    def _check_crc(self) -> None:
        found, expected = self.frame[-2:], crc(self.frame[:-2])
        self.add("crc", Text("checksum", "CRC 校验"), found.hex(" ").upper(), self.end, 2, None, CRC_CLAUSE)
        if found != expected:
            self.fail(
                self.end,
                f"Wrong CRC in bytes {self.end}-{self.end + 1}: found {_hex(found)}, expected {_hex(expected)}.",
                f"第 {self.end}-{self.end + 1} 字节 CRC 错误：实际 {_hex(found)}，应为 {_hex(expected)}。",
            )
            if found == expected[::-1]:
                self.fail(self.end, "Its two bytes are exchanged.", "两个字节的顺序颠倒。")
            self._compare_sizes()

    def _compare_sizes(self) -> None:
        """Why the checksum may be wrong: bytes are missing, or others follow a good frame."""
        size, body = len(self.frame), self.frame[self.pdu :]
        due = _rtu_sizes(body)
        whole = next((each for each in due.values() if each < size and _ends_with_crc(self.frame[:each])), None)
        if whole is not None:
            self.explained = True
            self.fail(
                whole,
                f"Bytes 0-{whole - 1} are a good frame by themselves; {size - whole} more follow.",
                f"第 0-{whole - 1} 字节本身是完整的一帧；其后多出 {size - whole} 字节。",
            )
        elif due and min(due.values()) > size:
            self.explained = True
            en = " and ".join(f"{each} as {_AS[way].en}" for way, each in due.items())
            zh = "，".join(f"{_AS[way].zh}应为 {each} 字节" for way, each in due.items())
            self.fail(
                size,
                f"The frame seems cut: it has {size} bytes; function {body[0]:02X} takes {en}.",
                f"报文可能不完整：共 {size} 字节；功能码 {body[0]:02X} 的{zh}。",
            )

    def take_fields(self) -> Direction | None:
        """Reads the PDU by the layout that fits; None when its function is not known."""
        body = self.frame[self.pdu : self.end]
        choices = [(layout, layout.parse(body)) for layout in layouts(body[0])]
        if not choices:
            self.add("data", Text("data", "数据"), _hex(body[1:]), self.pdu + 1, len(body) - 1)
            return None
        fitting = [(layout, parsed) for layout, parsed in choices if parsed.size == len(body) and not parsed.mistakes]
        layout, parsed = min(fitting or choices, key=lambda choice: _misfit(choice[1], body))
        meaning = _direction(layout, ambiguous=len(fitting) > 1)
        self.add("direction", Text("direction", "方向"), layout.direction, self.pdu, 0, meaning)
        for field, start, size, value, said in parsed.pieces:
            self.add(field.name, field.label, value, self.pdu + start, size, said, layout.clause)
            if field.name in ("registers", "bits"):
                self.payload = self.pdu + start, size
        if not self.explained:
            self._check_length(parsed.size, body)
        for position, mistake in parsed.mistakes:
            self.fail(self.pdu + position, mistake.en, mistake.zh)
        return layout.direction

    def _check_length(self, size: int, body: bytes) -> None:
        if size > len(body):
            missing, at = size - len(body), self.pdu + len(body)
            self.fail(
                at,
                f"The data end before byte {at}: function {body[0]:02X} needs {missing} more.",
                f"数据在第 {at} 字节前结束：功能码 {body[0]:02X} 还需要 {missing} 字节。",
            )
        elif size < len(body):
            first = self.pdu + size
            self.fail(
                first,
                f"Function {body[0]:02X} ends before byte {first}; {len(body) - size} too many.",
                f"功能码 {body[0]:02X} 的数据应在第 {first} 字节前结束；多出 {len(body) - size} 字节。",
            )

    def add_points(self, profile: ModbusProfile, points: Sequence[ModbusPoint], address: int, function: int) -> None:
        """The points of a profile that lie within the registers or bits of an answer."""
        if self.payload is None or self.error is not None:
            return
        start, size = self.payload
        bits = function in (1, 2)
        read = Read(function, address, 8 * size if bits else size // 2)
        items = [item_of(point, profile) for point in points]
        inside = [
            item for item in items if item.function == function and address <= item.start and item.end <= read.end
        ]
        values: dict[str, Scalar | None] = {}
        decoder = decoder_for(read, [item.point for item in inside], profile.order)
        qualities = decoder.decode(self.frame[start : start + size], values)
        for item in inside:
            name = item.point.register.point
            first, last = item.start - address, item.end - address
            at, width = (first // 8, 1) if bits else (2 * first, 2 * (last - first))
            quality = qualities.get(name)
            meaning = Text(quality, quality) if quality else None
            self.add(name, Text("point", "测点"), values[name], start + at, width, meaning)


def _rtu_sizes(body: bytes) -> dict[Direction, int]:
    """How long an RTU frame with this function and these data should be; nothing for lengths that are free."""
    return {
        layout.direction: layout.parse(body).size + RTU_SHORTEST - 1
        for layout in layouts(body[0])
        if all(field.kind != "rest" for field in layout.fields)
    }


def _misfit(parsed: Parsed, body: bytes) -> tuple[bool, bool, int]:
    """A layout of just this length fits best, then one without mistakes, then the nearest."""
    return parsed.size != len(body), bool(parsed.mistakes), abs(parsed.size - len(body))


def _ends_with_crc(frame: bytes) -> bool:
    return len(frame) >= RTU_SHORTEST and crc(frame[:-2]) == frame[-2:]


def _has_tcp_header(frame: bytes) -> bool:
    length = int.from_bytes(frame[4:6], "big")
    return len(frame) >= TCP_SHORTEST and frame[2:4] == b"\0\0" and length == len(frame) - HEADER_BYTES


def _looks_like_tcp(frame: bytes) -> bool:
    """The header of TCP is right, or could be, while the length is no length of RTU."""
    if _has_tcp_header(frame):
        return True
    if len(frame) < TCP_SHORTEST or frame[2:4] != b"\0\0":
        return False
    length = int.from_bytes(frame[4:6], "big")
    possible = TCP_SHORTEST - HEADER_BYTES <= length <= TCP_LONGEST - HEADER_BYTES and bool(layouts(frame[7]))
    return possible and len(frame) not in _rtu_sizes(frame[1:]).values()


def _unit(frame: bytes, found: _Frame, tcp: bool) -> Text | None:
    if frame[found.pdu - 1] == 0 and not tcp:
        return Text("broadcast, never answered", "广播，无应答")
    return None


def _function(function: int) -> Text:
    if function & 0x80:
        refused = FUNCTIONS.get(function & 0x7F, Text("unknown function", "未知功能码"))
        return Text(f"exception to: {refused.en}", f"异常应答：{refused.zh}")
    return FUNCTIONS.get(function, Text("unknown function", "未知功能码"))


def _direction(layout: Layout, *, ambiguous: bool) -> Text:
    if ambiguous:
        return Text("request, or the answer that repeats it", "请求，或与请求相同的应答")
    return Text("request", "请求") if layout.direction == "request" else Text("answer", "应答")


def _hex(data: bytes) -> str:
    return data.hex(" ").upper()
