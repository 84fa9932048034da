"""The bulk way of decoding against one number at a time, against struct and against pymodbus."""

from __future__ import annotations

import math
import struct
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.client.mixin import ModbusClientMixin

from courtyard.drivers.base import Scalar
from courtyard.drivers.modbus.decoding import Decoder
from courtyard.drivers.modbus.numbers import finisher
from courtyard.drivers.modbus.planning import WORDS
from courtyard.drivers.modbus.reads import Read
from courtyard.drivers.modbus.settings import ModbusPoint
from courtyard.drivers.modbus.unpacking import Cell, unpack_registers
from tests.modbus_rig import examples, register

NUMBERS = ["uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"]
TYPES = [*NUMBERS, "bcd16", "bcd32", "bcd64", "bool"]
ORDERS = ["ABCD", "CDAB", "BADC", "DCBA"]
REGISTERS = 24

tricky = st.sampled_from(
    [b"\xff" * 8, b"\0" * 8, struct.pack(">d", math.nan), struct.pack(">f", math.inf) * 2, struct.pack(">f", 1e-40) * 2]
)
payloads = st.one_of(
    st.binary(min_size=2 * REGISTERS, max_size=2 * REGISTERS),
    st.lists(st.one_of(tricky, st.floats(width=32).map(lambda value: struct.pack(">f", value))), min_size=12).map(
        lambda pieces: b"".join(pieces)[: 2 * REGISTERS].ljust(2 * REGISTERS, b"\0")
    ),
)


@st.composite
def points(draw: st.DrawFn) -> list[ModbusPoint]:
    made = []
    for index in range(draw(st.integers(1, 10))):
        type_ = draw(st.sampled_from(TYPES))
        address = draw(st.integers(0, REGISTERS - WORDS[type_]))  # type: ignore[index]
        more: dict[str, Any] = {"order": draw(st.sampled_from([None, *ORDERS]))}
        if draw(st.booleans()):
            more |= {"gain": draw(st.sampled_from([0.001, 0.1, 10.0, 0.37])), "bias": draw(st.sampled_from([0.0, 2.5]))}
            more |= {"decimals": draw(st.sampled_from([None, 3]))}
        if draw(st.booleans()):
            more |= {"minimum": -1000.0, "maximum": 1000.0}
        if draw(st.integers(0, 4)) == 0:
            more |= {"sentinels": (0, 0x8000)}
        made.append(register(f"p{index}", address, type_, **more))
    return made


@given(points(), payloads, st.sampled_from(ORDERS))
@settings(max_examples=examples(120), deadline=None)
def test_values_do_not_depend_on_which_points_are_decoded_together(
    made: list[ModbusPoint], payload: bytes, order: Any
) -> None:
    read = Read(3, 0, REGISTERS)
    together: dict[str, Scalar | None] = {}
    bad = Decoder(read, made, order).decode(payload, together)
    assert set(together) == {point.register.point for point in made}
    assert set(bad) == {name for name, value in together.items() if value is None}
    for point in made:
        name = point.register.point
        raw = _raw(point, payload, order)
        value = finisher(point)(raw)
        assert together[name] == value
        assert type(together[name]) is type(value)
        if isinstance(value, float):
            assert math.isfinite(value)


def _raw(point: ModbusPoint, payload: bytes, order: Any) -> Any:
    """By the definition of the orders, byte by byte."""
    words = WORDS[point.register.type]
    data = payload[2 * point.register.address :][: 2 * words]
    own = point.register.order
    order = (own or order) if words > 1 else ("BADC" if own in ("BADC", "DCBA") else "ABCD")
    pairs = [data[at : at + 2] for at in range(0, len(data), 2)]
    if order in ("CDAB", "DCBA"):
        pairs.reverse()
    if order in ("BADC", "DCBA"):
        pairs = [pair[::-1] for pair in pairs]
    code = {"int16": "h", "int32": "i", "int64": "q", "float32": "f", "float64": "d"}.get(point.register.type)
    return struct.unpack(">" + (code or "HHIIQ"[words]), b"".join(pairs))[0]


@given(st.sampled_from(NUMBERS), st.sampled_from(["ABCD", "CDAB"]), st.binary(min_size=8, max_size=8))
@settings(max_examples=examples(100), deadline=None)
def test_pymodbus_reads_the_same_numbers(type_: str, order: Any, data: bytes) -> None:
    payload = data[: 2 * WORDS[type_]]  # type: ignore[index]
    words = list(struct.unpack(f">{len(payload) // 2}H", payload))
    theirs = ModbusClientMixin.convert_from_registers(
        words,
        getattr(ModbusClientMixin.DATATYPE, type_.upper()),
        word_order="big" if order == "ABCD" else "little",
    )
    raws, _ = unpack_registers([Cell(0, type_, order)], len(payload))(payload)  # type: ignore[arg-type]
    assert raws[0] == theirs or (math.isnan(raws[0]) and math.isnan(theirs))  # type: ignore[arg-type]


@given(
    payloads,
    st.lists(st.tuples(st.integers(0, REGISTERS - 4), st.sampled_from(["float32", "float64"]))),
    st.sampled_from(ORDERS),
)
@settings(max_examples=examples(120), deadline=None)
def test_the_check_of_all_floats_at_once_agrees_with_each(payload: bytes, places: list[Any], order: Any) -> None:
    cells = [Cell(offset, type_, order) for offset, type_ in places]
    raws, normal = unpack_registers(cells, len(payload))(payload)
    smallest = {"float32": 2.0**-126, "float64": 2.0**-1022}
    each = [
        raw == 0.0 or (math.isfinite(raw) and abs(raw) >= smallest[cell.type])
        for raw, cell in zip(raws, cells, strict=True)
    ]
    assert normal == all(each)
