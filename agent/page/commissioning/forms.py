"""The forms of the commissioning pages, from the settings, the site file as it stands and what was typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from courtyard.agent.page.commissioning.fields import (
    AUTHORITY,
    KEY,
    LINE_KINDS,
    PASSWORD,
    PASSWORD_HELP,
    PASSWORD_KEPT,
    beacon_fields,
    default_text,
    field_for,
    shown_settings,
    station_fields,
    value_shown,
)
from courtyard.agent.page.commissioning.proposal import Place
from courtyard.agent.provisional import PLACE
from courtyard.agent.web.commissioning.model import Choice, Field, Form, Kind
from courtyard.agent.web.model import Words
from courtyard.drivers.modbus.settings import Option

LINE_KIND: Final = Words("Kind of line", "线路类型")
PROFILE: Final = Words("Device type", "设备型号")
PROFILE_HELP: Final = Words(
    "What stands on its name plate; a scan names what fits.", "见设备铭牌；扫描时会给出匹配的型号。"
)

FIRE_CENTRE: Final = "gb26875"
PLATFORM: Final = Words("Kind of platform", "平台类型")
PLATFORM_HELP: Final = Words("Fire-control centre (GB/T 26875.3)", "消防监控中心（GB/T 26875.3）")
CENTRE_URL: Final = Words(
    "Host and port of the centre: tcp://centre.example:5000, or udp://.",
    "中心的主机和端口：tcp://centre.example:5000，或 udp://。",
)
KEY_HELP: Final = Words(
    "32 hexadecimal digits from the maker's app: the bind key. Kept in a file of its own that only the service can "
    "read, never in the site file.",
    "厂家应用中的 32 位十六进制绑定密钥（bindkey）。单独存放在仅服务可读的文件中，不写入站点文件。",
)
KEY_MAYBE: Final = Words(f"Only when its adverts are encrypted. {KEY_HELP.en}", f"仅在广播已加密时填写。{KEY_HELP.zh}")


class Around(NamedTuple):
    """What a form needs to know of the site: names of its lines, device types by name, and the numbers that the chosen
    type asks for."""

    lines: Sequence[str] = ()
    profiles: Mapping[str, Words] = {}
    options: Sequence[Option] = ()
    gateway: str = ""
    key: bool | None = None
    """Whether the chosen type needs the key of its adverts; None where there is no such key."""
    wearable: bool = False
    """Whether the chosen type advertises by itself: nothing is read from it at intervals."""
    beacon: bool = False
    """Whether the chosen type calls for help by changing its identity."""


def build(kind: Kind, entry: str | None, mark: str, place: Place, given: Mapping[str, str], around: Around) -> Form:
    """The form with what was `given`, else with what the site file has."""
    raw, first, fields = place.raw, list[Field](), list[Field]()
    line_kind = str(raw.get("kind") or given.get("kind", ""))
    if kind == "lines":
        if line_kind not in LINE_KINDS:
            choices = tuple(Choice(name, label) for name, label in LINE_KINDS.items())
            wanted = Field("kind", LINE_KIND, "select", required=True, choices=choices)
            return Form(kind, entry, mark, (wanted,), complete=False)
        first.append(Field("kind", LINE_KIND, "fixed", line_kind))
    if kind == "devices":
        profile = str(raw.get("profile") or given.get("profile", ""))
        if profile not in around.profiles:
            choices = tuple(Choice(name, _with_name(title, name)) for name, title in around.profiles.items())
            carried = [Field(name, Words("", ""), "hidden", text) for name, text in given.items() if name in CARRIED]
            wanted = Field("profile", PROFILE, "select", required=True, help=PROFILE_HELP, choices=choices)
            return Form(kind, entry, mark, (wanted, *carried), complete=False)
        first.append(Field("profile", PROFILE, "fixed", profile, help=around.profiles[profile]))
    centre = kind == "uplinks" and FIRE_CENTRE in (raw.get("format"), given.get("format"))
    if centre:
        first.append(Field("format", PLATFORM, "fixed", FIRE_CENTRE, help=PLATFORM_HELP))
    for setting in shown_settings(kind, FIRE_CENTRE if centre else line_kind):
        if around.wearable and setting.key == READ_EVERY:
            continue
        text = given.get(setting.key)
        if text is None:
            text = value_shown(raw[setting.key]) if setting.key in raw else default_text(setting)
        more: dict[str, Any] = {}
        if kind == "gateway" and setting.key == "place" and text == PLACE:
            text = ""
        if kind == "gateway" and setting.key == "id" and not text:
            text = around.gateway
        if setting.key == "line":
            more = {"kind": "select", "choices": tuple(Choice(name, Words(name, name)) for name in around.lines)}
        if centre and setting.key == "url":
            more = {"help": CENTRE_URL}
        fields.append(field_for(setting, text, **more))
    if kind == "devices":
        fields[3:3] = _options(around.options, raw.get("options", {}), given)
    if around.beacon:
        fields += beacon_fields(raw.get("beacon", {}), given)
    if centre:
        station = raw.get("station", {})
        fields[2:2] = station_fields(station if isinstance(station, dict) else {}, given)
    elif kind in ("uplinks", "cameras"):
        kept = given.get("password_kept", "")
        help_text = PASSWORD_KEPT if kept or "password_file" in raw else PASSWORD_HELP
        fields.append(msgspec.structs.replace(PASSWORD, help=help_text))
        fields.append(Field("password_kept", Words("", ""), "hidden", kept))
    if around.key is not None:
        kept = given.get("password_kept", "")
        known = kept or "key_file" in raw
        help_text = PASSWORD_KEPT if known else KEY_HELP if around.key else KEY_MAYBE
        fields.append(msgspec.structs.replace(KEY, help=help_text, required=around.key and not known))
        fields.append(Field("password_kept", Words("", ""), "hidden", kept))
    if kind == "uplinks" and not centre:
        fields.append(msgspec.structs.replace(AUTHORITY, value=given.get("authority", "")))
    return Form(kind, entry, mark, (*first, *fields), asked=not around.wearable)


READ_EVERY: Final = "every"
CARRIED: Final = frozenset({"line", "address", "place", "id", "beacon.normal", "beacon.alarm"})
"""What the first of two forms hands to the second."""


def _options(options: Sequence[Option], raw: Mapping[str, Any], given: Mapping[str, str]) -> list[Field]:
    return [
        Field(
            f"options.{option.name}",
            Words(option.title_en, option.title_zh),
            "text",
            given.get(f"options.{option.name}", value_shown(raw.get(option.name, option.default))),
            option.default is None,
        )
        for option in options
    ]


def _with_name(title: Words, name: str) -> Words:
    return Words(f"{title.en} ({name})", f"{title.zh}（{name}）")
