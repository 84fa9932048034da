"""Single values: whether they fit, and what was probably meant where they do not."""

from __future__ import annotations

import datetime
import math
import re
import zoneinfo
from typing import Any

from courtyard.config.forms import is_place, is_timezone, is_uplink_url
from courtyard.config.mistakes import nearest_name
from courtyard.config.quantities import duration_s, size_bytes
from courtyard.config.shape import Scalar

WRONG: Any = object()
"""In place of a value that could not be read."""

LONGEST_TEXT = 500
_FORMS = {"place": is_place, "timezone": is_timezone, "uplink-url": is_uplink_url}
_LONG_UNITS = re.compile(r"\s|(?<=s)ec(?:onds?)?\b|(?<=m)in(?:utes?)?\b|(?<=h)(?:ours?|rs?)\b|(?<=d)ays?\b")


def read(shape: Scalar, raw: object) -> Any:
    """The value as the settings have it (seconds, bytes, a float for a number), or WRONG."""
    match shape.kind, raw:
        case "any", _:
            return raw
        case "boolean", bool():
            return raw
        case _, bool():
            return WRONG
        case "string", str():
            return raw if _text_fits(shape, raw) else WRONG
        case "integer", int():
            return raw if _in_range(shape, raw) and (not shape.choices or raw in shape.choices) else WRONG
        case "number", int() | float():
            return float(raw) if abs(raw) < 1e300 and math.isfinite(raw) and _in_range(shape, raw) else WRONG
        case (("duration" | "size"), str()):
            value = duration_s(raw) if shape.kind == "duration" else size_bytes(raw)
            return value if value is not None and _in_range(shape, value) else WRONG
        case _:
            return WRONG


def _in_range(shape: Scalar, value: float) -> bool:
    return (
        (shape.minimum is None or value >= shape.minimum)
        and (shape.maximum is None or value <= shape.maximum)
        and (shape.greater_than is None or value > shape.greater_than)
    )


def _text_fits(shape: Scalar, text: str) -> bool:
    if shape.choices:
        return text in shape.choices
    if not (shape.min_length or 0) <= len(text) <= (shape.max_length or 500):
        return False
    if any(char < " " for char in text) or (shape.pattern and not re.fullmatch(shape.pattern.removesuffix("$"), text)):
        return False
    return shape.form not in _FORMS or _FORMS[shape.form](text)


def nearest_value(shape: Scalar, raw: object) -> str | float | bool | None:
    """What was probably meant: a choice written a little differently, a number in quotes, a duration without unit."""
    offer: str | float | bool | None
    match shape.kind, raw:
        case "duration", str() | int() | float():
            text = _LONG_UNITS.sub("", str(raw).lower())
            offer = f"{text}s" if text.replace(".", "").isdigit() else text
        case "size", str():
            offer = re.sub("(?i)([kmgt]?)(i?)b?$", _size_unit, raw.strip())
        case "boolean", str():
            offer = {"true": True, "false": False}.get(raw.lower())
        case (("integer" | "number"), str()) if re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?", raw.strip()):
            offer = float(raw) if "." in raw else int(raw)
        case "string", str() if shape.choices:
            offer = nearest_name(raw, [str(choice) for choice in shape.choices])
        case "string", str() if shape.form == "timezone":
            offer = nearest_name(raw, zoneinfo.available_timezones())
        case "string", datetime.time():
            offer = f"{raw:%H:%M}"
        case "string", str() if re.fullmatch(r"[0-9]{1,2}[:：.][0-9]{2}", raw):
            offer = f"{raw[:-3]:0>2}:{raw[-2:]}"
        case "string", str():
            offer = raw.strip().lower().replace(" ", "-")
        case "string", int() | float():
            offer = str(raw)
        case _:
            offer = None
    return None if offer is None or offer == raw or read(shape, offer) is WRONG else offer


def _size_unit(unit: re.Match[str]) -> str:
    binary = "i" if unit[2] else ""
    prefix = "k" if unit[1] in ("k", "K") and not binary else unit[1].upper()
    return f"{prefix}{binary}B"
