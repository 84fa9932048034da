"""What to do about an alarm, by its class; what each severity asks for where a class has no advice of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from courtyard.agent.web.model import Words

_CLASSES: Final[Mapping[str, Words]] = {
    "fire": Words(
        "Go and look at once; follow the fire plan and call 119 if it burns.",
        "立即到现场查看，按应急预案处置；确认火情请拨打 119。",
    ),
    "fire_prealarm": Words("Go and look at once.", "请立即到现场查看。"),
    "smoke": Words("Go and look at once; call 119 if it burns.", "立即到现场查看；确认火情请拨打 119。"),
    "gas": Words(
        "Switch nothing on or off, open windows, shut the gas valve, keep people away.",
        "不要开关任何电器，开窗通风，关闭燃气阀门，疏散人员。",
    ),
    "sos": Words("Call the resident and go there; call 120 if needed.", "联系住户并立即上门；必要时拨打 120。"),
    "fall": Words("Call the resident and go there; call 120 if needed.", "联系住户并立即上门；必要时拨打 120。"),
    "leak": Words("Shut the water valve and look for the leak.", "关闭水阀，查找漏水点。"),
    "lift_trapped": Words(
        "Calm the people through the intercom and call the lift maintainer.",
        "通过对讲安抚被困人员，并联系电梯维保单位。",
    ),
    "ebike": Words("Ask the rider to take the e-bike out of the lift.", "请骑行人将电动自行车推出电梯。"),
    "tamper": Words("Go and look who opened or covered the device.", "到现场检查设备是否被打开或遮挡。"),
    "unreachable": Words(
        "Check power and wiring of the device, then its address.", "检查设备供电和接线，再核对设备地址。"
    ),
    "line_fault": Words("Check the adapter and the cable of this line.", "检查该线路的转换器和线缆。"),
    "reverse_flow": Words("Check whether the meter is fitted the right way round.", "检查水表安装方向是否正确。"),
    "night_flow": Words("Look for a leak or a tap that runs.", "检查是否漏水或水龙头未关。"),
    "output_fault": Words("Check the relay and what it switches.", "检查继电器及其控制的设备。"),
    "disk_fault": Words("Check the disk; replace the card if it is worn.", "检查磁盘；存储卡老化时请更换。"),
}
_SEVERITIES: Final[Mapping[int, Words]] = {
    1: Words("Go and look at once.", "请立即到现场查看。"),
    2: Words("See to it today.", "请在今天内处理。"),
    3: Words("See to it in the next days.", "请尽快处理。"),
    4: Words("For your information.", "仅供知悉。"),
}


def advice(alarm_class: str, severity: int) -> Words:
    """What to do."""
    return _CLASSES.get(alarm_class, _SEVERITIES[severity])
