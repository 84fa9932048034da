"""What the classes of alarms are called, for alarms whose device gives no words of its own."""

from __future__ import annotations

from collections.abc import Mapping

from courtyard.drivers.base import Text

CLASSES: Mapping[str, Text] = {
    "fire": Text("Fire", "火警"),
    "fire_prealarm": Text("Fire pre-alarm", "火灾预警"),
    "smoke": Text("Smoke", "烟雾报警"),
    "gas": Text("Gas", "燃气泄漏"),
    "sos": Text("Call for help", "紧急求助"),
    "fall": Text("Fall", "疑似跌倒"),
    "leak": Text("Water leak", "漏水"),
    "lift_trapped": Text("Person trapped in lift", "电梯困人"),
    "ebike": Text("E-bike in lift", "电动自行车进入电梯"),
    "vision_fault": Text("Lift is not watched", "电梯未受监护"),
    "camera_silent": Text("Camera silent", "摄像机失联"),
    "picture_frozen": Text("Camera picture frozen", "摄像机画面冻结"),
    "picture_dark": Text("Camera picture black", "摄像机画面全黑"),
    "picture_covered": Text("Camera covered", "摄像机被遮挡"),
    "storage_fault": Text("Storage fault of a camera", "摄像机存储故障"),
    "tamper": Text("Tampering", "防拆报警"),
    "fault": Text("Fault", "故障"),
    "isolate": Text("Detector isolated", "部件屏蔽"),
    "start": Text("Fire equipment started", "消防设备启动"),
    "feedback": Text("Fire equipment answers", "消防设备反馈"),
    "supervisory": Text("Supervisory alarm", "监管报警"),
    "mains_fault": Text("Mains power fault", "主电故障"),
    "battery_fault": Text("Standby power fault", "备电故障"),
    "bus_fault": Text("Loop or bus fault", "回路或总线故障"),
    "unknown": Text("Unknown message of a fire panel", "消防控制器未知信息"),
    "link_lost": Text("Link to the fire panel lost", "消防控制器通信中断"),
    "detector_silent": Text("Smoke or gas detector does not answer", "烟感或气体探测器无应答"),
    "panel_silent": Text("Fire panel does not answer", "消防控制器无应答"),
    "poll_missing": Text("Fire panel does not poll", "消防控制器未轮询"),
    "heartbeat_missing": Text("No sign of life from the fire panel", "消防控制器心跳丢失"),
    "line_quality": Text("Damaged data from the fire panel", "消防控制器数据连续出错"),
    "unknown_device": Text("Unlisted transmission device", "未登记的用户信息传输装置"),
    "supervision": Text("Supervisory alarm", "监管报警"),
    "mains": Text("Mains power fault", "主电故障"),
    "battery": Text("Battery fault", "备电故障"),
    "line_fault": Text("Line fault", "线路故障"),
    "disk_fault": Text("Disk fault", "磁盘故障"),
    "modem_fault": Text("Fault of the text message modem", "短信模块故障"),
    "patrol_check": Text("Is somebody on duty?", "查岗"),
    "output_fault": Text("Output does not obey", "输出未按要求动作"),
    "unreachable": Text("No answer", "设备无应答"),
    "vital": Text("Vital sign out of range", "体征异常"),
    "not_seen": Text("Wearable not seen", "佩戴设备失联"),
    "no_heartbeat": Text("Call button without a sign of life", "求助按钮失联"),
    "battery_low": Text("Battery nearly empty", "电量低"),
    "not_worn": Text("Wearable not worn", "设备未佩戴"),
    "motion": Text("Motion", "检测到移动"),
    "door": Text("Door or window open", "门窗打开"),
    "button": Text("Button pressed", "按钮按下"),
    "battery_level": Text("Battery nearly empty", "电量低"),
}


def sentence(alarm_class: str, source: str, active: bool, where: str = "") -> Text:
    """What happened, from its class, the part that speaks, and the words for that part, if any."""
    name = CLASSES.get(alarm_class, Text(alarm_class, alarm_class))
    at = f" ({source})" if source else ""
    en, zh = (f": {where}", f"：{where}") if where else ("", "")
    return Text(f"{name.en}{en}{at}{'' if active else ' is over'}.", f"{name.zh}{zh}{at}{'' if active else '已恢复'}。")
