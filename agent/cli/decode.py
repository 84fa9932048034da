"""`courtyard decode PROTOCOL HEX…`: a frame field by field, or exactly which byte is wrong."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from courtyard.agent.control import Refused
from courtyard.drivers.base import Language, Text
from courtyard.drivers.dissection import Dissection
from courtyard.drivers.modbus.settings import ModbusProfile

Dissect = Callable[[bytes], Dissection]

FIRE, BLE = "courtyard.drivers.fire.dissect", "courtyard.drivers.ble.dissect"
MODULES = {
    "modbus": "courtyard.drivers.modbus.dissect",
    **dict.fromkeys(
        ("gb26875", "jbf", "gst24", "gst232", "gst-printer", "ld128", "jb3208", "fs5101", "espa"), FIRE
    ),
    **dict.fromkeys(("ble-gatt", "bthome", "ibeacon", "eddystone"), BLE),
}  # fmt: skip
NAMES = tuple(MODULES)
MAX_BYTES = 65_536


def run(options: argparse.Namespace) -> int:
    """Exit status 0 for a valid frame, 1 for an invalid one, 2 for wrong use."""
    language: Language = options.lang
    if options.protocol not in MODULES:
        print(_unknown(options.protocol).say(language), file=sys.stderr)
        return 2
    try:
        frame = read_hex(options.hex)
    except ValueError as error:
        print(Text(f"Not hexadecimal: {error}.", f"不是十六进制数据：{error}。").say(language), file=sys.stderr)
        return 2
    dissection = _dissect(options, frame)
    if options.json:
        print(msgspec.json.encode(dissection.data()).decode())
    else:
        show(dissection, frame, language, Console())
    return 0 if dissection.valid else 1


def read_hex(words: list[str]) -> bytes:
    """Hexadecimal with any of space, colon, comma, dash and 0x between bytes.  Raises ValueError naming the word."""
    parts: list[bytes] = []
    for word in " ".join(words).translate(str.maketrans(":,-", "   ")).split():
        digits = word.lower().removeprefix("0x")
        if len(digits) % 2 or not all(character in "0123456789abcdef" for character in digits):
            raise ValueError(word)
        parts.append(bytes.fromhex(digits))
    frame = b"".join(parts)
    if len(frame) > MAX_BYTES:
        raise ValueError(f"{len(frame)} bytes, at most {MAX_BYTES}")
    return frame


def show(dissection: Dissection, frame: bytes, language: Language, console: Console) -> None:
    """A table of the fields, then the verdict."""
    say = {"en": ("byte", "hex", "field", "value", "clause"), "zh-CN": ("字节", "十六进制", "字段", "值", "条款")}
    table = Table(*say[language], box=None, pad_edge=False)
    for depth, part in dissection.walk():
        value = str(part.value) if part.meaning is None else f"{part.value}  {part.meaning.say(language)}"
        where = f"{part.start}" if part.end - part.start <= 1 else f"{part.start}-{part.end - 1}"
        field = f"{part.label.say(language)} {part.name}" if "." in part.name else part.label.say(language)
        field = f"{'  ' * depth}{field}"
        if part.parts:
            value = ""
        if part.start == part.end:  # said by the frame as a whole
            where = ""
        raw = frame[part.start : part.end].hex(" ")
        table.add_row(where, raw if len(raw) <= 48 else f"{raw[:45]}...", field, value, part.clause)
    console.print(table)
    if dissection.error is None:
        console.print(Text("valid", "报文有效").say(language), style="green")
    else:
        console.print(dissection.error.say(language), style="bold red", highlight=False)


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
        names = ", ".join(profiles.names())
        text = Text(f"no profile {options.profile}; known: {names}", f"没有设备模板 {options.profile}；现有：{names}")
        raise Refused(text.say(options.lang))
    profile, points = candidate(loaded.profile)
    found: Dissection = module.dissect(frame, profile=profile, points=points, address=options.address or 0)
    return found


def _unknown(protocol: str) -> Text:
    import difflib

    near = difflib.get_close_matches(protocol, NAMES, 1)
    names = ", ".join(NAMES)
    en = f"Unknown protocol {protocol!r}." + (f" Did you mean {near[0]!r}?" if near else "") + f" Known: {names}"
    zh = f"未知协议 {protocol!r}。" + (f"是否指 {near[0]!r}？" if near else "") + f"支持：{names}"
    return Text(en, zh)
