"""Which settings of the site file the commissioning forms ask for, and how people call them.

Type, help, choices and default of each come from the settings themselves; only the names for people stand here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from courtyard.agent.web.commissioning.model import Choice, Field, FieldKind, Kind
from courtyard.agent.web.model import Words
from courtyard.config.device import Beacon
from courtyard.config.quantities import duration_text
from courtyard.config.shape import Items, Scalar, Setting, Table, Variants, table_of
from courtyard.config.site import Site
from courtyard.config.station import Station

NAMED_BY: Final[Mapping[Kind, str]] = {
    "uplinks": "name",
    "lines": "name",
    "devices": "id",
    "cameras": "id",
    "residents": "id",
    "rules": "name",
    "escalations": "name",
    "fire_panels": "id",
    "fire_modbus_panels": "id",
    "outputs": "name",
    "lifts": "id",
}
"""The setting that names the entries of each list; what is not here is a table."""
LINE_KINDS: Final[Mapping[str, Words]] = {
    "serial": Words("Serial port (RS-485, RS-232)", "串口（RS-485、RS-232）"),
    "tcp": Words("Modbus TCP", "Modbus TCP"),
    "rtu-tcp": Words("Serial server (RTU over TCP)", "串口服务器（RTU over TCP）"),
    "ble": Words("Bluetooth", "蓝牙"),
}
SHOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "gateway": ("id", "place", "timezone", "language"),
    "uplinks": ("name", "url", "username", "start"),
    "uplinks gb26875": ("name", "url", "start"),
    "lines serial": ("name", "port", "baud", "parity", "stop_bits"),
    "lines tcp": ("name", "host", "port"),
    "lines rtu-tcp": ("name", "host", "port", "baud"),
    "lines ble": ("name", "adapter"),
    "devices": ("id", "line", "address", "place", "every_s", "name"),
    "cameras": ("id", "address", "username", "place", "name", "video"),
}
"""Attributes of each form, in its order."""
_LABELS: Final[Mapping[str, Words]] = {
    "id": Words("Id", "编号"),
    "place": Words("Place", "位置"),
    "timezone": Words("Time zone", "时区"),
    "language": Words("Language", "语言"),
    "name": Words("Name", "名称"),
    "url": Words("Address", "地址"),
    "username": Words("User name", "用户名"),
    "from": Words("Where to begin", "起始位置"),
    "port": Words("Port", "端口"),
    "baud": Words("Speed", "波特率"),
    "parity": Words("Parity", "校验位"),
    "stop_bits": Words("Stop bits", "停止位"),
    "host": Words("Host", "主机"),
    "adapter": Words("Adapter", "适配器"),
    "line": Words("Line", "线路"),
    "address": Words("Address", "地址"),
    "every": Words("Read every", "读取周期"),
    "video": Words("Watch its picture", "分析画面"),
}
CHOICES: Final[Mapping[str, Words]] = {
    "zh-CN": Words("Chinese", "中文"),
    "en": Words("English", "英语"),
    "head": Words("new records only", "只发送新记录"),
    "oldest": Words("everything that is kept", "发送所有保留的记录"),
    "N": Words("none", "无校验"),
    "E": Words("even", "偶校验"),
    "O": Words("odd", "奇校验"),
}
PASSWORD: Final = Field("password", Words("Password", "密码"), "password")
PASSWORD_HELP: Final = Words(
    "Kept in a file of its own that only the service can read, never in the site file.",
    "单独存放在仅服务可读的文件中，不写入站点文件。",
)
PASSWORD_KEPT: Final = Words("There is one; leave this empty to keep it.", "已设置；留空则保持不变。")
STATION: Final = ("address", "centre", "heartbeat_s")
"""Attributes of this gateway's registration at a fire-control centre."""
_STATION_LABELS: Final[Mapping[str, Words]] = {
    "address": Words("Address of this gateway at the centre", "中心分配给本网关的源地址"),
    "centre": Words("Address of the centre", "中心地址"),
    "heartbeat": Words("Heartbeat every", "心跳间隔"),
}
KEY: Final = Field("key", Words("Key of its adverts", "广播密钥"), "password")
AUTHORITY: Final = Field(
    "authority",
    Words("Certificate of the platform's authority (PEM)", "平台的 CA 证书（PEM）"),
    "long",
    help=Words(
        "Only when the platform's certificate is not signed by a public authority.",
        "仅当平台证书不是由公共 CA 签发时填写。",
    ),
)


