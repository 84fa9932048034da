"""PLX Spot-Check Measurement 2A5E and PLX Continuous Measurement 2A5F.

Sources: Bluetooth SIG GATT Specification Supplement, PLX Spot-Check Measurement, PLX Continuous Measurement; Pulse
Oximeter Service 1.0.1, tables 3.4 and 3.5 (status bits).
"""

from __future__ import annotations

from typing import Any

from courtyard.drivers.base import Text
from courtyard.drivers.ble.layout import DATE_TIME, SFLOAT, U8, U16, U24, Field, Layout, bits
from courtyard.drivers.ble.observation import DOUBTFUL, NO_CONTACT, STORED, WORTHLESS, Draft, Observation

_MEASUREMENT = {
    5: Text("measurement ongoing", "测量进行中"),
    6: Text("early estimate", "早期估计"),
    7: Text("validated", "已验证"),
    8: Text("fully qualified", "完全合格"),
    9: Text("from storage", "存储数据"),
    10: Text("for demonstration", "演示数据"),
    11: Text("for testing", "测试数据"),
    12: Text("calibration ongoing", "校准中"),
    13: Text("measurement unavailable", "无测量值"),
    14: Text("questionable measurement", "测量存疑"),
    15: Text("invalid measurement", "测量无效"),
}
_DEVICE = {
    0: Text("display update ongoing", "显示更新中"),
    1: Text("equipment malfunction", "设备故障"),
    2: Text("signal processing irregularity", "信号处理异常"),
    3: Text("inadequate signal", "信号不足"),
    4: Text("poor signal", "信号差"),
    5: Text("low perfusion", "灌注低"),
    6: Text("erratic signal", "信号不稳"),
    7: Text("no pulse in the signal", "信号无脉动"),
    8: Text("questionable pulse", "脉搏存疑"),
    9: Text("signal analysis ongoing", "信号分析中"),
    10: Text("sensor interference", "传感器受干扰"),
    11: Text("sensor not on the user", "传感器未佩戴"),
    12: Text("unknown sensor", "未知传感器"),
    13: Text("sensor displaced", "传感器移位"),
    14: Text("sensor malfunction", "传感器故障"),
    15: Text("sensor disconnected", "传感器断开"),
}


def _mask(*positions: int) -> int:
    return sum(1 << position for position in positions)


_CONTACT_LOST = _mask(11, 13, 15)
_QUALITY = (
    ("device_status", _CONTACT_LOST, NO_CONTACT),
    ("device_status", _mask(1, 12, 14), WORTHLESS),
    ("measurement_status", _mask(10, 11, 13, 15), WORTHLESS),
    ("measurement_status", _mask(9), STORED),
    ("measurement_status", _mask(5, 6, 12, 14), DOUBTFUL),
    ("device_status", _mask(2, 3, 4, 5, 6, 7, 8, 9, 10), DOUBTFUL),
)
"""Which bits make the numbers what, the gravest first."""


def _status(when_measurement: int, when_device: int, when_index: int) -> tuple[Field, ...]:
    none = Text("none", "无")
    measurement, device = Text("measurement status", "测量状态"), Text("device and sensor status", "设备与传感器状态")
    return (
        Field("measurement_status", measurement, U16, when=when_measurement, meaning=bits(_MEASUREMENT, none)),
        Field("device_status", device, U24, when=when_device, meaning=bits(_DEVICE, none)),
        Field("pulse_amplitude_index", Text("pulse amplitude index, %", "脉搏幅度指数，%"), SFLOAT, when=when_index),
    )


def _pair(prefix: str, en: str, zh: str, when: int = 0) -> tuple[Field, Field]:
    return (
        Field(f"{prefix}spo2", Text(f"oxygen saturation{en}, %", f"血氧饱和度{zh}，%"), SFLOAT, when=when),
        Field(f"{prefix}pulse_rate", Text(f"pulse rate{en}, /min", f"脉率{zh}，次/分"), SFLOAT, when=when),
    )


_FLAGS = Field("flags", Text("flags", "标志"), U8)
CONTINUOUS = Layout(
    Text("continuous oximetry", "连续血氧测量"),
    "GATT Specification Supplement, PLX Continuous Measurement",
    (
        _FLAGS,
        *_pair("", "", ""),
        *_pair("fast_", ", fast", "（快速）", when=0x01),
        *_pair("slow_", ", slow", "（慢速）", when=0x02),
        *_status(0x04, 0x08, 0x10),
    ),
)
_CLOCK_NOT_SET = 0x10
SPOT_CHECK = Layout(
    Text("spot-check oximetry", "单次血氧测量"),
    "GATT Specification Supplement, PLX Spot-Check Measurement",
    (
        _FLAGS,
        *_pair("", "", ""),
        Field("time", Text("time stamp", "时间戳"), DATE_TIME, when=0x01),
        *_status(0x02, 0x04, 0x08),
    ),
)


def observe_continuous(fields: dict[str, Any]) -> Observation:
    """Saturation, pulse and perfusion, as good as the sensor says they are."""
    draft = Draft()
    doubt = next((quality for name, mask, quality in _QUALITY if fields.get(name, 0) & mask), None)
    draft.put("vital.spo2", fields["spo2"], doubt)
    draft.put("vital.pulse_rate", fields["pulse_rate"], doubt)
    if "pulse_amplitude_index" in fields:
        draft.put("vital.perfusion", fields["pulse_amplitude_index"], doubt)
    if "device_status" in fields:
        draft.tell("not_worn", bool(fields["device_status"] & _CONTACT_LOST))
    return draft.done(fields.get("time"))


def observe_spot_check(fields: dict[str, Any]) -> Observation:
    """The same, with the time of the measurement where the device's clock is set."""
    if fields["flags"] & _CLOCK_NOT_SET:
        fields = {**fields, "time": None}
    return observe_continuous(fields)
