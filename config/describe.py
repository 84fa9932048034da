"""What is allowed for a setting, in words."""

from __future__ import annotations

from collections.abc import Iterable

from courtyard.config.forms import PLACE_ALLOWED, TIMEZONE_ALLOWED, URL_ALLOWED
from courtyard.config.quantities import duration_text, size_text
from courtyard.config.shape import Either, Entries, Items, Scalar, Shape, Table, Variants
from courtyard.drivers.base import Text

MOST_NAMES = 40
_KINDS = {
    "string": Text("a text in quotes", "带引号的文本"),
    "integer": Text("a whole number", "整数"),
    "number": Text("a number", "数字"),
    "boolean": Text("true or false", "true 或 false"),
    "duration": Text('a duration such as "60s", "5m", "1h30m", "500ms"', '时长，例如 "60s"、"5m"、"1h30m"、"500ms"'),
    "size": Text('a size such as "2GB", "500MB", "64kB"', '容量，例如 "2GB"、"500MB"、"64kB"'),
    "any": Text("any value", "任意值"),
}
_FORMS = {
    "place": PLACE_ALLOWED,
    "timezone": TIMEZONE_ALLOWED,
    "uplink-url": URL_ALLOWED,
    "file": Text("the path of a file", "文件路径"),
    "secret-file": Text("the path of a file, or credential:NAME", "文件路径，或 credential:名称"),
}


def names(words: Iterable[object]) -> Text:
    """A list of names; of very many the first."""
    listed = [str(word) for word in words]
    if len(listed) > MOST_NAMES:
        listed[MOST_NAMES:] = ["…"]
    return Text(", ".join(listed), "、".join(listed)) if listed else Text("none", "无")


def allowed(shape: Shape) -> Text:
    """The values that a setting may take, for an installer."""
    match shape:
        case Scalar():
            return _scalar(shape)
        case Either(options=options):
            parts = [_scalar(option) for option in options]
            return Text(" or ".join(part.en for part in parts), "，或 ".join(part.zh for part in parts))
        case Items(item=Table() | Variants()):
            return Text("a list of tables", "由表组成的列表")
        case Items(item=item, min_length=least):
            inner = allowed(item)
            some = Text(" with at least one item", "，至少一项") if least else Text("", "")
            return Text(f"a list [...]{some.en}; each: {inner.en}", f"列表 [...]{some.zh}；每一项：{inner.zh}")
        case Entries(value=value):
            inner = allowed(value)
            return Text(
                f"a table {{ name = value }}; each value: {inner.en}", f"表 {{ 名称 = 值 }}；每个值：{inner.zh}"
            )
        case Table() | Variants():
            return Text("a table", "一个表")


def _scalar(shape: Scalar) -> Text:
    if shape.choices:
        choices = [f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in shape.choices]
        return Text(_listed(choices, " or "), "、".join(choices))
    if shape.allowed:
        return shape.allowed
    text, limits = _FORMS.get(shape.form or "", _KINDS[shape.kind]), _limits(shape)
    return Text(text.en + limits.en, text.zh + limits.zh)


def _limits(shape: Scalar) -> Text:
    low, high = shape.minimum, shape.maximum
    if low == 0 and shape.kind in ("duration", "size"):
        low = None  # there is nothing below
    if low is not None and high is not None:
        comma = "," if shape.kind in ("duration", "size") else ""
        first, last = _bound(shape, low), _bound(shape, high)
        return Text(f"{comma} from {first} to {last}", f"，{first}～{last}")
    if low is not None:
        return Text(f", {_bound(shape, low)} or more", f"，不小于 {_bound(shape, low)}")
    if high is not None:
        return Text(f", {_bound(shape, high)} or less", f"，不大于 {_bound(shape, high)}")
    if shape.greater_than is not None:
        return Text(f", more than {_bound(shape, shape.greater_than)}", f"，大于 {_bound(shape, shape.greater_than)}")
    return Text("", "")


def _bound(shape: Scalar, bound: float) -> str:
    if shape.kind == "duration":
        return duration_text(bound)
    return size_text(int(bound)) if shape.kind == "size" else f"{bound:g}" if abs(bound) < 1e6 else str(int(bound))


def _listed(words: list[str], last: str) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + last + words[-1]
