"""What the classes of alarms are called, for alarms whose device gives no words of its own."""

from __future__ import annotations

from collections.abc import Mapping

from courtyard.drivers.base import Text

CLASSES: Mapping[str, Text] = {
    "fire": Text("Fire", "火警"),
    "smoke": Text("Smoke", "烟雾报警"),
    "gas": Text("Gas", "燃气泄漏"),
    "sos": Text("Call for help", "紧急求助"),
    "fall": Text("Fall", "疑似跌倒"),
    "leak": Text("Water leak", "漏水"),
    "lift_trapped": Text("Person trapped in lift", "电梯困人"),
    "ebike": Text("E-bike in lift", "电动自行车进入电梯"),
    "tamper": Text("Tampering", "防拆报警"),
    "fault": Text("Fault", "故障"),
    "supervision": Text("Supervisory alarm", "监管报警"),
    "mains": Text("Mains power fault", "主电故障"),
    "battery": Text("Battery fault", "备电故障"),
    "line_fault": Text("Line fault", "线路故障"),
    "output_fault": Text("Output does not obey", "输出未按要求动作"),
    "unreachable": Text("No answer", "设备无应答"),
}


def sentence(alarm_class: str, source: str, active: bool) -> Text:
    """What happened, from class and source alone."""
    name = CLASSES.get(alarm_class, Text(alarm_class, alarm_class))
    at = f" ({source})" if source else ""
    return Text(f"{name.en}{at}{'' if active else ' is over'}.", f"{name.zh}{at}{'' if active else '已恢复'}。")
