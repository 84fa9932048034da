"""JSON Schema (draft 2020-12) of `site.toml` and of profile files, for editors that complete and check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from courtyard.config.catalogue import SITE_PREFIX, product_catalogue
from courtyard.config.forms import PLACE_PATTERN
from courtyard.config.library import PRODUCT_PROFILES, Library
from courtyard.config.quantities import DURATION_PATTERN, SIZE_PATTERN, duration_text, size_text
from courtyard.config.shape import Either, Entries, Items, Scalar, Setting, Shape, Table, Variants
from courtyard.config.units import UNITS
from courtyard.drivers.base import Text

UPLINK_URL_PATTERN = "^(?:mqtts?://[^/?#@]+|(?:tcp|udp)://[^/?#@]+:[0-9]{1,5})/?$"
_TYPES = {"string": "string", "integer": "integer", "number": "number", "boolean": "boolean"}


def schema_of(shape: Shape, title: Text) -> dict[str, Any]:
    """The schema of a whole file."""
    definitions: dict[str, Any] = {}
    root = _object(shape, definitions) if isinstance(shape, Table) else _schema(shape, definitions)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title.en, "x-title-zh": title.zh}
    return head | root | {"$defs": dict(sorted(definitions.items()))}


def plain(value: Any, shape: Shape) -> Any:
    """A default or example as TOML and JSON have it: durations and sizes as texts, structs as tables."""
    if isinstance(shape, Scalar) and shape.kind in ("duration", "size") and isinstance(value, int | float):
        return duration_text(value) if shape.kind == "duration" else size_text(int(value))
    if isinstance(shape, Items):
        return [plain(item, shape.item) for item in value]
    if isinstance(shape, Table) and not isinstance(value, Mapping):
        pairs = ((setting, getattr(value, setting.attribute)) for setting in shape.settings.values())
        return {setting.key: plain(each, setting.shape) for setting, each in pairs if each is not None}
    return value


def _object(table: Table, definitions: dict[str, Any]) -> dict[str, Any]:
    properties = {setting.key: _property(setting, definitions) for setting in table.settings.values()}
    required = [setting.key for setting in table.settings.values() if setting.required]
    if table.tag_key is not None:
        properties = {table.tag_key: {"const": table.tag}} | properties
        required = [table.tag_key, *required]
    schema = {"type": "object"} | _described(table.help) | {"properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


def _property(setting: Setting, definitions: dict[str, Any]) -> dict[str, Any]:
    schema = _described(setting.help) | _schema(setting.shape, definitions)
    if not setting.required and setting.default is not None:
        schema["default"] = plain(setting.default, setting.shape)
    if setting.example is not None:
        schema["examples"] = [setting.example]
    return schema


def _schema(shape: Shape, definitions: dict[str, Any]) -> dict[str, Any]:
    match shape:
        case Scalar():
            return _scalar(shape)
        case Either(options=options):
            return {"anyOf": [_scalar(option) for option in options]}
        case Items(item=item, min_length=least):
            return {"type": "array", "items": _schema(item, definitions)} | ({"minItems": least} if least else {})
        case Entries(value=value):
            return {"type": "object", "additionalProperties": _schema(value, definitions)}
        case Variants(tag_key=key, tables=tables):
            choice = {"type": "object", "properties": {key: {"enum": list(tables)}}, "required": [key]}
            return choice | {"oneOf": [_schema(table, definitions) for table in tables.values()]}
        case Table():
            name = shape.cls.__name__
            if name not in definitions:
                definitions[name] = {}  # before its members, which may refer to it
                definitions[name] = _object(shape, definitions)
            return {"$ref": f"#/$defs/{name}"}


def _scalar(shape: Scalar) -> dict[str, Any]:
    if shape.choices:
        return {"enum": list(shape.choices)}
    if shape.kind in ("duration", "size"):
        return {"type": "string", "pattern": DURATION_PATTERN if shape.kind == "duration" else SIZE_PATTERN}
    if shape.kind == "any":
        return {}
    schema: dict[str, Any] = {"type": _TYPES[shape.kind]}
    pattern = {"place": PLACE_PATTERN, "uplink-url": UPLINK_URL_PATTERN}.get(shape.form or "", shape.pattern)
    limits = {
        "pattern": pattern,
        "minimum": shape.minimum,
        "maximum": shape.maximum,
        "exclusiveMinimum": shape.greater_than,
        "minLength": shape.min_length,
        "maxLength": shape.max_length,
    }
    schema |= {key: limit for key, limit in limits.items() if limit is not None}
    names = _names(shape.form)
    return (
        {"anyOf": [{"enum": names}, schema | ({} if pattern else {"pattern": rf"^{SITE_PREFIX}"})]} if names else schema
    )


def _names(form: str | None) -> list[str]:
    """Names that an editor can offer; a site may have its own besides."""
    match form:
        case "profile":
            return list(Library((PRODUCT_PROFILES,), product_catalogue()).names())
        case "point":
            return list(product_catalogue())
        case "unit":
            return list(UNITS)
        case _:
            return []


def _described(help_text: Text | None) -> dict[str, Any]:
    return {} if help_text is None else {"description": help_text.en, "x-description-zh": help_text.zh}
