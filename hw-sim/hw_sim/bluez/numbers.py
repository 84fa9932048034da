"""Numbers and dates of medical devices as they are on air (IEEE 11073-20601, little-endian)."""

from __future__ import annotations

import datetime
import struct


def sfloat(mantissa: int, exponent: int = 0) -> bytes:
    """16 bits: four of exponent, twelve of mantissa."""
    return struct.pack("<H", (exponent & 0xF) << 12 | mantissa & 0xFFF)


def float32(mantissa: int, exponent: int = 0) -> bytes:
    """32 bits: eight of exponent, 24 of mantissa."""
    return struct.pack("<I", (exponent & 0xFF) << 24 | mantissa & 0xFFFFFF)


def date_time(local: datetime.datetime) -> bytes:
    """Seven bytes, local time without a zone."""
    return struct.pack("<H5B", local.year, local.month, local.day, local.hour, local.minute, local.second)


def short_uuid(number: int) -> str:
    """A 16-bit UUID of the Bluetooth SIG in full."""
    return f"{number:08x}-0000-1000-8000-00805f9b34fb"
