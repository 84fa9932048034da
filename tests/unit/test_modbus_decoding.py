"""Register bytes to values: recorded bytes, every type and order, everything that is no value.

Recorded bytes: V-W04, V-W07, V-W08, V-W10 and V-W11 are computed from the makers' register maps, the payload of V-W02
is from the TUF-2000 manual.
"""

from __future__ import annotations

import struct
from typing import Any

import pytest

from courtyard.drivers.base import Scalar
from courtyard.drivers.modbus.decoding import Decoder, decoder_for
from courtyard.drivers.modbus.reads import Read
from courtyard.drivers.modbus.settings import Fraction, ModbusPoint, Order
from tests.modbus_rig import register

TUF_TOTALS = "04 D2 00 00 00 00 3F 00 FF FD FF FF 00 00 BE 80"
BOVE_BLOCK = (
    "30 D4 00 00 00 00 00 00 00 00 00 00 61 4E 00 BC 00 00 00 2A 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 40"
    "00 20 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 07 53 00 00 00 00 56 78 12 34 00 01 00 00 00 01 00 00"
)


def decode(
    points: list[ModbusPoint], payload: bytes, *, order: Order = "ABCD", address: int = 0, function: int = 3
) -> tuple[dict[str, Scalar | None], dict[str, str]]:
    quantity = 8 * len(payload) if function in (1, 2) else len(payload) // 2
    values: dict[str, Scalar | None] = {}
    qualities = Decoder(Read(function, address, quantity), points, order).decode(payload, values)
    return values, qualities


def one(point: ModbusPoint, data: str, order: Order = "ABCD") -> tuple[Scalar | None, str | None]:
    values, qualities = decode([point], bytes.fromhex(data), order=order)
    return values[point.register.point], qualities.get(point.register.point)


def test_tuf_temperature() -> None:
    value, quality = one(register("t1", 0, "float32"), "80 6B 42 12", "CDAB")
    assert value == pytest.approx(36.6254, abs=1e-4)
    assert quality is None


def test_tuf_totals_are_integer_and_fraction() -> None:
    points = [
        register("positive", 8, "int32", fraction=Fraction(10, "float32")),
        register("negative", 12, "int32", fraction=Fraction(14, "float32")),
    ]
    values, _ = decode(points, bytes.fromhex(TUF_TOTALS), order="CDAB", address=8)
    assert values == {"positive": 1234.5, "negative": -3.25}


def test_bove_block() -> None:
    points = [
        register("flow", 1, "uint32", gain=0.00001, decimals=5),
        register("forward", 7, "uint32", gain=0.001, decimals=3),
        register("reverse", 10, "uint32", gain=0.001, decimals=3),
        register("pressure", 19, gain=0.001, decimals=3),
        register("empty", 20, "bool", mask=4),
        register("battery_low", 20, "bool", mask=0x20),
        register("temperature", 30, gain=0.01, decimals=2),
        register("serial", 33, "bcd32", as_text=True),
    ]
    values, qualities = decode(points, bytes.fromhex(BOVE_BLOCK), order="CDAB", address=1)
    assert qualities == {}
    assert values == {
        "flow": 0.125,
        "forward": 12345.678,
        "reverse": 0.042,
        "pressure": 0.32,
        "empty": False,
        "battery_low": True,
        "temperature": 18.75,
        "serial": "12345678",
    }


def test_a_double_with_its_words_reversed() -> None:
    value, _ = one(register("total", 0, "float64"), "93 75 E4 18 D6 87 41 32", "CDAB")
    assert value == 1234567.891


@pytest.mark.parametrize(
    ("written", "more", "value"),
    [
        (1234.56, {}, "1234.56"),
        (0.1, {"gain": 3.0, "decimals": 0}, "0.3"),
        (1234.56, {"gain": 0.001, "decimals": 3}, "1.23456"),
        (21.7, {"bias": 273.15, "decimals": 2}, "294.85"),
        (0.3, {"gain": 1 / 3}, "0.1"),
        (123456789.0, {}, "123456790.0"),
        (-0.0, {}, "0.0"),
    ],
)
@pytest.mark.parametrize("beside", [0.0, 1e-20])
def test_a_float_is_the_decimal_on_the_display(written: float, more: dict[str, Any], value: str, beside: float) -> None:
    """Alone among ordinary values, and beside one that makes all take the long way."""
    points = [register("p", 0, "float32", **more), register("q", 2, "float32")]
    values, _ = decode(points, struct.pack(">ff", written, beside))
    assert repr(values["p"]) == value


