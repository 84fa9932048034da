"""Changes in the text of a site file that leave everything else as it is: comments, order, spacing.

Invariant: the changed text says exactly what was asked for.  It is read again with `tomllib` and compared; a text that
is written in a way in which this cannot be kept is not changed at all (`Unchangeable`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from courtyard.config.generate.toml_text import key_text, value_text
from courtyard.config.positions import Layout, Path, layout

_COMMENTS = re.compile(r"(?:[ \t]*#[^\n]*(?:\n|$))*")
_BLANK_OR_COMMENT = re.compile(r"[ \t]*(?:#[^\n]*)?$")


class Unchangeable(Exception):
    """The text is written in a way that cannot be changed by a program without disturbing it."""


def with_values(text: str, table: str, values: Mapping[str, Any], index: int | None = None) -> str:
    """Sets keys of `[table]`, or of entry `index` of `[[table]]`; None takes a key away.  A table that is missing is
    added at the end.  `text` has `\\n` line ends.  Raises Unchangeable, tomllib.TOMLDecodeError.
    """
    data = tomllib.loads(text)
    wanted = dict(data)
    kept = {key: value for key, value in values.items() if value is not None}
    if index is None:
        wanted[table] = _merged(data.get(table, {}), values)
        if table not in data:
            return _checked(_appended(text, f"[{table}]", kept), wanted)
    else:
        wanted[table] = [*data[table]]
        wanted[table][index] = _merged(data[table][index], values)
    path: Path = (table,) if index is None else (table, index)
    for key, value in values.items():
        text = _with_value(text, path, key, value)
    return _checked(text, wanted)


def with_entries(text: str, table: str, entries: Sequence[Mapping[str, Any]]) -> str:
    """Adds entries behind the last `[[table]]`, or at the end where there is none.  Raises as `with_values`."""
    data = tomllib.loads(text)
    wanted = {**data, table: [*data.get(table, []), *entries]}
    if table not in data:
        for entry in entries:
            text = _appended(text, f"[[{table}]]", entry)
        return _checked(text, wanted)
    found = layout(text)
    start = found.spots.get((table, len(data[table]) - 1))
    if start is None or found.headers.get(start.key) != (table, len(data[table]) - 1):
        raise Unchangeable
    at = _section_end(text, found, start.key)
    added = "".join(f"\n{_written(f'[[{table}]]', entry)}" for entry in entries)
    before, after = text[:at], text[at:]
    return _checked(before + ("" if before.endswith("\n") else "\n") + added + after, wanted)


def without_entry(text: str, table: str, index: int) -> str:
    """Takes one entry of `[[table]]` away, with the comments inside it.  Raises as `with_values`."""
    data = tomllib.loads(text)
    wanted = {**data, table: [each for number, each in enumerate(data[table]) if number != index]}
    if not wanted[table]:
        del wanted[table]
    found = layout(text)
    start = found.spots[(table, index)].key
    if found.headers.get(start) != (table, index):
        raise Unchangeable
    end = _section_end(text, found, start)
    while text.startswith("\n", end):
        end += 1
    return _checked(text[:start] + text[end:], wanted)


def _merged(table: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise Unchangeable
    return {key: value for key, value in {**table, **values}.items() if value is not None}


def _checked(text: str, wanted: Mapping[str, Any]) -> str:
    try:
        if tomllib.loads(text) == wanted:
            return text
    except tomllib.TOMLDecodeError as error:
        raise Unchangeable from error
    raise Unchangeable


def _with_value(text: str, table: Path, key: str, value: Any) -> str:
    found, path = layout(text), (*table, key)
    spot, end = found.spots.get(path), found.ends.get(path)
    if spot is not None and end is None:
        raise Unchangeable  # a table of its own, or dotted keys
    if spot is None or end is None:
        return text if value is None else _with_key(text, found, table, f"{key_text(key)} = {value_text(value)}")
    if value is not None:
        return text[: spot.value] + value_text(value) + text[end:]
    line = text.rfind("\n", 0, spot.key) + 1
    after = _line_end(text, end)
    if text[line : spot.key].strip() or not _BLANK_OR_COMMENT.match(text[end:after].rstrip("\n")):
        raise Unchangeable  # inside of an inline table
    return text[:line] + text[after:]


def _with_key(text: str, found: Layout, table: Path, written: str) -> str:
    """Behind the last key of the table itself."""
    spot = found.spots.get(table)
    if spot is None or found.headers.get(spot.key) != table:
        raise Unchangeable
    until = next((offset for offset in found.headers if offset > spot.key), len(text))
    ends = [end for path, end in found.ends.items() if path[:-1] == table and spot.key < end <= until]
    at = _line_end(text, max(ends, default=text.index("]", spot.key)))
    before = text[:at]
    return f"{before}{'' if before.endswith(chr(10)) else chr(10)}{written}\n{text[at:]}"


def _section_end(text: str, found: Layout, header: int) -> int:
    """Behind the last line of a table with all below it; comments directly under it are its own, unless they lead to
    the next table."""
    own = found.headers[header]
    until = next((at for at, path in found.headers.items() if at > header and path[: len(own)] != own), len(text))
    inside = [end for end in found.ends.values() if header < end <= until]
    inside += [text.index("]", at) for at in found.headers if header <= at < until]
    at = _line_end(text, max(inside))
    comments = _COMMENTS.match(text, at, until)
    behind = comments.end() if comments else at
    return at if behind >= until and until < len(text) else behind


def _line_end(text: str, at: int) -> int:
    """Behind the line in which `at` is."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _appended(text: str, header: str, values: Mapping[str, Any]) -> str:
    text = text.rstrip("\n")
    return f"{text}\n\n{_written(header, values)}" if text else _written(header, values)


def _written(header: str, values: Mapping[str, Any]) -> str:
    return "\n".join((header, *_lines(values), ""))


def _lines(values: Mapping[str, Any]) -> Iterable[str]:
    return (f"{key_text(key)} = {value_text(value)}" for key, value in values.items())
