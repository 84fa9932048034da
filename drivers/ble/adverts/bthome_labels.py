"""What the objects of BTHome are called in Chinese; in English they go by their names."""

from __future__ import annotations

from collections.abc import Mapping

from courtyard.drivers.base import Text
from courtyard.drivers.ble.adverts.bthome_objects import Object

CHINESE: Mapping[str, str] = {
    "packet_id": "包序号",
    "battery": "电池电量",
    "temperature": "温度",
    "humidity": "湿度",
    "pressure": "气压",
    "illuminance": "照度",
    "mass": "质量",
    "dew_point": "露点",
    "count": "计数",
    "energy": "电能",
    "power": "功率",
    "voltage": "电压",
    "pm2_5": "细颗粒物（PM2.5）",
    "pm10": "可吸入颗粒物（PM10）",
    "generic": "通用开关量",
    "power_on": "通电",
    "opening": "开启",
    "co2": "二氧化碳",
    "tvoc": "挥发性有机物",
    "moisture": "含水率",
    "battery_low": "电池电量低",
    "battery_charging": "充电中",
    "carbon_monoxide": "一氧化碳报警",
    "cold": "低温",
    "connectivity": "已连接",
    "door": "门",
    "garage_door": "车库门",
    "gas_detected": "燃气报警",
    "heat": "高温",
    "light": "有光",
    "lock": "未上锁",
    "moisture_detected": "水浸",
    "motion": "移动",
    "moving": "运动中",
    "occupancy": "有人占用",
    "plug": "插头",
    "presence": "有人",
    "problem": "故障",
    "running": "运行中",
    "safety": "不安全",
    "smoke": "烟雾",
    "sound": "声音",
    "tamper": "防拆",
    "vibration": "振动",
    "window": "窗",
    "button": "按键",
    "dimmer": "旋钮",
    "rotation": "旋转角",
    "distance": "距离",
    "duration": "时长",
    "current": "电流",
    "speed": "速度",
    "uv_index": "紫外线指数",
    "volume": "体积",
    "volume_flow": "体积流量",
    "gas_volume": "燃气量",
    "water": "水量",
    "timestamp": "时间戳",
    "acceleration": "加速度",
    "gyroscope": "角速度",
    "text": "文本",
    "raw": "原始数据",
    "volume_storage": "储量",
    "conductivity": "电导率",
    "direction": "方向",
    "precipitation": "降水量",
    "channel": "通道",
    "rotational_speed": "转速",
    "light_level": "光照等级",
    "settings_revision": "配置版本",
    "device_type": "设备类型",
    "firmware": "固件版本",
}
PRESSES: Mapping[str, Text] = {
    "none": Text("not pressed", "未按下"),
    "press": Text("pressed once", "单击"),
    "double_press": Text("pressed twice", "双击"),
    "triple_press": Text("pressed three times", "三击"),
    "long_press": Text("long press", "长按"),
    "long_double_press": Text("long press, twice", "长按两次"),
    "long_triple_press": Text("long press, three times", "长按三次"),
    "hold_press": Text("held down", "按住"),
    "hold_release": Text("released", "松开"),
}
UNKNOWN = Text("not known", "未知")


def label(known: Object) -> Text:
    """Name and unit of an object."""
    unit = f", {known.unit}" if known.unit else ""
    return Text(known.name.replace("_", " ") + unit, CHINESE[known.name] + unit.replace(", ", "，"))
