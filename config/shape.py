"""Settings types as one small tree, read once from the annotations of the msgspec structs.

The reader, the JSON Schema, the settings reference and the example site all walk this tree, so that a setting's type,
bounds, default, help and example are said in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

import msgspec
from msgspec import inspect

from courtyard.drivers.base import Text

Kind = Literal["string", "integer", "number", "boolean", "duration", "size", "any"]


class Scalar(msgspec.Struct, frozen=True):
    """A single value.  `form` says what a text names: place, timezone, uplink-url, file, secret-file, profile, ..."""

    kind: Kind
    choices: tuple[str | int, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    greater_than: float | None = None
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    form: str | None = None
    allowed: Text | None = None


class Items(msgspec.Struct, frozen=True):
    """A list."""

    item: Shape
    min_length: int = 0


class Entries(msgspec.Struct, frozen=True):
    """A table whose keys are free."""

    value: Shape


class Either(msgspec.Struct, frozen=True):
    """One of several kinds of single value."""

    options: tuple[Scalar, ...]


class Setting(msgspec.Struct, frozen=True):
    """One key of a table.  `default` is NODEFAULT when the setting is required."""

    key: str
    attribute: str
    shape: Shape
    help: Text | None
    default: Any = msgspec.NODEFAULT
    example: Any = None
    unit: str | None = None

    @property
    def required(self) -> bool:
        return self.default is msgspec.NODEFAULT


class Table(msgspec.Struct, frozen=True):
    """A table with known keys; becomes an instance of `cls`."""

    cls: type[Any]
    settings: Mapping[str, Setting]
    tag_key: str | None = None
    tag: str | None = None
    help: Text | None = None


class Variants(msgspec.Struct, frozen=True):
    """One of several tables, told apart by the value of one key."""

    tag_key: str
    tables: Mapping[str, Table]


Shape = Scalar | Items | Entries | Either | Table | Variants


@cache
def shape_of(settings_type: Any) -> Shape:
    """The shape of a settings struct or a union of tagged ones.  Raises TypeError for annotations that have none."""
    return _shape(inspect.type_info(settings_type), {})


def table_of(settings_type: type[Any]) -> Table:
    """The shape of one settings struct."""
    shape: Shape = shape_of(settings_type)  # type: ignore[arg-type]  # a class is hashable
    if not isinstance(shape, Table):
        raise TypeError(f"{settings_type!r} is not one table")
    return shape


def _shape(info: inspect.Type, extra: Mapping[str, Any]) -> Shape:
    match info:
        case inspect.Metadata(type=inner):
            return _shape(inner, {**_description(info), **extra, **(info.extra or {})})
        case inspect.UnionType(types=types):
            return _union([each for each in types if not isinstance(each, inspect.NoneType)], extra)
        case inspect.StructType():
            return _table(info, extra)
        case inspect.VarTupleType(item_type=item):
            return Items(_shape(item, {}), info.min_length or 0)
        case inspect.DictType(value_type=value):
            return Entries(_shape(value, {}))
        case inspect.LiteralType(values=values):
            choices = tuple(value for value in values if isinstance(value, str | int))
            return Scalar("string" if isinstance(choices[0], str) else "integer", choices=choices)
        case inspect.StrType():
            return _text(info, extra)
        case inspect.BoolType():
            return Scalar("boolean")
        case inspect.IntType():
            return _number("size" if extra.get("kind") == "size" else "integer", info)
        case inspect.FloatType():
            return _number("duration" if extra.get("kind") == "duration" else "number", info)
        case inspect.CustomType() | inspect.AnyType():
            return Scalar("any")
        case _:
            raise TypeError(f"no settings shape for {info!r}")


def _number(kind: Kind, info: inspect.IntType | inspect.FloatType) -> Scalar:
    if info.lt is not None or info.multiple_of is not None:
        raise TypeError(f"no settings shape for {info!r}")
    return Scalar(kind, minimum=info.ge, maximum=info.le, greater_than=info.gt)


def _text(info: inspect.StrType, extra: Mapping[str, Any]) -> Scalar:
    allowed = extra.get("allowed")
    return Scalar(
        "string",
        pattern=info.pattern,
        min_length=info.min_length,
        max_length=info.max_length,
        form=extra.get("kind"),
        allowed=Text(*allowed) if allowed else None,
    )


def _union(types: list[inspect.Type], extra: Mapping[str, Any]) -> Shape:
    if len(types) == 1:
        return _shape(types[0], extra)
    shapes = [_shape(each, {}) for each in types]
    tables = [shape for shape in shapes if isinstance(shape, Table)]
    if len(tables) == len(shapes):
        return Variants(str(tables[0].tag_key), {str(table.tag): table for table in tables})
    scalars = tuple(shape for shape in shapes if isinstance(shape, Scalar))
    if len(scalars) != len(shapes):
        raise TypeError(f"no settings shape for a union of {types!r}")
    return Either(scalars)


def _table(info: inspect.StructType, extra: Mapping[str, Any]) -> Table:
    settings = {field.encode_name: _setting(field) for field in info.fields}
    return Table(info.cls, settings, info.tag_field, None if info.tag is None else str(info.tag), _help(extra))


def _setting(field: inspect.Field) -> Setting:
    extra: dict[str, Any] = {}
    info = field.type
    while isinstance(info, inspect.Metadata):
        extra = {**_description(info), **(info.extra or {}), **extra}
        info = info.type
    default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    return Setting(
        field.encode_name,
        field.name,
        _shape(field.type, {}),
        _help(extra),
        default,
        extra.get("example"),
        extra.get("unit"),
    )


def _description(info: inspect.Metadata) -> dict[str, Any]:
    return {"en": info.extra_json_schema["description"]} if info.extra_json_schema else {}


def _help(extra: Mapping[str, Any]) -> Text | None:
    return Text(extra["en"], extra["zh"]) if "en" in extra and "zh" in extra else None
