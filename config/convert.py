"""Plain data against the shape of the settings: every mistake is reported, and what is sound is kept.

A table becomes a `Draft`: the values that could be read, so that rules across tables can be checked even where other
settings are wrong.  A draft without mistakes builds its settings struct.
"""

from __future__ import annotations

import math
import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from courtyard.config.describe import allowed
from courtyard.config.forms import is_mqtt_url, is_place, is_timezone, without_credentials
from courtyard.config.mistakes import Findings, nearest_name, shown
from courtyard.config.positions import Path
from courtyard.config.quantities import duration_s, size_bytes
from courtyard.config.redact import is_secret_name
from courtyard.config.shape import Either, Entries, Items, Scalar, Shape, Table, Variants
from courtyard.drivers.base import Text

WRONG: Any = object()
"""In place of a value that could not be read."""

_FORMS = {"place": is_place, "timezone": is_timezone, "mqtt-url": is_mqtt_url}
_USUAL_WORDS = {
    "interval": "every", "period": "every", "poll_interval": "every", "cycle": "every", "slave": "address",
    "slave_id": "address", "unit": "address", "unit_id": "address", "server": "url", "broker": "url", "ip": "host",
    "speed": "baud", "user": "username", "cert_file": "certificate_file", "type": "profile", "model": "profile",
    "location": "place", "gt": "above", "lt": "below", "duration": "for",
}  # fmt: skip
"""What other products call these settings."""


class Draft:
    """One table as far as it could be read: `values` by attribute name, without those that are wrong or missing."""

    def __init__(self, table: Table, path: Path) -> None:
        self.table = table
        self.path = path
        self.values: dict[str, Any] = {}
        self.sound = True

    def get(self, attribute: str) -> Any:
        """The value, the default, or None where the setting is wrong or missing."""
        return self.values.get(attribute)

    def drafts(self, attribute: str) -> list[Draft]:
        """The tables of a list."""
        return [item for item in self.values.get(attribute) or () if isinstance(item, Draft)]

    def build(self) -> Any | None:
        """The settings struct, or None when anything in this table is wrong."""
        if not self.sound or not all(draft.sound for draft in _inside(self.values.values())):
            return None
        return self.table.cls(**{attribute: _built(value) for attribute, value in self.values.items()})


def convert(shape: Shape, raw: object, path: Path, findings: Findings) -> Any:
    """The value of `raw` (as `tomllib` gives it): a scalar, tuple, dict or Draft; WRONG when it is not one."""
    match shape:
        case Scalar():
            return _scalar(shape, raw, path, findings)
        case Either(options=options):
            option = next((option for option in options if _read(option, raw) is not WRONG), None)
            return _read(option, raw) if option else _wrong(shape, raw, path, findings)
        case Items(item=item):
            return _items(item, shape, raw, path, findings)
        case Entries(value=value):
            if not isinstance(raw, dict):
                return _wrong(shape, raw, path, findings)
            entries = {key: convert(value, each, (*path, key), findings) for key, each in raw.items()}
            return WRONG if WRONG in entries.values() else entries
        case Table():
            return _table(shape, raw, path, findings)
        case Variants():
            return _variant(shape, raw, path, findings)


def _items(item: Shape, shape: Items, raw: object, path: Path, findings: Findings) -> Any:
    if not isinstance(raw, list):
        if isinstance(raw, dict) and isinstance(item, Table | Variants):
            findings.add("value.list_wanted", path, at="key")
            return WRONG
        return _wrong(shape, raw, path, findings)
    if len(raw) < shape.min_length:
        return _wrong(shape, raw, path, findings)
    values = [convert(item, each, (*path, index), findings) for index, each in enumerate(raw)]
    return tuple(value for value in values if value is not WRONG) if WRONG not in values else WRONG


def _variant(shape: Variants, raw: object, path: Path, findings: Findings) -> Any:
    if not isinstance(raw, dict):
        return _wrong(shape, raw, path, findings)
    choice = Scalar("string", choices=tuple(shape.tables))
    if shape.tag_key not in raw:
        findings.add("key.missing", (*path, shape.tag_key), allowed=allowed(choice))
        return WRONG
    tag = _scalar(choice, raw[shape.tag_key], (*path, shape.tag_key), findings)
    return WRONG if tag is WRONG else _table(shape.tables[tag], raw, path, findings)


def _table(table: Table, raw: object, path: Path, findings: Findings) -> Any:
    if not isinstance(raw, dict):
        is_list_of_tables = isinstance(raw, list) and all(isinstance(each, dict) for each in raw)
        if is_list_of_tables and path and isinstance(path[-1], str):
            findings.add("value.table_wanted", path, at="key")
            return WRONG
        return _wrong(table, raw, path, findings)
    draft = Draft(table, path)
    meant = set()
    for key, value in raw.items():
        setting = table.settings.get(key)
        if setting is not None:
            read = convert(setting.shape, value, (*path, key), findings)
            if read is not WRONG:
                draft.values[setting.attribute] = read
            else:
                draft.sound = False
        elif key != table.tag_key:
            meant.add(_unknown(table, key, raw, path, findings))
            draft.sound = False
        elif value != table.tag:
            _scalar(Scalar("string", choices=(str(table.tag),)), value, (*path, key), findings)
            draft.sound = False
    for setting in table.settings.values():
        if setting.key in raw:
            continue
        if not setting.required:
            draft.values[setting.attribute] = setting.default
            continue
        draft.sound = False
        if setting.key not in meant:
            findings.add("key.missing", (*path, setting.key), allowed=allowed(setting.shape))
    return draft


