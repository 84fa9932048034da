"""Heart Rate Measurement, 2A37.

Source: Bluetooth SIG GATT Specification Supplement, Heart Rate Measurement.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from courtyard.drivers.base import Text
from courtyard.drivers.ble.layout import U8, U16, Codec, Field, Layout
from courtyard.drivers.ble.observation import NO_CONTACT, Draft, Observation

_WIDE, _ENERGY, _INTERVALS = 0x01, 0x08, 0x10
_LOST, _WORN = 2, 3
"""Sensor contact, bits 1 and 2: 0 and 1, the sensor cannot tell."""
_INTERVAL = Codec(2, lambda raw: round(Decimal(int.from_bytes(raw, "little")) / 1024, 4))


def _flags(flags: int) -> Text:
    contact = {_LOST: Text("no skin contact", "未接触皮肤"), _WORN: Text("skin contact", "接触皮肤")}
    return contact.get(flags >> 1 & 3, Text("contact not measured", "不检测接触"))


LAYOUT = Layout(
    Text("heart rate measurement", "心率测量"),
    "GATT Specification Supplement, Heart Rate Measurement",
    (
        Field("flags", Text("flags", "标志"), U8, meaning=_flags),
        Field("heart_rate", Text("heart rate, /min", "心率，次/分"), U8, unless=_WIDE),
        Field("heart_rate", Text("heart rate, /min", "心率，次/分"), U16, when=_WIDE),
        Field("energy_kj", Text("energy expended, kJ", "消耗能量，kJ"), U16, when=_ENERGY),
        Field("rr_intervals_s", Text("RR interval, s", "RR 间期，s"), _INTERVAL, when=_INTERVALS, many=True),
    ),
)


def observe(fields: dict[str, Any]) -> Observation:
    """The heart rate; without skin contact it is none, whatever number was sent."""
    contact = fields["flags"] >> 1 & 3
    draft = Draft()
    draft.put("vital.heart_rate", fields["heart_rate"], NO_CONTACT if contact == _LOST else None)
    if contact in (_LOST, _WORN):
        draft.tell("not_worn", contact == _LOST)
    return draft.done()
