"""How requests and answers of each function are laid out, as a table.  Pure.

Source: MODBUS Application Protocol V1.1b3, chapter 6; the clause of each function stands in the table.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from courtyard.drivers.base import Text
from courtyard.drivers.modbus.faults import refusal

Kind = Literal["byte", "word", "coil", "count", "registers", "bits", "counted", "rest"]
"""count: one byte that says how long the next registers, bits or counted bytes are; rest: all that remains."""
Direction = Literal["request", "response"]
SIZES: dict[Kind, int] = {"byte": 1, "word": 2, "coil": 2, "count": 1}


class Field(NamedTuple):
    """One field of a PDU; numbers outside `low` to `high` are mistakes."""

    name: str
    label: Text
    kind: Kind
    low: int = 0
    high: int = 0xFFFF


class Piece(NamedTuple):
    """A field that was read, by its place in the PDU."""

    field: Field
    start: int
    size: int
    value: Any
    meaning: Text | None


class Parsed(NamedTuple):
    """A PDU read by one layout: its whole fields, the size that it should have, mistakes by place."""

    pieces: tuple[Piece, ...]
    size: int
    mistakes: tuple[tuple[int, Text], ...]


class Layout(NamedTuple):
    """The fields behind the function code."""

    direction: Direction
    clause: str
    fields: tuple[Field, ...]

    def parse(self, pdu: bytes) -> Parsed:
        """Reads as far as the bytes go."""
        pieces: list[Piece] = []
        mistakes: list[tuple[int, Text]] = []
        at, counted, quantity = 1, 0, None
        for field in self.fields:
            size = SIZES.get(field.kind, len(pdu) - at if field.kind == "rest" else counted)
            raw = pdu[at : at + size]
            if raw and len(raw) == size:
                value = _value(field, raw)
                pieces.append(Piece(field, at, size, value, _meaning(field, value)))
                mistakes += [(at, mistake) for mistake in _mistakes(field, raw, value)]
                counted = value if field.kind == "count" else counted
                quantity = value if field.name == "quantity" else quantity
                due = _bytes_due(field, quantity)
                if due is not None and due != size:
                    en = f"A quantity of {quantity} takes {due} bytes of data, not {size}."
                    mistakes.append((at - 1, Text(en, f"数量 {quantity} 需要 {due} 字节数据，而不是 {size} 字节。")))
            at += max(0, size)
        return Parsed(tuple(pieces), at, tuple(mistakes))


def _bytes_due(field: Field, quantity: int | None) -> int | None:
    """How long data must be after a quantity."""
    if quantity is None or field.kind not in ("registers", "bits"):
        return None
    return 2 * quantity if field.kind == "registers" else (quantity + 7) // 8


def _value(field: Field, raw: bytes) -> Any:
    if field.kind == "registers":
        return list(struct.unpack(f">{len(raw) // 2}H", raw[: len(raw) // 2 * 2]))
    if field.kind == "bits":
        return [byte >> bit & 1 for byte in raw for bit in range(8)]
    if field.kind in ("counted", "rest"):
        return raw.hex(" ").upper()
    return int.from_bytes(raw, "big")


def _meaning(field: Field, value: Any) -> Text | None:
    if field.name == "exception":
        return refusal(value).name
    if field.kind == "coil":
        return {0xFF00: Text("on", "合"), 0: Text("off", "分")}.get(value)
    return None


def _mistakes(field: Field, raw: bytes, value: Any) -> list[Text]:
    if field.kind == "registers" and len(raw) % 2:
        return [Text(f"{len(raw)} bytes are no whole number of registers.", f"{len(raw)} 字节不是整数个寄存器。")]
    if field.kind == "coil" and value not in (0, 0xFF00):
        return [
            Text(f"A coil is set by FF00 or 0000, not {value:04X}.", f"线圈值应为 FF00 或 0000，而不是 {value:04X}。")
        ]
    if isinstance(value, int) and not field.low <= value <= field.high:
        en, zh = field.label
        return [
            Text(
                f"The {en} is {value}; {field.low} to {field.high} is allowed.",
                f"{zh}为 {value}；允许范围 {field.low} 到 {field.high}。",
            )
        ]
    return []


def _quantity(most: int) -> Field:
    return Field("quantity", Text("quantity", "数量"), "word", 1, most)


ADDRESS = Field("address", Text("first address (PDU, from 0)", "起始地址(PDU，从 0 开始)"), "word")
VALUE = Field("value", Text("value", "值"), "word")
COIL = Field("value", Text("value", "值"), "coil")
COUNT = Field("byte_count", Text("bytes of data", "数据字节数"), "count", 1, 250)
REGISTERS = Field("registers", Text("registers", "寄存器"), "registers")
BITS = Field("bits", Text("bits, first one first", "位(从第一位起)"), "bits")
COUNTED = Field("data", Text("data", "数据"), "counted")
REST = Field("data", Text("data", "数据"), "rest")
EXCEPTION = Field("exception", Text("exception code", "异常码"), "byte")


def _word(name: str, en: str, zh: str) -> Field:
    return Field(name, Text(en, zh), "word")


_DIAGNOSTIC = (_word("sub_function", "sub-function", "子功能码"), REST)
_MASKS = (ADDRESS, _word("and_mask", "AND mask", "与掩码"), _word("or_mask", "OR mask", "或掩码"))
_WRITE_BITS = (ADDRESS, _quantity(1968), COUNT, BITS)
_WRITE_REGISTERS = (ADDRESS, _quantity(123), COUNT, REGISTERS)
_READ_WRITE = (
    _word("read_address", "first address to read", "读起始地址"),
    _word("read_quantity", "quantity to read", "读数量"),
    _word("write_address", "first address to write", "写起始地址"),
    _word("write_quantity", "quantity to write", "写数量"),
    COUNT,
    REGISTERS,
)
_MEI = Field("mei_type", Text("encapsulated interface type", "MEI 类型"), "byte")

_TABLE: tuple[tuple[int, str, str, str, tuple[Field, ...], tuple[Field, ...]], ...] = (
    (0x01, "6.1", "read coils", "读线圈", (ADDRESS, _quantity(2000)), (COUNT, BITS)),
    (0x02, "6.2", "read discrete inputs", "读离散输入", (ADDRESS, _quantity(2000)), (COUNT, BITS)),
    (0x03, "6.3", "read holding registers", "读保持寄存器", (ADDRESS, _quantity(125)), (COUNT, REGISTERS)),
    (0x04, "6.4", "read input registers", "读输入寄存器", (ADDRESS, _quantity(125)), (COUNT, REGISTERS)),
    (0x05, "6.5", "write single coil", "写单个线圈", (ADDRESS, COIL), (ADDRESS, COIL)),
    (0x06, "6.6", "write single register", "写单个寄存器", (ADDRESS, VALUE), (ADDRESS, VALUE)),
    (0x07, "6.7", "read exception status", "读异常状态", (), (Field("status", Text("status", "状态"), "byte"),)),
    (0x08, "6.8", "diagnostics", "诊断", _DIAGNOSTIC, _DIAGNOSTIC),
    (0x0F, "6.11", "write multiple coils", "写多个线圈", _WRITE_BITS, _WRITE_BITS[:2]),
    (0x10, "6.12", "write multiple registers", "写多个寄存器", _WRITE_REGISTERS, _WRITE_REGISTERS[:2]),
    (0x11, "6.13", "report server id", "报告从站标识", (), (COUNT, COUNTED)),
    (0x16, "6.16", "mask write register", "掩码写寄存器", _MASKS, _MASKS),
    (0x17, "6.17", "read/write multiple registers", "读写多个寄存器", _READ_WRITE, (COUNT, REGISTERS)),
    (0x2B, "6.19", "encapsulated interface transport", "封装接口传输", (_MEI, REST), (_MEI, REST)),
)  # fmt: skip

FUNCTIONS: dict[int, Text] = {code: Text(en, zh) for code, _, en, zh, _, _ in _TABLE}
_LAYOUTS: dict[int, tuple[Layout, Layout]] = {
    code: (Layout("request", clause, request), Layout("response", clause, response))
    for code, clause, _, _, request, response in _TABLE
}
_REFUSED = Layout("response", "7", (EXCEPTION,))


def layouts(function: int) -> Sequence[Layout]:
    """The layouts that a PDU with this function code may have; none for a function that is not known."""
    return (_REFUSED,) if function & 0x80 else _LAYOUTS.get(function, ())