def _unknown(table: Table, key: str, raw: Mapping[str, object], path: Path, findings: Findings) -> str | None:
    """Reports a key that does not exist; gives back the one that was probably meant."""
    free = [name for name in table.settings if name not in raw]
    if is_secret_name(key):
        instead = next((name for name in free if name.endswith("_file") and key[:3] in name), "password_file")
        findings.add("secret.inline", (*path, key), at="key", instead=instead)
        return None
    usual = _USUAL_WORDS.get(key.lower())
    nearest = usual if usual in free else nearest_name(key, free)
    names = ", ".join(table.settings)
    findings.add("key.unknown", (*path, key), at="key", found=key, allowed=Text(names, names), nearest=nearest)
    return nearest


def _scalar(shape: Scalar, raw: object, path: Path, findings: Findings) -> Any:
    value = _read(shape, raw)
    if value is not WRONG:
        return value
    if shape.form == "mqtt-url" and isinstance(raw, str) and (clean := without_credentials(raw)):
        findings.add("secret.in_url", path, found=clean)
        return WRONG
    return _wrong(shape, raw, path, findings)


def _wrong(shape: Shape, raw: object, path: Path, findings: Findings) -> Any:
    nearest = _nearest_value(shape, raw) if isinstance(shape, Scalar) else None
    findings.add("value.wrong", path, found=shown(raw), allowed=allowed(shape), nearest=nearest)
    return WRONG


def _nearest_value(shape: Scalar, raw: object) -> str | None:
    """What was probably meant: a choice written a little differently, a number without its unit."""
    if shape.kind == "duration" and isinstance(raw, int | float | str):
        text = re.sub(r"\s|(?<=s)ec(onds?)?\b|(?<=m)in(utes?)?\b|(?<=h)(ours?|rs?)\b", "", str(raw).lower())
        text = text if isinstance(raw, str) and not text.replace(".", "").isdigit() else f"{text}s"
        return shown(text) if _read(shape, text) is not WRONG else None
    if shape.kind == "size" and isinstance(raw, str):
        for text in (raw, f"{raw}B"):
            near = re.sub("(?i)([kmgt]?)(i?)b$", lambda unit: _prefix(unit[1]) + unit[2].lower() + "B", text)
            if _read(shape, near) is not WRONG:
                return shown(near)
        return None
    if shape.kind in ("integer", "number", "boolean") and isinstance(raw, str):
        plain: object = {"true": True, "false": False}.get(raw.lower()) if shape.kind == "boolean" else _number(raw)
        return shown(plain) if plain is not None and _read(shape, plain) is not WRONG else None
    if shape.form == "timezone" and isinstance(raw, str):
        return _quoted(nearest_name(raw, zoneinfo.available_timezones()))
    if shape.choices and isinstance(raw, str):
        return _quoted(nearest_name(raw, [choice for choice in shape.choices if isinstance(choice, str)]))
    if shape.kind == "string" and isinstance(raw, int | float) and not isinstance(raw, bool):
        return shown(str(raw)) if _read(shape, str(raw)) is not WRONG else None
    if shape.kind == "string" and isinstance(raw, str):
        lower = raw.strip().lower().replace(" ", "-")
        return shown(lower) if lower != raw and _read(shape, lower) is not WRONG else None
    return None


def _prefix(letter: str) -> str:
    return "k" if letter in "kK" and letter else letter.upper()


def _number(text: str) -> float | int | None:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?", text.strip()):
        return None
    return float(text) if "." in text else int(text)


def _quoted(name: str | None) -> str | None:
    return None if name is None else shown(name)


def _read(shape: Scalar, raw: object) -> Any:
    """The value, or WRONG."""
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
    return (shape.minimum is None or value >= shape.minimum) and (shape.maximum is None or value <= shape.maximum)


def _text_fits(shape: Scalar, text: str) -> bool:
    if shape.choices:
        return text in shape.choices
    if not (shape.min_length or 0) <= len(text) <= (shape.max_length or 500):
        return False
    if "\x00" in text or (shape.pattern and not re.fullmatch(shape.pattern.removesuffix("$"), text)):
        return False
    return shape.form not in _FORMS or _FORMS[shape.form](text)


def _inside(values: object) -> Iterator[Draft]:
    for value in values if isinstance(values, Iterable) and not isinstance(values, str) else ():
        if isinstance(value, Draft):
            yield value
            yield from _inside(value.values.values())
        elif isinstance(value, tuple):
            yield from _inside(value)


def _built(value: Any) -> Any:
    if isinstance(value, Draft):
        return value.build()
    if isinstance(value, tuple):
        return tuple(_built(item) for item in value)
    return value