BEACON: Final[Mapping[str, Words]] = {
    "normal": Words("Identity at rest", "平时的标识"),
    "alarm": Words("Identity when pressed", "按下后的标识"),
    "means": Words("What a press means", "按下的含义"),
}
"""How people call the identities of a beacon."""
CALLS: Final[Mapping[str, Words]] = {"sos": Words("call for help", "呼救"), "fall": Words("a fall", "跌倒")}


def beacon_fields(raw: Mapping[str, Any], given: Mapping[str, str]) -> list[Field]:
    """The two identities of a button that calls by changing them, as `beacon.normal` and so on."""
    fields = []
    for key, setting in table_of(Beacon).settings.items():
        text = given.get(f"beacon.{key}", value_shown(raw.get(key, "")) or default_text(setting))
        calls = tuple(Choice(name, words) for name, words in CALLS.items())
        more = {"choices": calls} if key == "means" else {}
        fields.append(field_for(setting, text, name=f"beacon.{key}", label=BEACON[key], **more))
    return fields


def beacon_of(raw: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """The identities as the site file has them: what the file has, with what the form says."""
    typed = {key: given.get(f"beacon.{key}", "").strip() for key in BEACON}
    return {key: text for key, text in {**raw, **typed}.items() if text and (text != "sos" or key in raw)}


def station_settings() -> Iterator[Setting]:
    """What a form asks for of a fire-control centre."""
    by_attribute = {setting.attribute: setting for setting in table_of(Station).settings.values()}
    return (by_attribute[attribute] for attribute in STATION)


def station_fields(raw: Mapping[str, Any], given: Mapping[str, str]) -> list[Field]:
    """The registration at a fire-control centre, as `station.address` and so on."""
    fields = []
    for setting in station_settings():
        name = f"station.{setting.key}"
        text = value_shown(raw[setting.key]) if setting.key in raw else default_text(setting)
        fields.append(field_for(setting, given.get(name, text), name=name, label=_STATION_LABELS[setting.key]))
    return fields


def table_for(kind: Kind, line_kind: str = "") -> Table:
    """The settings of one entry."""
    shape = table_of(Site).settings[kind].shape
    if isinstance(shape, Items):
        shape = shape.item
    if isinstance(shape, Variants):
        shape = shape.tables[line_kind]
    assert isinstance(shape, Table)
    return shape


def shown_settings(kind: Kind, line_kind: str = "") -> Iterator[Setting]:
    """The settings that the form of this kind asks for."""
    table = table_for(kind, line_kind)
    by_attribute = {setting.attribute: setting for setting in table.settings.values()}
    return (by_attribute[attribute] for attribute in SHOWN[f"{kind} {line_kind}".strip()])


def field_for(setting: Setting, value: str, **more: Any) -> Field:
    """One setting as a field; `more` takes the place of what the setting itself says."""
    label = _LABELS.get(setting.key, Words(setting.key, setting.key))
    help_text = Words.of(setting.help) if setting.help else None
    kind: FieldKind = "text"
    choices: tuple[Choice, ...] = ()
    if isinstance(setting.shape, Scalar):
        if setting.shape.choices:
            kind = "select"
            choices = tuple(
                Choice(str(each), CHOICES.get(str(each), Words(str(each), str(each)))) for each in setting.shape.choices
            )
        elif setting.shape.kind == "boolean":
            kind = "checkbox"
        elif setting.shape.kind == "integer":
            kind = "number"
    field = Field(setting.key, label, kind, value, setting.required, help_text, choices)
    return msgspec.structs.replace(field, **more)


def default_text(setting: Setting) -> str:
    """The default of a setting as the form writes it; empty where there is none."""
    if setting.required or setting.default is None:
        return ""
    if isinstance(setting.shape, Scalar) and setting.shape.kind == "duration":
        return duration_text(setting.default)
    return value_shown(setting.default)


def value_shown(value: Any) -> str:
    """A value of the site file as a field has it."""
    if isinstance(value, bool):
        return "on" if value else ""
    return "" if value is None else str(value)


def value_given(setting: Setting, text: str) -> Any:
    """What the site file gets for the text of a field; None where it gets nothing.

    A text that is none of what is allowed stays a text: the check of the file says what is wrong with it.
    """
    shape = setting.shape
    kind = shape.kind if isinstance(shape, Scalar) else "either"
    if kind == "boolean":
        given = text == "on"
        return None if given == setting.default else given
    text = text.strip()
    if not text:
        return None
    if kind in ("integer", "either") and text.lstrip("+-").isdecimal() and len(text) < 16:
        return int(text)
    if kind == "duration" and text.isdecimal() and len(text) < 10:
        return f"{int(text)}s"
    return text
