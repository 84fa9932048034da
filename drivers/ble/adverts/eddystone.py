"""Eddystone UID and TLM: service data of UUID FEAA.

Source: Eddystone protocol specification (google/eddystone), frames UID 00 and TLM 20 00.  All numbers are big-endian.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple, TypeAlias

from courtyard.drivers.base import Text
from courtyard.drivers.ble.observation import Draft, Observation
from courtyard.drivers.ble.refusal import Refused, too_short

UUID = 0xFEAA
UID, TLM = 0x00, 0x20
PLAIN = 0x00
UID_BYTES, UID_BYTES_RESERVED, TLM_BYTES = 18, 20, 14
"""A UID may end with two reserved bytes or without."""
NO_TEMPERATURE = 0x8000


class Uid(NamedTuple):
    """`power_dbm` is what a receiver would measure at no distance."""

    power_dbm: int
    namespace: bytes
    instance: bytes


class Tlm(NamedTuple):
    """The beacon about itself; None where it does not measure.  Counts are since it was switched on."""

    battery_mv: int | None
    temperature_cel: Decimal | None
    adverts: int
    uptime_s: Decimal


Frame: TypeAlias = Uid | Tlm


def parse(data: bytes) -> Frame:
    """The bytes behind the UUID.  Raises Refused, also for URL, EID and encrypted TLM."""
    if not data:
        raise too_short(0, Text("the frame type", "帧类型"))
    if data[0] == UID:
        _exactly(data, (UID_BYTES, UID_BYTES_RESERVED))
        return Uid(int.from_bytes(data[1:2], signed=True), data[2:12], data[12:18])
    if data[0] == TLM:
        if len(data) < 2:
            raise too_short(1, Text("the version", "版本"))
        if data[1] != PLAIN:
            raise Refused("unsupported", 1, Text(f"TLM version {data[1]:02X}", f"TLM版本{data[1]:02X}"))
        _exactly(data, (TLM_BYTES,))
        millivolts, degrees = int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:6], "big")
        return Tlm(
            millivolts or None,
            None if degrees == NO_TEMPERATURE else fixed_8_8(data[4:6]),
            int.from_bytes(data[6:10], "big"),
            Decimal(int.from_bytes(data[10:14], "big")) / 10,
        )
    raise Refused("unsupported", 0, Text(f"frame type {data[0]:02X}", f"帧类型{data[0]:02X}"))


def fixed_8_8(raw: bytes) -> Decimal:
    """Two bytes, big-endian, signed: the second is 1/256."""
    return Decimal(int.from_bytes(raw, "big", signed=True)) / 256


def observe(frame: Frame) -> Observation:
    """Battery and temperature of the beacon itself."""
    draft = Draft()
    if isinstance(frame, Tlm):
        if frame.battery_mv is not None:
            draft.put("battery.voltage", Decimal(frame.battery_mv) / 1000)
        if frame.temperature_cel is not None:
            draft.put("device.temperature", frame.temperature_cel)
    return draft.done()


def _exactly(data: bytes, lengths: tuple[int, ...]) -> None:
    if len(data) < lengths[0]:
        raise too_short(len(data), Text("the frame", "帧"))
    if len(data) not in lengths:
        at = max(length for length in lengths if length < len(data))
        raise Refused("trailing", at, Text("bytes behind the end of the frame", "帧末尾有多余字节"))
