"""Frames taken apart.  V-W vectors: V-W01 and V-W06 are published, the others are computed from the makers' maps."""

from __future__ import annotations

from typing import Any

import pytest

from courtyard.drivers.modbus.dissect import dissect
from courtyard.drivers.modbus.settings import Fraction, ModbusProfile
from tests.modbus_rig import register

READ = {"direction": "request", "function": 3, "unit": 1}
ANSWER = {"direction": "response", "function": 3, "unit": 1}
VECTORS: list[tuple[str, dict[str, Any]]] = [
    ("01 03 00 00 00 0A C5 CD", READ | {"address": 0, "quantity": 10}),
    ("01 03 04 80 6B 42 12 12 82", ANSWER | {"byte_count": 4, "registers": [0x806B, 0x4212]}),
    ("01 03 00 08 00 08 C5 CE", READ | {"address": 8, "quantity": 8}),
    ("01 03 00 01 00 26 95 D0", READ | {"address": 1, "quantity": 38}),
    ("01 03 04 61 4E 00 BC 84 69", ANSWER | {"registers": [0x614E, 0x00BC]}),
    ("01 04 08 93 75 E4 18 D6 87 41 32 47 B1", {"function": 4, "byte_count": 8}),
    ("05 03 08 3F A0 00 00 00 00 00 00 63 B9", {"unit": 5, "registers": [0x3FA0, 0, 0, 0]}),
    ("01 83 02 C0 F1", {"unit": 1, "function": 0x83, "exception": 2}),
    ("1E 83 06 F0 F4", {"unit": 30, "exception": 6}),
    ("1E 06 00 1C 00 02 CB A2", {"unit": 30, "function": 6, "address": 28, "value": 2}),
    ("1E 06 00 1C 00 01 8B A3", {"address": 28, "value": 1}),
    ("00 06 00 0E 00 05 29 DB", {"unit": 0, "address": 14, "value": 5}),
]


@pytest.mark.parametrize(("frame", "fields"), VECTORS)
def test_vectors(frame: str, fields: dict[str, Any]) -> None:
    dissection = dissect(bytes.fromhex(frame))
    data = dissection.data()
    assert data["valid"], data["error"]
    assert (data["protocol"], data["fields"]["framing"]) == ("modbus", "rtu")
    assert fields.items() <= data["fields"].items()
    assert all(part.label.zh for part in dissection.parts)


def test_a_wrong_crc_is_named_with_place_found_and_expected() -> None:
    dissection = dissect(bytes.fromhex("01 03 04 80 6B 42 12 12 83"))
    assert not dissection.valid
    assert dissection.error_at == 7
    assert dissection.error is not None
    assert "found 12 83, expected 12 82" in dissection.error.en
    assert "12 83" in dissection.error.zh
    assert dissection.data()["fields"]["registers"] == [0x806B, 0x4212]


def test_the_bove_block_with_its_profile_shows_the_points() -> None:
    block = (
        "01 03 4C 30 D4 00 00 00 00 00 00 00 00 00 00 61 4E 00 BC 00 00 00 2A 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
        "00 00 01 40 00 20 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 07 53 00 00 00 00 56 78 12 34 00 01 00"
        "00 00 01 00 00 1C 51"
    )
    points = [
        register("water.volume.total", 7, "uint32", gain=0.001, decimals=3),
        register("water.temperature", 30, gain=0.01, decimals=2),
        register("meter.serial", 33, "bcd32", as_text=True),
        register("elsewhere", 100),
    ]
    dissection = dissect(bytes.fromhex(block), profile=ModbusProfile("", "", order="CDAB"), points=points, address=1)
    fields = dissection.data()["fields"]
    assert fields["water.volume.total"] == 12345.678
    assert fields["water.temperature"] == 18.75
    assert fields["meter.serial"] == "12345678"
    assert "elsewhere" not in fields
    total = next(part for part in dissection.parts if part.name == "water.volume.total")
    assert (total.start, total.end) == (15, 19)


def test_points_of_coils_and_pairs_and_what_is_bad() -> None:
    coils = dissect(
        bytes.fromhex("00 01 00 00 00 05 01 01 02 02 01"),
        profile=ModbusProfile("", ""),
        points=[register("relay", 9, "bool", function=1), register("other", 16, "bool", function=1)],
        address=8,
    )
    assert coils.data()["fields"]["framing"] == "tcp"
    assert {name: coils.data()["fields"][name] for name in ("relay", "other")} == {"relay": True, "other": True}
    pair = dissect(
        bytes.fromhex("01 03 08 00 00 00 07 7F C0 00 00"),
        framing="tcp",
    )
    assert not pair.valid
    bad = dissect(
        bytes.fromhex("00 01 00 00 00 0B 01 03 08 00 00 00 07 7F C0 00 00"),
        profile=ModbusProfile("", ""),
        points=[register("total", 0, "uint32", fraction=Fraction(2, "float32"))],
        address=0,
    )
    total = next(part for part in bad.parts if part.name == "total")
    assert total.value is None
    assert total.meaning is not None
    assert total.meaning.en == "bad:decode"


