"""`courtyard decode PROTOCOL HEX…`: a frame field by field, or exactly which byte is wrong."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from courtyard.agent.cli.hexadecimal import NotHexadecimal, read_hex, typed
from courtyard.agent.control import Refused
from courtyard.drivers.base import Language, Text
from courtyard.drivers.dissection import Dissection, Part
from courtyard.drivers.modbus.settings import ModbusProfile

Dissect = Callable[[bytes], Dissection]

FIRE, BLE = "courtyard.drivers.fire.dissect", "courtyard.drivers.ble.dissect"
MODULES = {
    "modbus": "courtyard.drivers.modbus.dissect",
    **dict.fromkeys(
        ("gb26875", "jbf", "gst24", "gst232", "gst-printer", "ld128", "jb3208", "fs5101", "espa"), FIRE
    ),
    **dict.fromkeys(
        ("ble-gatt", "bthome", "ibeacon", "eddystone", "mibeacon", "minew", "minew-door", "blueup", "battery"), BLE
    ),
}  # fmt: skip
NAMES = tuple(MODULES)


def run(options: argparse.Namespace) -> int:
    """Exit status 0 for a valid frame, 1 for an invalid one, 2 for wrong use."""
    if options.protocol not in MODULES:
        return _refuse(options, _unknown(options.protocol))
    try:
        frame = read_hex(typed(options.hex, sys.stdin.buffer))
    except NotHexadecimal as error:
        return _refuse(options, error.text)
    dissection = _dissect(options, frame)
    if options.json:
        print(msgspec.json.encode(dissection.data()).decode())
    else:
        show(dissection, frame, options.lang, Console())
    return 0 if dissection.valid else 1


def _refuse(options: argparse.Namespace, text: Text) -> int:
    """Wrong use: said to the person, and as data to a program that asked for data."""
    if options.json:
        print(msgspec.json.encode(Dissection(options.protocol, False, (), text).data()).decode())
    print(f"courtyard: {text.say(options.lang)}", file=sys.stderr)
    return 2


def show(dissection: Dissection, frame: bytes, language: Language, console: Console) -> None:
    """A table of the fields, then the verdict."""
    say = {"en": ("byte", "hex", "field", "value", "clause"), "zh-CN": ("字节", "十六进制", "字段", "值", "条款")}
    table = Table(*say[language], box=None, pad_edge=False)
    for depth, part in dissection.walk():
        where = f"{part.start}" if part.end - part.start <= 1 else f"{part.start}-{part.end - 1}"
        raw = frame[part.start : part.end].hex(" ")
        raw = raw if len(raw) <= 48 else f"{raw[:45]}..."
        if part.start == part.end or (not part.clause and part.end - part.start == len(frame)):  # of the whole frame
            where = raw = ""
        field = f"{part.label.say(language)} {part.name}" if "." in part.name else part.label.say(language)
        value = "" if part.parts else "\n".join(_rows(part, language))
        table.add_row(where, raw, f"{'  ' * depth}{field}", escape(value), part.clause)
    console.print(table)
    if dissection.error is None:
        console.print(Text("valid", "报文有效").say(language), style="green")
    else:
        console.print(dissection.error.say(language), style="bold red", highlight=False, soft_wrap=True)


def _rows(part: Part, language: Language) -> Iterator[str]:
    """A value by name or a list of such has a row for each, everything else has one."""
    match part.value, part.meaning:
        case dict() as values, _:
            yield from (f"{name} {_plain(value)}" for name, value in values.items())
        case [dict(), *_] as entries, _:
            for entry in entries:
                yield ", ".join(f"{name} {_plain(value)}" for name, value in entry.items() if value != "")
        case value, None:
            yield _plain(value)
        case value, meaning:
            yield meaning.say(language) if value == meaning.en else f"{_plain(value)}  {meaning.say(language)}"


def _plain(value: Any) -> str:
    """As JSON has it, without quotes around words."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _dissect(options: argparse.Namespace, frame: bytes) -> Dissection:
    module = importlib.import_module(MODULES[options.protocol])
    if options.protocol != "modbus":
        dissect: Dissect = module.DISSECTORS[options.protocol]
        return dissect(frame)
    if options.profile is None:
        plain: Dissection = module.dissect(frame)
        return plain
    return _with_points(module, options, frame)


def _with_points(module: Any, options: argparse.Namespace, frame: bytes) -> Dissection:
    from courtyard.agent.candidates import candidate, library

    profiles = library()
    loaded = profiles.load(options.profile)
    if loaded is None or not isinstance(loaded.profile, ModbusProfile):
        names = ", ".join(name for name in profiles.names() if not name.startswith("wearable/"))
        text = Text(
            f"No Modbus profile is called {options.profile!r}. Name one of: {names}.",
            f"没有名为“{options.profile}”的 Modbus 设备模板。请改用：{names}。",
        )
        raise Refused(text.say(options.lang), 2)
    profile, points = candidate(loaded.profile)
    found: Dissection = module.dissect(frame, profile=profile, points=points, address=options.address or 0)
    return found


def _unknown(protocol: str) -> Text:
    import difflib

    near = difflib.get_close_matches(protocol, NAMES, 1)
    names = ", ".join(NAMES)
    en = f"Unknown protocol {protocol!r}." + (f" Did you mean {near[0]}?" if near else "") + f" Known: {names}."
    zh = f"未知协议“{protocol}”。" + (f"是否指 {near[0]}？" if near else "") + f"支持：{names}。"
    return Text(en, zh)
