"""Weight Measurement, 2A9D.

Source: Bluetooth SIG GATT Specification Supplement, Weight Measurement.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from courtyard.drivers.base import Text
from courtyard.drivers.ble.ieee11073 import Number, Special
from courtyard.drivers.ble.layout import DATE_TIME, U8, U16, Codec, Field, Layout
from courtyard.drivers.ble.observation import Draft, Observation, converted

_POUNDS, _TIME, _USER, _SIZE = 0x01, 0x02, 0x04, 0x08
_KG_PER_LB = Decimal("0.45359237")
_UNSUCCESSFUL = 0xFFFF


def _scaled(step: str) -> Codec:
    def scale(raw: bytes) -> Number:
        word = int.from_bytes(raw, "little")
        return Special.NAN if word == _UNSUCCESSFUL else word * Decimal(step)

    return Codec(2, scale)


def _flags(flags: int) -> Text:
    return Text("lb, in", "磅、英寸") if flags & _POUNDS else Text("kg, m", "千克、米")


LAYOUT = Layout(
    Text("weight measurement", "体重测量"),
    "GATT Specification Supplement, Weight Measurement",
    (
        Field("flags", Text("flags", "标志"), U8, meaning=_flags),
        Field("weight", Text("weight, kg", "体重，kg"), _scaled("0.005"), unless=_POUNDS),
        Field("weight", Text("weight, lb", "体重，磅"), _scaled("0.01"), when=_POUNDS),
        Field("time", Text("time stamp", "时间戳"), DATE_TIME, when=_TIME),
        Field("user", Text("user", "用户"), U8, when=_USER),
        Field(
            "bmi", Text("body mass index", "体质指数"), Codec(2, lambda raw: U16.read(raw) * Decimal("0.1")), when=_SIZE
        ),
        Field("height", Text("height, m", "身高，m"), _scaled("0.001"), when=_SIZE, unless=_POUNDS),
        Field("height", Text("height, in", "身高，英寸"), _scaled("0.1"), when=_SIZE | _POUNDS),
    ),
)


def observe(fields: dict[str, Any]) -> Observation:
    """The weight in kg.  Height and body mass index stay with the scale: nobody needs them here."""
    weight = fields["weight"]
    draft = Draft()
    draft.put("vital.weight", converted(weight, _KG_PER_LB, places=3) if fields["flags"] & _POUNDS else weight)
    if "user" in fields:
        draft.details["user"] = fields["user"]
    return draft.done(fields.get("time"))
