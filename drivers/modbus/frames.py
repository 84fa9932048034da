"""Requests as bytes, and the one answer that each may have.  Pure; pymodbus encodes and checks.

An ADU here is `unit function data`, without the CRC of RTU and without the header of TCP.
Source: MODBUS Application Protocol V1.1b3, 6; MODBUS over Serial Line V1.02, 2.5.1; Messaging on TCP/IP V1.0b, 3.1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from pymodbus.framer import FramerRTU
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadDiscreteInputsRequest,
    WriteMultipleCoilsRequest,
    WriteSingleCoilRequest,
)
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from courtyard.drivers.modbus.reads import Read

SHORTEST_RTU = 5
"""An exception: unit, function, code, CRC."""
READS: dict[int, type[ModbusPDU]] = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
}
FIXED_ANSWERS = (5, 6, 15, 16)
"""Functions whose answer is 6 bytes and known beforehand."""


class Expected(NamedTuple):
    """The answer of a request as far as it is known beforehand; two requests with equal ones cannot be told apart."""

    head: bytes
    length: int
    """Of the whole ADU."""


class Request(NamedTuple):
    """What is sent and what must come back."""

    adu: bytes
    expected: Expected


@lru_cache(4096)
def read_request(unit: int, read: Read) -> Request:
    """The request for a read.  Raises ValueError for a quantity or address that the protocol does not have."""
    pdu = READS[read.function](address=read.address, count=read.quantity, dev_id=unit)
    adu = _adu(unit, pdu)
    head = bytes((unit, read.function, read.payload_bytes))
    return Request(adu, Expected(head, 3 + read.payload_bytes))


def write_request(unit: int, kind: str, address: int, value: int, *, multiple: bool = False) -> Request:
    """Writes one coil (function 5, or 15 with `multiple`) or one register (6 or 16)."""
    pdu: ModbusPDU
    if kind == "coil":
        bits = [bool(value)]
        pdu = (
            WriteMultipleCoilsRequest(address, bits, dev_id=unit)
            if multiple
            else WriteSingleCoilRequest(address=address, bits=bits, dev_id=unit)
        )
    else:
        single, many = WriteSingleRegisterRequest, WriteMultipleRegistersRequest
        pdu = (many if multiple else single)(address=address, registers=[value], dev_id=unit)
    adu = _adu(unit, pdu)
    return Request(adu, Expected(adu[:6], 6))  # all four answer with the first six bytes of the request


def sealed(adu: bytes) -> bytes:
    """The RTU frame: ADU and CRC, low byte first."""
    return adu + crc(adu)


def intact(frame: bytes | bytearray) -> bool:
    """Whether an RTU frame ends with its CRC."""
    return len(frame) > 2 and crc(frame[:-2]) == frame[-2:]


def rtu_answer_length(data: bytes | bytearray, start: int = 0) -> int | None:
    """Length, CRC included, of the RTU answer that begins at `start`; None when it is none or too little is known."""
    if len(data) < start + 3:
        return None
    function = data[start + 1]
    if function & 0x80:
        return SHORTEST_RTU
    if function in READS:
        return SHORTEST_RTU + data[start + 2]
    return 8 if function in FIXED_ANSWERS else None


def find_rtu_answer(data: bytes | bytearray) -> tuple[int, int] | None:
    """Start and end of the first intact answer in `data`, whatever noise stands before it."""
    for start in range(len(data) - SHORTEST_RTU + 1):
        length = rtu_answer_length(data, start)
        if length is not None and start + length <= len(data) and intact(data[start : start + length]):
            return start, start + length
    return None


def _adu(unit: int, pdu: ModbusPDU) -> bytes:
    return bytes((unit, pdu.function_code)) + pdu.encode()


def crc(data: bytes | bytearray) -> bytes:
    """The CRC as it stands on the wire, low byte first."""
    return FramerRTU.compute_CRC(bytes(data)).to_bytes(2, "big")  # pymodbus returns it with the bytes swapped
