"""The position scanner against tomllib: the same keys, each found where its value is written."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from courtyard.config.positions import DEEPEST, Path, line_and_column, line_starts, scan

EXAMPLES = 1500 if os.environ.get("COURTYARD_CAMPAIGN") == "full" else 80

SPACE = st.sampled_from(["", " ", "  ", "\t"])
COMMENT = st.sampled_from(["", " # a = 1", ' # "[x]"', " # 全角。"])
BARE = st.text("abcXYZ019_-", min_size=1, max_size=4)
ODD = st.text(st.characters(min_codepoint=32, max_codepoint=0x4E20, exclude_categories=["Cs", "Cc"]), max_size=4)
PLAIN_TEXT = st.text(st.sampled_from("ab #=[]{}',.\"\\\n一"), max_size=8)


@st.composite
def written_keys(draw: st.DrawFn) -> str:
    """A key as somebody may write it: bare, quoted, literal."""
    kind = draw(st.integers(0, 3))
    if kind < 2:
        return draw(BARE)
    text = draw(ODD)
    if kind == 2 and "'" not in text:
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=draw(st.booleans())).replace("\x7f", "\\u007f")


@st.composite
def written_texts(draw: st.DrawFn) -> str:
    text = draw(PLAIN_TEXT)
    match draw(st.integers(0, 3)):
        case 0 if "'" not in text and "\n" not in text:
            return f"'{text}'"
        case 1 if "'" not in text:
            return f"'''{text}'''"
        case 2:
            return '"""' + text.replace("\\", "\\\\").replace('"', '\\"') + '"""'
    return json.dumps(text, ensure_ascii=False)


scalars = st.one_of(
    written_texts(),
    st.integers(-(10**6), 10**6).map(str),
    st.sampled_from(["1.5", "-0.0", "1e3", "inf", "nan", "true", "false", "0x1F", "1_000", "''", '""""a"b"""']),
    st.sampled_from(["1979-05-27", "1979-05-27 07:32:00Z", "1979-05-27T07:32:00.5+08:00", "07:32:00"]),
)


@st.composite
def lists(draw: st.DrawFn, children: st.SearchStrategy[str]) -> str:
    gap = st.sampled_from(["", " ", "\n", "\n  ", " # ]}\n"])
    items = [draw(gap) + draw(children) + draw(gap) for _ in range(draw(st.integers(0, 3)))]
    end = "," if items and draw(st.booleans()) else ""
    return "[" + ",".join(items) + end + draw(gap) + "]"


@st.composite
def inline_tables(draw: st.DrawFn, children: st.SearchStrategy[str]) -> str:
    keys = draw(st.lists(written_keys(), max_size=3))
    entries = [f"{draw(SPACE)}{key}{draw(SPACE)}={draw(SPACE)}{draw(children)}{draw(SPACE)}" for key in keys]
    return "{" + ",".join(entries) + "}"


values = st.recursive(scalars, lambda children: st.one_of(lists(children), inline_tables(children)), max_leaves=6)


@st.composite
def documents(draw: st.DrawFn) -> str:
    lines = []
    for _ in range(draw(st.integers(0, 8))):
        dotted = (draw(SPACE) + "." + draw(SPACE)).join(draw(st.lists(written_keys(), min_size=1, max_size=3)))
        match draw(st.integers(0, 5)):
            case 0:
                lines.append(f"[{draw(SPACE)}{dotted}{draw(SPACE)}]{draw(COMMENT)}")
            case 1:
                lines.append(f"[[{dotted}]]{draw(COMMENT)}")
            case 2:
                lines.append(draw(COMMENT).strip())
            case _:
                lines.append(f"{draw(SPACE)}{dotted}{draw(SPACE)}={draw(SPACE)}{draw(values)}{draw(COMMENT)}")
    return "\n".join(lines)


def paths_of(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if path:
        yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths_of(item, (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths_of(item, (*path, index))


def valid(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


@settings(max_examples=EXAMPLES)
@given(documents())
@example("a = [[1, 2], [{b = 3}]]\n[x.'y z']\nc.d = '''e\n'''\n[[x.l]]\nf = 1\n[[x.l]]\n[x.l.g]\nh = 2")
def test_every_key_and_item_is_found_and_nothing_else(text: str) -> None:
    data = valid(text)
    if data is None:
        return
    assert set(scan(text)) == {path for path, _ in paths_of(data)}


@settings(max_examples=EXAMPLES)
@given(documents())
def test_the_value_stands_where_the_scanner_says(text: str) -> None:
    data = valid(text)
    if data is None:
        return
    spots = scan(text)
    for path, value in paths_of(data):
        spot = spots[path]
        if isinstance(value, dict) and text[spot.value : spot.value + 1] != "{":
            continue  # a table with a header, or made by dotted keys
        if isinstance(value, list) and text.startswith("[[", spot.key) and spot.key == spot.value:
            continue  # a list of tables with headers
        assert _starts_with(text[spot.value :], value), (path, text[spot.value :])


def _starts_with(text: str, value: Any) -> bool:
    """Whether some beginning of the text, as a TOML value, is this value."""
    ends = [end for end in range(1, len(text) + 1) if end == len(text) or text[end] in " \t\n,]}#"]
    return any(_same(valid(f"v = {text[:end]}"), value) for end in ends)


def _same(document: dict[str, Any] | None, value: Any) -> bool:
    return document is not None and repr(document.get("v")) == repr(value)


@given(st.text())
@example('a = """')
@example("[")
@example("a.")
@example('"')
def test_any_text_is_scanned_without_an_exception(text: str) -> None:
    assert all(0 <= spot.key <= spot.value <= len(text) for spot in scan(text).values())


@given(st.text("a\n", max_size=30), st.data())
def test_line_and_column_count_from_one(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    line, column = line_and_column(line_starts(text), offset)
    assert text.split("\n")[line - 1][: column - 1] == text[:offset].split("\n")[-1]
    assert line == text[:offset].count("\n") + 1


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a." * 100_000 + "b = 1", "a = " + "{b = " * 100_000])
def test_depth_is_bounded(text: str) -> None:
    assert len(scan("first = 1\n" + text)) <= DEEPEST + 2
