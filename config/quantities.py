"""Spans of time and numbers of bytes as people write them: `60s`, `5m`, `1h30m`, `500ms`; `500MB`, `2GB`, `64KiB`."""

from __future__ import annotations

import re
from fractions import Fraction

_TIME_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,6})?"
_DURATION = re.compile("".join(f"(?:(?P<{unit}>{_NUMBER}){unit})?" for unit in _TIME_MS))
_SIZE_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12} | {
    f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", 1)
}
_SIZE = re.compile(rf"({_NUMBER}) ?({'|'.join(_SIZE_BYTES)})")

DURATION_PATTERN = "^(?=[0-9])" + "".join(rf"([0-9]+(\.[0-9]+)?{unit})?" for unit in _TIME_MS) + "$"
"""The same rules as ECMA regular expressions, for JSON Schema."""
SIZE_PATTERN = rf"^[0-9]+(\.[0-9]+)? ?({'|'.join(_SIZE_BYTES)})$"


def duration_s(text: str) -> float | None:
    """Seconds, or None when the text is not a duration: units d, h, m, s, ms, each at most once, largest first."""
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        return None
    parts = (Fraction(number) * _TIME_MS[unit] for unit, number in match.groupdict().items() if number)
    return float(sum(parts, Fraction(0)) / 1000)


def size_bytes(text: str) -> int | None:
    """Bytes, or None when the text is not a size: one number and B, kB, MB, GB, TB, KiB, MiB, GiB or TiB."""
    match = _SIZE.fullmatch(text)
    return None if match is None else int(Fraction(match[1]) * _SIZE_BYTES[match[2]])


def duration_text(seconds: float) -> str:
    """The shortest way to write it that `duration_s` reads back, to the millisecond: 90 is `90s`, 5400 is `1h30m`."""
    rest = round(seconds * 1000)
    if rest % 1000 == 0 and rest < 2 * _TIME_MS["m"]:
        return f"{rest // 1000}s"
    text = ""
    for unit, length in _TIME_MS.items():
        count, rest = divmod(rest, length)
        text += f"{count}{unit}" if count else ""
    return text


def size_text(count: int) -> str:
    """The largest decimal unit that divides it: 2000000000 is `2GB`."""
    unit = next(
        unit for unit in ("TB", "GB", "MB", "kB", "B") if (count % _SIZE_BYTES[unit] == 0 and count) or unit == "B"
    )
    return f"{count // _SIZE_BYTES[unit]}{unit}"
