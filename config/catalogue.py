"""The point catalogue: what a normalised quantity is called, means and is measured in."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from courtyard.config.care import VITAL
from courtyard.config.convert import Draft, convert
from courtyard.config.describe import names
from courtyard.config.mistakes import Findings
from courtyard.config.shape import Table, table_of
from courtyard.config.units import UNITS
from courtyard.drivers.base import Text
from courtyard.drivers.lines.settings import help_text

SITE_PREFIX = "site."
"""Points that a site adds for itself begin with this, so that they never clash with later catalogues."""


SUMMARIES: Mapping[str, Text] = {
    "minute_mean": Text("mean of a minute", "一分钟平均"),
    "minute_min": Text("least of a minute", "一分钟最低"),
    "minute_max": Text("greatest of a minute", "一分钟最高"),
}


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one value of an enum is called."""

    en: Annotated[str, help_text("English.", "英文。")]
    zh: Annotated[str, help_text("Chinese.", "中文。")]


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One quantity."""

    type: Annotated[Literal["number", "counter", "boolean", "text", "enum"], help_text("Kind of value.", "数值类型。")]
    en: Annotated[str, help_text("Label in English.", "英文名称。")]
    zh: Annotated[str, help_text("Label in Chinese.", "中文名称。")]
    unit: Annotated[str | None, Meta(extra={"kind": "unit"}), help_text("UCUM unit.", "UCUM 单位。", example="m3")] = (
        None
    )
    ipso: Annotated[
        str | None,
        help_text("OMA LwM2M object, or object/resource.", "OMA LwM2M 对象，或对象/资源。", example="3424/1"),
    ] = None
    values: Annotated[
        dict[str, dict[str, str]], help_text("Values of an enum with their labels.", "枚举值及其名称。")
    ] = {}

    @property
    def label(self) -> Text:
        return Text(self.en, self.zh)


Catalogue: TypeAlias = Mapping[str, Point]


@cache
def product_catalogue() -> Catalogue:
    """The points of the product, by name."""
    text = Path(__file__).with_name("catalogue.toml").read_text("utf-8")
    points = msgspec.convert(tomllib.loads(text), dict[str, Point])
    return {**points, **_summaries(points)}


def _summaries(points: Catalogue) -> dict[str, Point]:
    """What a minute of a vital sign is told as."""
    return {
        f"{name}.{summary}": msgspec.structs.replace(
            point, en=f"{point.en}, {label.en}", zh=f"{point.zh}（{label.zh}）", ipso=None
        )
        for name, point in points.items()
        if name.startswith(VITAL)
        for summary, label in SUMMARIES.items()
    }


def read_catalogue(raw: Mapping[str, object], findings: Findings) -> dict[str, Point]:
    """A site's own points; mistakes go to `findings`."""
    points = {}
    for name, entry in raw.items():
        if not name.startswith(SITE_PREFIX):
            findings.add("point.prefix", (name,), at="key", found=name, prefix=SITE_PREFIX)
        point = _point(table_of(Point), entry, name, findings)
        if point is not None:
            points[name] = point
    return points


def _point(table: Table, entry: object, name: str, findings: Findings) -> Point | None:
    draft = convert(table, entry, (name,), findings)
    point = draft.build() if isinstance(draft, Draft) else None
    if not isinstance(point, Point):
        return None
    numeric = point.type in ("number", "counter")
    if numeric and point.unit not in UNITS:
        findings.add("catalogue.unit", (name, "unit"), found=str(point.unit), allowed=names(UNITS), near=UNITS)
        return None
    return point
