"""Current Time, 2A2B: read from a meter, and written to one whose clock may be set.

Source: Bluetooth SIG GATT Specification Supplement, Current Time, Exact Time 256, Day Date Time.
"""

from __future__ import annotations

import datetime
import struct
from typing import Any

from courtyard.drivers.base import Text
from courtyard.drivers.ble.layout import DATE_TIME, U8, Field, Layout, bits, codes
from courtyard.drivers.ble.observation import Observation

MANUAL, REFERENCE, ZONE_CHANGED, DAYLIGHT_CHANGED = 1, 2, 4, 8
"""Why a clock was set: bits of the last byte."""
_WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_REASONS = {
    0: Text("set by hand", "手动设置"),
    1: Text("set from a reference", "外部基准校时"),
    2: Text("time zone changed", "时区变更"),
    3: Text("daylight saving changed", "夏令时变更"),
}

LAYOUT = Layout(
    Text("current time", "当前时间"),
    "GATT Specification Supplement, Current Time",
    (
        Field("time", Text("date and time", "日期和时间"), DATE_TIME),
        Field(
            "weekday",
            Text("day of week", "星期"),
            U8,
            meaning=codes(
                {day + 1: Text(_DAYS[day], _WEEKDAYS[day]) for day in range(7)} | {0: Text("unknown", "未知")}
            ),
        ),
        Field("fraction", Text("fraction, 1/256 s", "秒的小数，1/256 s"), U8),
        Field("reason", Text("adjust reason", "校时原因"), U8, meaning=bits(_REASONS, Text("none", "无"))),
    ),
    flagged=False,
)


def observe(fields: dict[str, Any]) -> Observation:
    """The device's clock, to 1/256 s; no values."""
    time: datetime.datetime | None = fields["time"]
    if time is not None:
        time = time.replace(microsecond=fields["fraction"] * 1_000_000 // 256)
    return Observation(local_time=time, details={"adjust_reason": fields["reason"]})


def encode(local: datetime.datetime, reason: int = REFERENCE) -> bytes:
    """The ten bytes that set a clock to `local`, the wall clock of the place."""
    fraction = local.microsecond * 256 // 1_000_000
    date = (local.year, local.month, local.day, local.hour, local.minute, local.second)
    return struct.pack("<H8B", *date, local.isoweekday(), fraction, reason)
