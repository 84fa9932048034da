"""Blood Pressure Measurement 2A35 and Intermediate Cuff Pressure 2A36.

Source: Bluetooth SIG GATT Specification Supplement, Blood Pressure Measurement, Intermediate Cuff Pressure.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from courtyard.drivers.base import Scalar, Text
from courtyard.drivers.ble.ieee11073 import Number, Special
from courtyard.drivers.ble.layout import DATE_TIME, SFLOAT, U8, U16, Field, Layout, bits
from courtyard.drivers.ble.observation import DOUBTFUL, OUT_OF_RANGE, Draft, Observation, converted

_KILOPASCAL, _TIME, _PULSE, _USER, _STATUS = 0x01, 0x02, 0x04, 0x08, 0x10
_MMHG_PER_KPA = Decimal("7.50062")
_MOVED, _LOOSE, _IRREGULAR, _POSITION = 0x01, 0x02, 0x04, 0x20
_SYSTOLIC, _DIASTOLIC, _MEAN = (f"vital.pressure.{name}" for name in ("systolic", "diastolic", "mean"))
_STATUS_BITS = {
    0: Text("body movement", "身体移动"),
    1: Text("cuff too loose", "袖带过松"),
    2: Text("irregular pulse", "脉搏不齐"),
    3: Text("pulse above the range", "脉率超上限"),
    4: Text("pulse below the range", "脉率低于下限"),
    5: Text("improper position", "测量姿势不当"),
}


def _flags(flags: int) -> Text:
    return Text("kPa", "千帕") if flags & _KILOPASCAL else Text("mmHg", "毫米汞柱")


def _pressure(name: str, label: Text) -> tuple[Field, Field]:
    in_mmhg, in_kpa = Text(f"{label.en}, mm[Hg]", f"{label.zh}，mmHg"), Text(f"{label.en}, kPa", f"{label.zh}，kPa")
    return Field(name, in_mmhg, SFLOAT, unless=_KILOPASCAL), Field(name, in_kpa, SFLOAT, when=_KILOPASCAL)


LAYOUT = Layout(
    Text("blood pressure measurement", "血压测量"),
    "GATT Specification Supplement, Blood Pressure Measurement",
    (
        Field("flags", Text("flags", "标志"), U8, meaning=_flags),
        *_pressure("systolic", Text("systolic", "收缩压")),
        *_pressure("diastolic", Text("diastolic", "舒张压")),
        *_pressure("mean", Text("mean", "平均压")),
        Field("time", Text("time stamp", "时间戳"), DATE_TIME, when=_TIME),
        Field("pulse_rate", Text("pulse rate, /min", "脉率，次/分"), SFLOAT, when=_PULSE),
        Field("user", Text("user", "用户"), U8, when=_USER),
        Field(
            "status",
            Text("measurement status", "测量状态"),
            U16,
            when=_STATUS,
            meaning=bits(_STATUS_BITS, Text("none", "无")),
        ),
    ),
)


def observe(fields: dict[str, Any]) -> Observation:
    """Pressures in mm[Hg] and the pulse; a systolic pressure that is not above the diastolic one is no measurement."""
    status = fields.get("status", 0)
    doubt = DOUBTFUL if status & (_MOVED | _LOOSE | _POSITION) else None
    draft = Draft()
    for point, name in ((_SYSTOLIC, "systolic"), (_DIASTOLIC, "diastolic"), (_MEAN, "mean")):
        draft.put(point, _mmhg(fields[name], fields["flags"]), doubt)
    high, low = draft.value(_SYSTOLIC), draft.value(_DIASTOLIC)
    if isinstance(high, float) and isinstance(low, float) and high <= low:
        draft.worsen(OUT_OF_RANGE, _SYSTOLIC, _DIASTOLIC, _MEAN)
    if "pulse_rate" in fields:
        draft.put("vital.pulse_rate", fields["pulse_rate"], doubt)
    draft.details |= _details(fields)
    return draft.done(fields.get("time"))


def observe_cuff(fields: dict[str, Any]) -> Observation:
    """The pressure in the cuff while it is pumped up: no blood pressure, hence no value."""
    cuff = _mmhg(fields["systolic"], fields["flags"])
    details: dict[str, Scalar | None] = {"cuff_mmhg": None if isinstance(cuff, Special) else float(cuff)}
    return Observation(details=details | _details(fields), local_time=fields.get("time"))


def _mmhg(value: Number, flags: int) -> Number:
    return converted(value, _MMHG_PER_KPA, places=1) if flags & _KILOPASCAL else value


def _details(fields: dict[str, Any]) -> dict[str, Scalar | None]:
    details: dict[str, Scalar | None] = {}
    if "user" in fields:
        details["user"] = fields["user"]
    if "status" in fields:
        details["irregular_pulse"] = bool(fields["status"] & _IRREGULAR)
    return details
