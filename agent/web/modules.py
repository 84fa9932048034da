"""What the product can do, and which of it this site uses: told by the tables of its site file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from courtyard.agent.web.model import SettingsTable, Words

Use = Literal["used", "off", "unused"]
"""`off`: its tables stand in the site file and rest."""
GATEWAY, OFF = "[gateway]", "off"


class Module(NamedTuple):
    """One ability; `tables` are those of the site file that switch it on, `setting` and `value` where one setting of
    them decides."""

    title: Words
    what: Words
    tables: tuple[str, ...]
    setting: str = ""
    value: str = ""
    begin: str = ""
    """The page where an installer begins to use it."""
    ability: str = ""
    """What switches it off as a whole, in the setting `off` of the site file; empty where a line does."""


MODULES: Final = (
    Module(
        Words("Meters and boards", "仪表和采集板"),
        Words("water meters, relay boards, sensors over Modbus", "读取水表、继电器板和传感器"),
        ("[[devices]]",),
        begin="/commissioning/lines",
    ),
    Module(
        Words("Fire panels", "消防控制器"),
        Words("listened to, never switched", "只监听，不控制"),
        ("[[fire_panels]]", "[[fire_modbus_panels]]"),
        begin="/commissioning/fire_panels",
        ability="fire",
    ),
    Module(
        Words("Bluetooth", "蓝牙"),
        Words("wearables and call buttons", "佩戴设备和求助按钮"),
        ("[[lines]]",),
        "kind",
        '"ble"',
        "/commissioning/lines?new=&kind=ble",
    ),
    Module(
        Words("Residents", "住户照护"),
        Words("under pseudonyms, by consent", "使用代号，须经同意"),
        ("[[residents]]",),
        begin="/commissioning/residents",
        ability="residents",
    ),
    Module(
        Words("Cameras", "摄像机"),
        Words("pictures stay on the site", "画面不出本地"),
        ("[[cameras]]",),
        begin="/commissioning/cameras",
        ability="cameras",
    ),
    Module(
        Words("E-bikes in lifts", "电梯电动自行车"),
        Words("seen in the car, warned of", "轿厢内识别并提醒"),
        ("[[lifts]]",),
        begin="/commissioning/lifts",
        ability="lifts",
    ),
    Module(
        Words("Outputs", "输出"),
        Words("sirens and lamps, held by leases", "警号和灯，限时保持"),
        ("[[outputs]]",),
        begin="/commissioning/outputs",
        ability="outputs",
    ),
    Module(
        Words("Rules", "报警规则"),
        Words("limits, leaks at night, silence", "超限、夜间漏水、失联"),
        ("[[rules]]",),
        begin="/commissioning/rules",
        ability="rules",
    ),
    Module(
        Words("Escalation", "报警升级"),
        Words("when nobody confirms an alarm of life", "一级报警无人确认时升级"),
        ("[[escalations]]",),
        begin="/commissioning/escalations",
        ability="escalation",
    ),
    Module(
        Words("Text messages", "短信"),
        Words("by the box's own modem", "通过本机模块发送"),
        ("[modem]",),
        begin="/commissioning/modem",
        ability="sms",
    ),
    Module(
        Words("Platforms", "平台"),
        Words("through any outage", "断网不丢数据"),
        ("[[uplinks]]",),
        begin="/commissioning/uplinks",
        ability="platforms",
    ),
)


def listed(tables: Sequence[SettingsTable]) -> list[tuple[Module, Use]]:
    """Every module, and what the site makes of it."""
    off = [each.value for table in tables if table.title == GATEWAY for each in table.settings if each.name == OFF]
    return [(module, _use(module, tables, "".join(off))) for module in MODULES]


def _use(module: Module, tables: Sequence[SettingsTable], off: str) -> Use:
    if module.ability and f'"{module.ability}"' in off:
        return "off"
    return "used" if any(_switches(table, module) for table in tables) else "unused"


def _switches(table: SettingsTable, module: Module) -> bool:
    return table.title in module.tables and (
        not module.setting or any(each.name == module.setting and each.value == module.value for each in table.settings)
    )
