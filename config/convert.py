"""Plain data against the shape of the settings: every mistake is reported, and what is sound is kept.

A table becomes a `Draft`: the values that could be read, so that rules across tables can be checked even where other
settings are wrong.  A draft without mistakes builds its settings struct.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from courtyard.config.describe import allowed, names
from courtyard.config.forms import without_credentials
from courtyard.config.mistakes import Findings, nearest_name, shown
from courtyard.config.positions import Path
from courtyard.config.redact import is_secret_name
from courtyard.config.scalar import WRONG, nearest_value, read
from courtyard.config.shape import Either, Entries, Items, Scalar, Shape, Table, Variants

MISSING = ("key.missing", "table.missing")
"""Codes of what is only said when the whole file could be read: a line that could not may have had it."""
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
            option = next((option for option in options if read(option, raw) is not WRONG), None)
            return read(option, raw) if option else _wrong(shape, raw, path, findings)
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
    tag = WRONG
    if shape.tag_key not in raw:
        findings.add("key.missing", (*path, shape.tag_key), allowed=allowed(choice))
    else:
        tag = _scalar(choice, raw[shape.tag_key], (*path, shape.tag_key), findings)
    if tag is not WRONG:
        return _table(shape.tables[tag], raw, path, findings)
    unknown = Draft(Table(object, {}), path)  # of which at least the name may be known, for references to it
    unknown.values = {key: value for key, value in raw.items() if isinstance(value, str)}
    unknown.sound = False
    return unknown


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
            converted = convert(setting.shape, value, (*path, key), findings)
            if converted is not WRONG:
                draft.values[setting.attribute] = converted
            else:
                draft.sound = False
        elif key != table.tag_key:
            meant.add(_unknown(table, key, raw, path, findings))
            draft.sound = False
        elif value != table.tag:
            _scalar(Scalar("string", choices=(str(table.tag),)), value, (*path, key), findings)
            draft.sound = False
    if table.tag_key is not None and table.tag_key not in raw:
        findings.add("key.missing", (*path, table.tag_key), allowed=names([f'"{table.tag}"']))
        draft.sound = False
    for setting in table.settings.values():
        if setting.key in raw:
            continue
        if not setting.required:
            draft.values[setting.attribute] = setting.default
            continue
        draft.sound = False
        if setting.key not in meant:
            code = "table.missing" if isinstance(setting.shape, Table) else "key.missing"
            findings.add(code, (*path, setting.key), allowed=allowed(setting.shape))
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
    findings.add("key.unknown", (*path, key), at="key", found=key, allowed=names(table.settings), nearest=nearest)
    return nearest


def _scalar(shape: Scalar, raw: object, path: Path, findings: Findings) -> Any:
    value = read(shape, raw)
    if value is not WRONG:
        return value
    if shape.form == "uplink-url" and isinstance(raw, str) and "@" in raw:
        findings.add("secret.in_url", path, found=without_credentials(raw))
        return WRONG
    return _wrong(shape, raw, path, findings)


def _wrong(shape: Shape, raw: object, path: Path, findings: Findings) -> Any:
    scalars = shape.options if isinstance(shape, Either) else (shape,) if isinstance(shape, Scalar) else ()
    nearest = next((offer for each in scalars if (offer := nearest_value(each, raw)) is not None), None)
    findings.add("value.wrong", path, found=shown(raw), allowed=allowed(shape), nearest=nearest)
    return WRONG


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
