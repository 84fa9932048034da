"""Where each key and value of a TOML text stands.

`tomllib` gives values without their lines; this scanner gives lines without values.  It reads any text that `tomllib`
accepts (TOML 1.0) and stops quietly where a text is not TOML, keeping what it has found so far.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from contextlib import suppress
from typing import NamedTuple, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list indexes from the root: ("devices", 3, "every")."""


class Spot(NamedTuple):
    """Offsets into the text, in characters: of the key (or table header) and of the value."""

    key: int
    value: int


class Layout(NamedTuple):
    """All of a text: where each key and value begins, where values that are written out end, and the table headers by
    offset, in their order."""

    spots: dict[Path, Spot]
    ends: dict[Path, int]
    headers: dict[int, Path]


_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\r\n]+")


DEEPEST = 100
"""Steps of a path; `tomllib` itself gives up at some hundreds of nested brackets."""


class _Stop(Exception):
    """The text is not TOML from here on, or nested too deeply."""


def scan(text: str) -> dict[Path, Spot]:
    """Spots of all tables, list items, keys and values, by path.  Line ends must be `\\n`."""
    return layout(text).spots


def layout(text: str) -> Layout:
    """The same, with ends and headers.  Line ends must be `\\n`."""
    scanner = _Scanner(text)
    with suppress(_Stop, IndexError):  # not TOML from here on: what was found stays good
        scanner.document()
    return Layout(scanner.spots, scanner.ends, scanner.headers)


def line_starts(text: str) -> list[int]:
    """Offset of the first character of every line."""
    return [0, *(match.end() for match in re.finditer("\n", text))]


def line_and_column(starts: list[int], offset: int) -> tuple[int, int]:
    """Both count from 1."""
    line = bisect_right(starts, offset)
    return line, offset - starts[line - 1] + 1


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.spots: dict[Path, Spot] = {}
        self.lengths: dict[Path, int] = {}
        self.ends: dict[Path, int] = {}
        self.headers: dict[int, Path] = {}

    def document(self) -> None:
        table: Path = ()
        while True:
            self._skip(_BLANK)
            if self.at >= len(self.text):
                return
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._value(*self._assignment(table))

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise _Stop
        self.at = match.end()
        return match.group()

    def _expect(self, token: str) -> None:
        if not self.text.startswith(token, self.at):
            raise _Stop
        self.at += len(token)

    def _header(self) -> Path:
        start = self.at
        is_list = self.text.startswith("[[", start)
        self._expect("[[" if is_list else "[")
        keys = self._keys()
        self._expect("]]" if is_list else "]")
        path: Path = ()
        for key in keys[:-1]:
            path = self._newest((*path, key))
            self.spots.setdefault(path, Spot(start, start))
        path = (*path, keys[-1])
        self.spots.setdefault(path, Spot(start, start))
        if is_list:
            length = self.lengths.get(path, 0)
            self.lengths[path] = length + 1
            path = (*path, length)
        self.spots[path] = Spot(start, start)
        self.headers[start] = path
        return path

    def _newest(self, path: Path) -> Path:
        """Into the last table of a list of tables, as headers below it mean."""
        return (*path, self.lengths[path] - 1) if path in self.lengths else path

    def _assignment(self, table: Path) -> tuple[Path, int]:
        start = self.at
        path = table
        for key in self._keys():
            path = (*path, key)
            self.spots.setdefault(path, Spot(start, start))
        self._expect("=")
        self._skip(_SPACE)
        return path, start

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(_SPACE)
            if self.text[self.at] in "\"'":
                keys.append(str(tomllib.loads("k=" + self._skip(_STRING))["k"]))
            else:
                keys.append(self._skip(_BARE))
            self._skip(_SPACE)
            if len(keys) > DEEPEST:
                raise _Stop
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1

    def _value(self, path: Path, key_at: int) -> None:
        """One value; lists and inline tables are kept on a stack of their own, so that depth costs no recursion."""
        stack: list[tuple[str, Path, int]] = []
        while True:
            if len(path) > DEEPEST:
                raise _Stop
            self.spots[path] = Spot(key_at, self.at)
            opener = self.text[self.at]
            if opener in "[{":
                self.at += 1
                stack.append((opener, path, 0))
            else:
                written = self._skip(_STRING if opener in "\"'" else _SCALAR)
                self.ends[path] = self.at - len(written) + len(written.rstrip(" \t"))
                self._closed(stack)
            if not stack:
                return
            path, key_at = self._next(stack)
            if not stack:
                return

    def _closed(self, stack: list[tuple[str, Path, int]]) -> None:
        """After a complete value: past the comma, ready for the next."""
        if stack:
            self._skip(_BLANK)
            if self.text.startswith(",", self.at):
                self.at += 1

    def _next(self, stack: list[tuple[str, Path, int]]) -> tuple[Path, int]:
        """Start of the next value inside the innermost bracket; pops brackets that end here."""
        while stack:
            opener, path, count = stack[-1]
            self._skip(_BLANK)
            if self.text.startswith("]" if opener == "[" else "}", self.at):
                self.at += 1
                stack.pop()
                self.ends[path] = self.at
                self._closed(stack)
            elif opener == "[":
                stack[-1] = (opener, path, count + 1)
                return (*path, count), self.at
            else:
                return self._assignment(path)
        return (), self.at
