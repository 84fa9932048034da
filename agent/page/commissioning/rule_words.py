"""A rule as a sentence that the people of the house understand, and beginnings for new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from courtyard.agent.web.commissioning.step_model import Template
from courtyard.agent.web.model import Words
from courtyard.agent.web.words import number, span, unit
from courtyard.config.catalogue import Catalogue
from courtyard.config.nights import NIGHT_FLOW_FOR_S
from courtyard.config.quantities import duration_s
from courtyard.drivers.base import Language

SEVERITIES: Final[Mapping[int, Words]] = {
    1: Words("endangers life", "危及生命"),
    2: Words("needs somebody today", "当天须处理"),
    3: Words("needs somebody soon", "尽快处理"),
    4: Words("for the record", "仅作记录"),
}
KINDS: Final[Mapping[str, Words]] = {
    "threshold": Words("A value outside its limits", "数值超限"),
    "unreachable": Words("A device is silent", "设备静默"),
    "reverse_flow": Words("Water flows backwards", "水倒流"),
    "night_flow": Words("Water never stops at night", "夜间用水不停"),
}


class Beginning(NamedTuple):
    """A rule with its usual numbers; offered where a device has one of the points, or always."""

    title: Words
    values: Mapping[str, str]
    points: tuple[str, ...] = ()


BEGINNINGS: Final[Mapping[str, Beginning]] = {
    "leak-night": Beginning(
        Words("Leak at night", "夜间漏水"),
        {"kind": "night_flow", "start": "02:00", "end": "05:00"},
        ("water.volume.total", "water.flow"),
    ),
    "pressure-low": Beginning(
        Words("Water pressure low", "水压过低"),
        {"kind": "threshold", "point": "water.pressure", "below": "150", "hysteresis": "20", "for": "5m"},
        ("water.pressure",),
    ),
    "backwards": Beginning(
        Words("Water flows backwards", "水倒流"), {"kind": "reverse_flow", "for": "1m"}, ("water.flow",)
    ),
    "level-high": Beginning(
        Words("Level high, float switch at input 1", "液位过高（浮球接输入 1）"),
        {"kind": "threshold", "point": "input.1", "above": "0.5", "for": "10s", "severity": "2"},
        ("input.1",),
    ),
    "water-cold": Beginning(
        Words("Water close to freezing", "水温接近冰点"),
        {"kind": "threshold", "point": "water.temperature", "below": "4", "hysteresis": "1", "for": "10m"},
        ("water.temperature",),
    ),
    "air-cold": Beginning(
        Words("Room temperature low", "室温过低"),
        {"kind": "threshold", "point": "air.temperature", "below": "5", "hysteresis": "1", "for": "10m"},
        ("air.temperature",),
    ),
    "door-open": Beginning(
        Words("Door open for too long", "门长时间未关"),
        {"kind": "threshold", "point": "door.open", "above": "0.5", "for": "5m"},
        ("door.open",),
    ),
    "battery-low": Beginning(
        Words("Battery low", "电量过低"),
        {"kind": "threshold", "point": "battery.level", "below": "15", "hysteresis": "5", "severity": "4"},
        ("battery.level",),
    ),
    "silent": Beginning(Words("Device silent", "设备静默"), {"kind": "unreachable", "for": "10m"}),
    "limit": Beginning(Words("Another value outside its limits", "其他数值超限"), {"kind": "threshold"}),
}


def offered(measured: Mapping[str, frozenset[str]]) -> tuple[Template, ...]:
    """The beginnings for which the site has a device; `measured` are the points of each device."""
    return tuple(
        Template(name, each.title)
        for name, each in BEGINNINGS.items()
        if not each.points or any(points & set(each.points) for points in measured.values())
    )


def begun(name: str, measured: Mapping[str, frozenset[str]], taken: frozenset[str]) -> dict[str, str]:
    """The fields of a new rule; empty for an unknown name.  Up to ten devices are named, more are meant by `*`."""
    beginning = BEGINNINGS.get(name)
    if beginning is None:
        return {}
    fitting = [device for device, points in measured.items() if points & set(beginning.points)]
    devices = ", ".join(fitting) if 0 < len(fitting) <= 10 else "*"
    free = next(each for each in (name, *(f"{name}-{number}" for number in range(2, 1000))) if each not in taken)
    return {"name": free, "devices": devices, "severity": "3", **beginning.values}


def sentence(raw: Mapping[str, Any], catalogue: Catalogue) -> Words:
    """What a rule does, without the names of its devices."""
    return Words(_sentence(raw, catalogue, "en"), _sentence(raw, catalogue, "zh-CN"))


def _sentence(raw: Mapping[str, Any], catalogue: Catalogue, language: Language) -> str:
    chinese = language == "zh-CN"
    held_s = duration_s(str(raw.get("for", "0s"))) or 0.0
    for_s = f"持续 {_span(held_s, language)}" if chinese else f" for {_span(held_s, language)}"
    held = for_s if held_s else ""
    severity = SEVERITIES.get(raw.get("severity", 3), Words("", "")).say(language)
    match raw.get("kind"):
        case "threshold":
            what = _limits(raw, catalogue, language, held)
        case "unreachable":
            usual = Words("for three of its periods", "超过三个读取周期")
            silent = _span(held_s, language) if held_s else ""
            what = (
                f"设备{f'超过 {silent}' if held_s else usual.zh}没有可用数据时报警"
                if chinese
                else f"Alarm when a device gives nothing usable {f'for {silent}' if held_s else usual.en}"
            )
        case "reverse_flow":
            what = f"水倒流{held}时报警" if chinese else f"Alarm when water flows backwards{held}"
        case "night_flow":
            start, end = raw.get("start", "02:00"), raw.get("end", "05:00")
            never = _span(held_s or NIGHT_FLOW_FOR_S, language)
            what = (
                f"{start}～{end} 之间用水连续 {never}没有停歇时报警"
                if chinese
                else f"Alarm when water does not come to rest for {never} between {start} and {end}"
            )
        case _:
            return "无法识别的规则" if chinese else "A rule of an unknown kind"
    return (
        f"{what}（{severity}）。"
        if chinese
        else f"{what}; it {severity}."
        if severity[:3] != "for"
        else f"{what}; {severity}."
    )


def _span(seconds: float, language: Language) -> str:
    """`5 min`; in a Chinese sentence minutes are 分钟."""
    return span(seconds, language).replace("分", "分钟")


def _limits(raw: Mapping[str, Any], catalogue: Catalogue, language: Language, held: str) -> str:
    point = catalogue.get(str(raw.get("point", "")))
    label = point.label.say(language) if point else "?"
    sign = f" {unit(point.unit)}".rstrip() if point else ""
    above, below, back = (raw.get(key) for key in ("above", "below", "hysteresis"))
    if point and point.type == "boolean":
        yes = above is not None
        if language == "zh-CN":
            return f"“{label}”为{'是' if yes else '否'}{f'并{held}' if held else ''}时报警"
        return f"Alarm when “{label}” is {'true' if yes else 'false'}{held}"

    def limit(value: Any) -> str:
        return f"{number(value) if isinstance(value, int | float) else value}{sign}"

    if language == "zh-CN":
        parts = [f"高于 {limit(above)}"] if above is not None else []
        parts += [f"低于 {limit(below)}"] if below is not None else []
        over = f"，回到限值内 {limit(back)} 后解除" if back else ""
        return f"{label}{'或'.join(parts)}{f'并{held}' if held else ''}时报警{over}"
    parts = [f"above {limit(above)}"] if above is not None else []
    parts += [f"below {limit(below)}"] if below is not None else []
    over = f", over when it is {limit(back)} back inside" if back else ""
    return f"Alarm when {label[:1].lower()}{label[1:]} is {' or '.join(parts)}{held}{over}"