def test_a_scaled_double_has_no_digits_of_its_own() -> None:
    values, _ = decode([register("p", 0, "float64", gain=3.0, decimals=0)], struct.pack(">d", 0.1))
    assert repr(values["p"]) == "0.3"


def test_plain_floats() -> None:
    values, _ = decode([register("a", 0, "float32"), register("b", 2, "float32")], bytes.fromhex("3FA00000 00000000"))
    assert values == {"a": 1.25, "b": 0.0}


ABCD_TO: dict[Order, Any] = {
    "ABCD": lambda data: data,
    "CDAB": lambda data: b"".join(data[i : i + 2] for i in range(len(data) - 2, -1, -2)),
    "BADC": lambda data: b"".join(data[i : i + 2][::-1] for i in range(0, len(data), 2)),
    "DCBA": lambda data: data[::-1],
}
SAMPLES = [
    ("uint32", ">I", 305419896),
    ("int32", ">i", -2),
    ("float32", ">f", 1234.5),
    ("uint64", ">Q", 1 << 60),
    ("int64", ">q", -3),
    ("float64", ">d", -1e-3),
    ("bcd32", ">I", 0x12345678),
    ("bcd64", ">Q", 0x1234567890123456),
]


@pytest.mark.parametrize("order", ABCD_TO)
@pytest.mark.parametrize(("type_", "code", "raw"), SAMPLES)
@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_every_type_in_every_order_at_every_place(order: Order, type_: str, code: str, raw: float, before: int) -> None:
    wire = ABCD_TO[order](struct.pack(code, raw))
    points = [register("first", 0), register("value", before + 1, type_), register("last", before + 1 + len(wire) // 2)]
    values, qualities = decode(points, b"\x00\x07" + bytes(2 * before) + wire + b"\x00\x09", order=order)
    assert values == {"first": 7, "value": int(f"{raw:x}") if type_.startswith("bcd") else raw, "last": 9}
    assert qualities == {}


def test_single_registers_are_big_endian_unless_the_point_says_otherwise() -> None:
    assert one(register("pipe", 0), "00 55", "DCBA") == (0x55, None)
    assert one(register("pipe", 0, order="DCBA"), "55 00", "ABCD") == (0x55, None)


def test_points_may_overlap() -> None:
    points = [
        register("whole", 0, "uint32"),
        register("high", 0),
        register("low", 1),
        register("float", 1, "float32"),
        register("bit", 1, "bool", mask=1),
    ]
    values, _ = decode(points, bytes.fromhex("0001 3FA0 0000"))
    assert values == {"whole": 0x13FA0, "high": 1, "low": 0x3FA0, "float": 1.25, "bit": False}


@pytest.mark.parametrize(
    ("point", "data"),
    [
        (register("p", 0, "float32"), "7F C0 00 00"),
        (register("p", 0, "float32"), "7F 80 00 00"),
        (register("p", 0, "float32"), "FF 80 00 00"),
        (register("p", 0, "float32"), "00 00 00 01"),  # a denormal
        (register("p", 0, "float32"), "80 7F FF FF"),
        (register("p", 0, "float64"), "7F F8 00 00 00 00 00 00"),
        (register("p", 0, "float64"), "00 0F FF FF FF FF FF FF"),
        (register("p", 0, "uint16"), "FF FF"),
        (register("p", 0, "uint32"), "FF FF FF FF"),
        (register("p", 0, "uint64"), "FF FF FF FF FF FF FF FF"),
        (register("p", 0, "uint16", gain=0.1), "FF FF"),
        (register("p", 0, "int16", sentinels=(0x8000,)), "80 00"),
        (register("p", 0, "int32", sentinels=(-1,)), "FF FF FF FF"),
        (register("p", 0, "float32", sentinels=(-9999,)), struct.pack(">f", -9999).hex()),
        (register("p", 0, "bcd16"), "12 3A"),
        (register("p", 0, "bcd32"), "FF FF FF FF"),
        (register("p", 0, "bcd32", as_text=True), "12 34 5A 78"),
        (register("p", 0, "bcd16", sentinels=(0x9999,)), "99 99"),
        (register("p", 0, map={"1": "open", "2": "closed"}), "00 03"),
        (register("p", 0, "bcd16", map={"1": "open"}), "00 0A"),
        (register("p", 0, "uint32", fraction=Fraction(2, "float32")), "00 00 00 07 7F C0 00 00"),
        (register("p", 0, "uint32", fraction=Fraction(2, "float32")), "00 00 00 07 3F C0 00 00"),  # 1.5
        (register("p", 0, "uint32", fraction=Fraction(2, "uint32", 1e-6)), "00 00 00 07 00 98 96 80"),
        (register("p", 0, "uint32", fraction=Fraction(2, "bcd16", 1e-4)), "00 00 00 07 00 0A"),
    ],
)
def test_what_is_no_value(point: ModbusPoint, data: str) -> None:
    assert one(point, data) == (None, "bad:decode")


@pytest.mark.parametrize(
    ("point", "data", "value"),
    [
        (register("p", 0, "int16"), "FF FF", -1),
        (register("p", 0, "int32"), "FF FF FF FF", -1),
        (register("p", 0, "float32"), "80 00 00 00", 0.0),
        (register("p", 0, map={"0xAA": "full", "0x55": "empty"}), "00 AA", "full"),
        (register("p", 0, map={"1": True, "0": False}, mask=1), "00 03", True),
        (register("p", 0, "bcd16", map={"12": "twelve"}), "00 12", "twelve"),
        (register("p", 0, mask=0x00FF), "12 34", 0x34),
        (register("p", 0, "bool"), "00 08", True),
        (register("p", 0, "bool", mask=3), "00 08", False),
        (register("p", 0, "bcd32", as_text=True), "00 00 12 34", "00001234"),
        (register("p", 0, "uint32", as_text=True), "00 00 12 34", "4660"),
        (register("p", 0, "uint32", gain=0.001, decimals=3), "00 BC 61 4E", 12345.678),
        (register("p", 0, "uint16", gain=0.1, bias=100.0, decimals=1), "00 03", 100.3),
        (register("p", 0, "int16", gain=0.1, bias=-40.0, decimals=1), "00 07", -39.3),
        (register("p", 0, "float32", gain=2.0, bias=1.0), "3F A0 00 00", 3.5),
        (register("p", 0, "uint32", fraction=Fraction(2, "uint32", 1e-6)), "00 00 00 07 00 07 A1 20", 7.5),
        (register("p", 0, "uint16", maximum=10.0), "00 0A", 10),
    ],
)
def test_what_is_a_value(point: ModbusPoint, data: str, value: Scalar) -> None:
    found, quality = one(point, data)
    assert found == value
    assert type(found) is type(value)
    assert quality is None


@pytest.mark.parametrize(
    ("point", "data"),
    [
        (register("p", 0, minimum=5.0), "00 04"),
        (register("p", 0, gain=0.1, maximum=10.0), "00 65"),
        (register("p", 0, "float32", minimum=0.0), struct.pack(">f", -0.5).hex()),
        (register("p", 0, "uint32", fraction=Fraction(2, "float32"), maximum=7.0), "00 00 00 07 3F 00 00 00"),
    ],
)
def test_what_is_not_believable(point: ModbusPoint, data: str) -> None:
    assert one(point, data) == (None, "bad:range")


def test_one_bad_point_leaves_the_others() -> None:
    points = [register("a", 0, "float32", maximum=5.0), register("b", 2, "float32"), register("c", 4, gain=0.1)]
    values, qualities = decode(points, struct.pack(">ffH", 9.0, float("nan"), 0xFFFF))
    assert values == {"a": None, "b": None, "c": None}
    assert qualities == {"a": "bad:range", "b": "bad:decode", "c": "bad:decode"}
    values, qualities = decode(points, struct.pack(">ffH", 4.0, float("nan"), 20))
    assert values == {"a": 4.0, "b": None, "c": 2.0}


def test_coils_and_inputs() -> None:
    points = [register(f"b{at}", 16 + at, "bool") for at in (0, 1, 9)]
    values, _ = decode(points, bytes([0b10, 0b10]), function=1, address=16)
    assert values == {"b0": False, "b1": True, "b9": True}


def test_a_payload_of_another_length_is_never_decoded() -> None:
    with pytest.raises(ValueError, match="3 bytes instead of 4"):
        Decoder(Read(3, 0, 2), [register("p", 0, "float32")], "ABCD").decode(b"abc", {})


def test_devices_with_the_same_points_share_a_decoder() -> None:
    points = [register("a", 0), register("b", 1)]
    first = decoder_for(Read(3, 0, 2), points, "ABCD")
    assert decoder_for(Read(3, 0, 2), list(points), "ABCD") is first
    assert decoder_for(Read(3, 0, 3), points, "ABCD") is not first
    assert decoder_for(Read(3, 0, 2), [register("a", 0), register("b", 1)], "ABCD") is not first
