"""Modbus RTU frames: checksum, lengths, silences (MODBUS over Serial Line V1.02, 2.5.1 and 2.5.1.1)."""

from __future__ import annotations


def _table() -> tuple[int, ...]:
    entries = []
    for entry in range(256):
        for _ in range(8):
            entry = entry >> 1 ^ (0xA001 if entry & 1 else 0)
        entries.append(entry)
    return tuple(entries)


_TABLE = _table()


def crc(data: bytes | bytearray) -> int:
    """CRC-16 with reflected polynomial 0xA001 and start value 0xFFFF; sent low byte first."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value


def frame(unit: int, pdu: bytes, *, wrong_check: bool = False) -> bytes:
    """The frame on the wire: unit, PDU, checksum."""
    body = bytes([unit & 0xFF]) + pdu
    return body + (crc(body) ^ (0x5555 if wrong_check else 0)).to_bytes(2, "little")


def intact(data: bytes | bytearray) -> bool:
    """Whether `data` is a whole frame with a right checksum."""
    return len(data) >= 4 and crc(data) == 0


FIXED_LENGTH = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 7: 4, 8: 8, 11: 4, 12: 4, 17: 4, 22: 10, 24: 6, 43: 7}
COUNT_AT = {15: 6, 16: 6, 20: 2, 21: 2, 23: 10}
"""Position of the byte that counts the data bytes after it."""


def request_length(data: bytes | bytearray) -> int | None:
    """Length of the request that begins with `data`; None while it cannot be known, -1 when it never can."""
    if len(data) < 2:
        return None
    function = data[1]
    if function in FIXED_LENGTH:
        return FIXED_LENGTH[function]
    position = COUNT_AT.get(function)
    if position is None:
        return -1
    return None if len(data) <= position else position + 1 + data[position] + 2


def silence_s(char_s: float) -> float:
    """The silence that ends a frame: 3.5 characters, 1.75 ms above 19200 baud."""
    return 3.5 * char_s if char_s >= 10 / 19200 else 0.00175
