"""Requests and answers as bytes, judged by pymodbus and by published frames."""

from __future__ import annotations

import pytest
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU

from courtyard.drivers.modbus.frames import (
    Expected,
    crc,
    find_rtu_answer,
    intact,
    read_request,
    rtu_answer_length,
    sealed,
    write_request,
)
from courtyard.drivers.modbus.reads import Read

SERVER = FramerRTU(DecodePDU(True))


@pytest.mark.parametrize(
    ("read", "frame"),
    [
        (Read(3, 0, 10), "01 03 00 00 00 0A C5 CD"),  # TUF-2000 manual
        (Read(3, 8, 8), "01 03 00 08 00 08 C5 CE"),
        (Read(3, 1, 38), "01 03 00 01 00 26 95 D0"),  # BOVE firmware
    ],
)
def test_published_requests(read: Read, frame: str) -> None:
    request = read_request(1, read)
    assert sealed(request.adu) == bytes.fromhex(frame)
    assert request.expected == Expected(bytes([1, 3, 2 * read.quantity]), 3 + 2 * read.quantity)


@pytest.mark.parametrize("read", [Read(1, 7, 13), Read(2, 0, 2000), Read(3, 65535, 1), Read(4, 0x9000, 125)])
def test_reads_mean_to_a_server_what_was_asked(read: Read) -> None:
    frame = sealed(read_request(17, read).adu)
    used, pdu = SERVER.handleFrame(frame, 0, 0)
    assert used == len(frame)
    assert pdu is not None
    assert (pdu.dev_id, pdu.function_code, pdu.address, pdu.count) == (17, *read)


@pytest.mark.parametrize("read", [Read(3, 0, 126), Read(1, 0, 2001), Read(3, 0, 0), Read(3, 65536, 1)])
def test_reads_beyond_the_protocol_are_refused(read: Read) -> None:
    with pytest.raises(ValueError, match="<="):
        read_request(1, read)


@pytest.mark.parametrize(
    ("kind", "value", "multiple", "function"),
    [("coil", 1, False, 5), ("coil", 0, True, 15), ("register", 513, False, 6), ("register", 65535, True, 16)],
)
def test_writes_mean_to_a_server_what_was_asked(kind: str, value: int, multiple: bool, function: int) -> None:
    request = write_request(30, kind, 28, value, multiple=multiple)
    frame = sealed(request.adu)
    used, pdu = SERVER.handleFrame(frame, 0, 0)
    assert used == len(frame)
    assert pdu is not None
    assert (pdu.dev_id, pdu.function_code, pdu.address) == (30, function, 28)
    assert list(pdu.bits[:1] or pdu.registers) == [value]
    assert request.expected == Expected(request.adu[:6], 6)


def test_the_valve_commands_of_the_register_map() -> None:
    assert sealed(write_request(30, "register", 0x1C, 2).adu) == bytes.fromhex("1E 06 00 1C 00 02 CB A2")
    assert sealed(write_request(30, "register", 0x1C, 1).adu) == bytes.fromhex("1E 06 00 1C 00 01 8B A3")


def test_crc_stands_low_byte_first() -> None:
    frame = bytes.fromhex("01 03 04 80 6B 42 12 12 82")
    assert crc(frame[:-2]) == frame[-2:]
    assert intact(frame)
    assert not intact(bytes.fromhex("01 03 04 80 6B 42 12 12 83"))
    assert not intact(b"\x01\x03")


@pytest.mark.parametrize(
    ("data", "length"),
    [
        ("01 03 04", 9),
        ("01 83 02", 5),
        ("01 06 00", 8),
        ("01 10 00", 8),
        ("01 03", None),
        ("01 41 00", None),
    ],
)
def test_answer_lengths(data: str, length: int | None) -> None:
    assert rtu_answer_length(bytes.fromhex(data)) == length


def test_an_answer_is_found_behind_noise() -> None:
    frame = bytes.fromhex("01 03 04 80 6B 42 12 12 82")
    assert find_rtu_answer(frame) == (0, 9)
    assert find_rtu_answer(b"\xff\x00\x01" + frame + b"\x55") == (3, 12)
    assert find_rtu_answer(frame[:-1]) is None
    assert find_rtu_answer(b"") is None