@pytest.mark.parametrize(
    ("frame", "at", "words"),
    [
        ("01 03", 2, "shortest"),
        ("00 01 00 00 00 06 01 03 00 00 00", 4, "promise 6 bytes, 5 follow"),
        ("00 01 00 07 00 06 01 03 00 00 00 14", 2, "protocol 7"),
        ("00 01 00 00 00 06 01 03 00 00 01 F4", 10, "quantity is 500"),
        ("00 01 00 00 00 06 01 05 00 00 12 34", 10, "FF00 or 0000"),
        ("00 01 00 00 00 0B 01 10 00 00 00 01 04 00 01 00 02", 12, "A quantity of 1 takes 2 bytes"),
        ("00 01 00 00 00 07 01 03 08 00 01 00 02", 13, "needs 4 more"),
        ("00 01 00 00 00 08 01 03 05 00 01 02 03 04", 9, "whole number of registers"),
    ],
)
def test_the_wrong_byte_is_named(frame: str, at: int, words: str) -> None:
    dissection = dissect(bytes.fromhex(frame), framing="tcp" if len(frame) > 5 else "auto")
    assert not dissection.valid
    assert dissection.error is not None
    assert words in dissection.error.en
    assert dissection.error_at == at


def test_unknown_functions_are_shown_as_they_are() -> None:
    data = dissect(bytes.fromhex("00 01 00 00 00 04 01 41 AB CD")).data()
    assert data["valid"]
    assert data["fields"]["function"] == 0x41
    assert data["fields"]["data"] == "AB CD"


@pytest.mark.parametrize(
    ("pdu", "fields"),
    [
        ("0F 00 13 00 0A 02 CD 01", {"direction": "request", "quantity": 10}),
        ("0F 00 13 00 0A", {"direction": "response", "quantity": 10}),
        ("10 00 01 00 02 04 00 0A 01 02", {"registers": [10, 258]}),
        ("16 00 04 00 F2 00 25", {"and_mask": 0xF2, "or_mask": 0x25}),
        ("17 00 03 00 06 00 0E 00 01 02 00 FF", {"direction": "request", "write_quantity": 1}),
        ("08 00 00 A5 37", {"sub_function": 0, "data": "A5 37"}),
        ("11 03 01 FF 02", {"direction": "response", "data": "01 FF 02"}),
        ("07", {"direction": "request"}),
        ("2B 0E 01 00", {"mei_type": 14}),
    ],
)
def test_examples_of_the_specification(pdu: str, fields: dict[str, Any]) -> None:
    body = bytes.fromhex(pdu)
    data = dissect(bytes([0, 1, 0, 0, 0, len(body) + 1, 1]) + body).data()
    assert data["valid"], data["error"]
    assert fields.items() <= data["fields"].items()


@pytest.mark.parametrize(
    ("frame", "framing"),
    [
        ("00 01 00 00 00 06 01 03 00 00 00 14", "tcp"),
        ("00 01 00 00 00 06 01 03 00 00 00", "tcp"),
        ("00 01 00 00 00 06 01 03 00 00 00 14 00", "tcp"),
        ("01 03 00 00 00 0A C5 CD", "rtu"),
        ("01 03 00 00 00 0A C5 CE", "rtu"),
    ],
)
def test_a_frame_is_rtu_or_tcp_by_its_own_rule_or_by_its_looks(frame: str, framing: str) -> None:
    assert dissect(bytes.fromhex(frame)).data()["fields"]["framing"] == framing


def test_the_framing_can_be_told() -> None:
    told = dissect(bytes.fromhex("00 01 00 00 00 06 01 03 00 00 00 14"), framing="rtu")
    assert told.data()["fields"]["framing"] == "rtu"
    assert not told.valid


@pytest.mark.parametrize(
    ("frame", "en", "zh"),
    [
        ("01 03 04 61 4E 00 BC 69 84", "Its two bytes are exchanged.", "两个字节的顺序颠倒。"),
        ("01 03 04 61 4E 00 BC 84 69 00 01", "Bytes 0-8 are a good frame by themselves; 2 more", "其后多出 2 字节。"),
        ("01 03 04 61 4E", "it has 5 bytes; function 03 takes 8 as a request and 9 as an answer.", "应答应为 9 字节。"),
        ("01 83 C0", "shortest possible one has 4", "最短的报文为 4 字节"),
    ],
)
def test_a_wrong_checksum_says_what_may_have_happened(frame: str, en: str, zh: str) -> None:
    error = dissect(bytes.fromhex(frame)).error
    assert error is not None
    assert en in error.en
    assert zh in error.zh
    assert "too many" not in error.en
    assert "needs" not in error.en
