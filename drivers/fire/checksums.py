"""The cyclic redundancy checks of panel protocols."""

from __future__ import annotations

import binascii


def _modbus_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _modbus_table()


def crc16_modbus(data: bytes | bytearray) -> int:
    """Polynomial 8005 reflected, start FFFF."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc


def crc16_xmodem(data: bytes | bytearray) -> int:
    """Polynomial 1021, start 0."""
    return binascii.crc_hqx(data, 0)
