"""How numbers, times, places and qualities are written for people."""

from __future__ import annotations

import datetime
import re
from typing import Final
from zoneinfo import ZoneInfo

from courtyard.drivers.base import Language, Scalar, Text

PREFIXES: Final = ("", "k", "M", "G", "T")
_UNITS: Final = {
    "m3": "m³",
    "m3/h": "m³/h",
    "Cel": "°C",
    "[degF]": "°F",
    "[pH]": "pH",
    "[ppm]": "ppm",
    "mm[Hg]": "mmHg",
    "1": "",
    "{count}": "",
    "/min": "min⁻¹",
    "deg": "°",
    "Ohm": "Ω",
    "m2": "m²",
    "m/s2": "m/s²",
}
"""UCUM code to the sign that people know; others are shown as they are."""
_QUALITY: Final = {
    "stale": Text("old value", "旧值"),
    "comm": Text("no answer", "无应答"),
    "range": Text("out of range", "超出量程"),
    "decode": Text("not readable", "无法解析"),
    "clock": Text("clock not set", "时钟未校准"),
    "reverse": Text("ran backwards", "倒转"),
    "reset": Text("counter began anew", "计数归零"),
    "replaced": Text("meter swapped", "已换表"),
    "manual": Text("set by hand", "人工设置"),
    "unverified": Text("not verified", "未核实"),
}
STATES: Final = {
    "ok": Text("works", "正常"),
    "waiting": Text("waiting", "等待首次读数"),
    "stale": Text("silent", "数据过期"),
    "fault": Text("fault", "故障"),
    "alarm": Text("alarm", "报警"),
}
_BOOL: Final = {True: Text("yes", "是"), False: Text("no", "否")}
_SEGMENT: Final = re.compile(r"(x-|fb|[bufr])(.*)")
_SEGMENTS: Final = {
    "b": Text("block {}", "{}号楼"),
    "u": Text("unit {}", "{}单元"),
    "f": Text("floor {}", "{}层"),
    "fb": Text("basement {}", "地下{}层"),
    "r": Text("room {}", "{}室"),
    "x-": Text("{}", "{}"),
}
_SPANS: Final = ((86_400, Text("d", "天")), (3600, Text("h", "小时")), (60, Text("min", "分")), (1, Text("s", "秒")))


def span(seconds: float | None, language: Language) -> str:
    """`2 d 4 h`: the two greatest units; `–` where it is not known."""
    if seconds is None:
        return "–"
    rest, parts = int(seconds), list[str]()
    for length, name in _SPANS:
        count, rest = divmod(rest, length)
        if count or (length == 1 and not parts):
            parts.append(f"{count} {name.say(language)}")
        elif parts:
            break
    return " ".join(parts[:2])


def size(count: float) -> str:
    """`12.3 MB`, decimal prefixes."""
    step = next((step for step in range(4) if abs(count) < 999.5 * 1000**step), 4)
    shown = count / 1000**step
    return f"{shown:.1f} {PREFIXES[step]}B" if step and shown < 99.95 else f"{shown:.0f} {PREFIXES[step]}B"


def share(part: float | None) -> str:
    """`7.8 %`"""
    return "–" if part is None else f"{100 * part:.1f} %"


def number(value: float | int) -> str:
    """Thin spaces between thousands; at most 4 digits behind the point, 7 digits in all where there is a point."""
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f")
    if value and not 1e-4 <= abs(value) < 1e15:
        return f"{value:.4g}"
    digits = max(0, min(4, 7 - len(str(int(abs(value))))))
    whole, _, part = f"{value:.{digits}f}".partition(".")
    shown = f"{int(whole):,}".replace(",", "\u202f") if whole not in ("-0", "0") else whole
    part = part.rstrip("0")
    return f"{shown}.{part}" if part else shown.replace("-0", "0")


def value(of: Scalar | None, language: Language) -> str:
    """A value of a point; `–` where there is none."""
    if of is None:
        return "–"
    if isinstance(of, bool):
        return _BOOL[of].say(language)
    return of if isinstance(of, str) else number(of)


def unit(code: str | None) -> str:
    """The sign of a UCUM unit."""
    return _UNITS.get(code, code) if code else ""


def quality(text: str, language: Language) -> str:
    """`bad:comm` in words."""
    reason = text.partition(":")[2]
    return _QUALITY[reason].say(language) if reason in _QUALITY else reason


def state(of: str, language: Language) -> str:
    """The state of a device in a word."""
    return STATES[of].say(language)


def place(path: str, language: Language) -> str:
    """`370213/005/012/0007/b03/u02/f06/r601` without what is the same for the whole compound, in words."""
    parts = []
    for segment in path.split("/"):
        found = _SEGMENT.fullmatch(segment)
        if found:
            number_text = found[2].lstrip("0") if found[1] != "r" else found[2]
            parts.append(_SEGMENTS[found[1]].say(language).format(number_text or "0"))
    if not parts:
        return Text("compound", "小区").say(language)
    return _joined(parts) if language == "zh-CN" else ", ".join(parts).capitalize()


def _joined(parts: list[str]) -> str:
    """Chinese needs no space between its words, but before and behind Latin ones: `1号楼 lift1`."""
    latin = [part.isascii() for part in parts]
    spaced = [
        f" {part}" if number and (own or latin[number - 1]) else part
        for number, (part, own) in enumerate(zip(parts, latin, strict=True))
    ]
    return "".join(spaced)


def local(at_ms: int, zone: ZoneInfo) -> str:
    """Date and time on the site's clock, to the second."""
    return f"{datetime.datetime.fromtimestamp(at_ms / 1000, zone):%Y-%m-%d %H:%M:%S}"


def iso(at_ms: int) -> str:
    """RFC 3339 in UTC."""
    stamp = datetime.datetime.fromtimestamp(at_ms / 1000, datetime.UTC)
    return stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def state_class(severity: int) -> str:
    """The style of a severity."""
    return {1: "danger", 2: "danger", 3: "warn", 4: "calm"}[severity]
