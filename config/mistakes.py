"""What is wrong with a site file: each mistake with its place, what was found, what is allowed, in both languages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from courtyard.config.messages import messages
from courtyard.config.positions import Path
from courtyard.config.redact import Redactor
from courtyard.config.source import Source
from courtyard.drivers.base import Fault, Text

LONG_LIST, MOST_LONG_SEARCHES = 200, 30
"""A nearest name among many takes its time; after so many searches none is offered."""
_REDACT = Redactor()

Severity: TypeAlias = Literal["mistake", "warning"]


class Mistake(msgspec.Struct, frozen=True):
    """One thing that is wrong (`mistake`: the file is refused) or worth a look (`warning`).

    `line` and `column` count from 1; both are None where the whole file is meant.  `text` says what is wrong, `cure`
    what to do; `code` is stable and machine-readable.
    """

    code: str
    severity: Severity
    file: str
    path: str
    text: Text
    cure: Text
    line: int | None = None
    column: int | None = None
    found: str | None = None
    allowed: Text | None = None
    nearest: str | None = None
    excerpt: str = ""


class SiteError(Exception):
    """The site file cannot be used; `mistakes` lists everything that is wrong with it."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(f"{each.file}:{each.line or 1}: {each.text.en}" for each in mistakes))
        self.mistakes = mistakes


class Findings:
    """Collects the mistakes of one file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.mistakes: list[Mistake] = []
        self._long_searches = 0

    def add(
        self,
        code: str,
        path: Path = (),
        *,
        at: Literal["key", "value"] = "value",
        line_column: tuple[int, int] | None = None,
        found: str | None = None,
        allowed: Text | None = None,
        near: Iterable[str] = (),
        nearest: str | float | bool | None = None,
        **params: object,
    ) -> None:
        """`near` are the valid names of which the nearest to `found` is offered, `nearest` is an offer already made;
        `params` fill the message.
        """
        message = messages()[code]
        if found is not None:
            nearest = self._nearest(found, near) if nearest is None else nearest
            found = _REDACT(found)
        line, column = line_column or self.source.position(path, at) or (None, None)
        key = next((step for step in reversed(path) if isinstance(step, str)), "")
        values = {"found": found, "allowed": allowed, "key": key, **params}
        cure = fill(message.cure, values)
        if nearest is not None:
            offer = shown(nearest) if code == "value.wrong" else nearest
            cure = Text(f"Did you mean {offer}? {cure.en}", f"是否应为 {offer}？{cure.zh}")
        self.mistakes.append(
            Mistake(
                code,
                message.severity,
                self.source.file,
                path_text(path),
                fill(message.what, values),
                cure,
                line,
                column,
                found,
                allowed,
                None if nearest is None else nearest if isinstance(nearest, str) else shown(nearest),
                self.source.excerpt(line, secret=code.startswith("secret.")),
            )
        )

    def tell(self, fault: Fault, path: Path) -> None:
        """A warning in words that somebody else has found."""
        line, column = self.source.position(path) or (None, None)
        where, excerpt = path_text(path), self.source.excerpt(line)
        texts = fault.what, fault.cure
        self.mistakes.append(
            Mistake(fault.code, "warning", self.source.file, where, *texts, line, column, excerpt=excerpt)
        )

    def _nearest(self, found: str, near: Iterable[str]) -> str | None:
        names = list(near)
        if len(names) > LONG_LIST:
            self._long_searches += 1
        return nearest_name(found, names) if self._long_searches <= MOST_LONG_SEARCHES else None

    def count(self) -> int:
        """How many mistakes there are, warnings not counted."""
        return sum(each.severity == "mistake" for each in self.mistakes)


def fill(template: Text, values: Mapping[str, object]) -> Text:
    """The template in both languages; values that are Texts speak the language of the template."""
    return Text(
        template.en.format_map({key: value.en if isinstance(value, Text) else value for key, value in values.items()}),
        template.zh.format_map({key: value.zh if isinstance(value, Text) else value for key, value in values.items()}),
    )


def path_text(path: Path) -> str:
    """devices[3].every"""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def nearest_name(found: str, names: Iterable[str]) -> str | None:
    """The valid name that somebody most probably meant, if any is near."""
    by_folded = {name.casefold(): name for name in names}
    matches = difflib.get_close_matches(found.casefold()[:80], by_folded, n=1, cutoff=0.6)
    return by_folded[matches[0]] if matches else None


def shown(value: Any) -> str:
    """A value of the file as the file would write it, cut to one line."""
    match value:
        case bool():
            text = "true" if value else "false"
        case str():
            text = '"' + value.replace("\n", "\\n") + '"'
        case dict():
            text = "{" + ", ".join(list(value)[:4]) + "}"
        case list():
            text = "[" + ", ".join(shown(item) for item in value[:4]) + "]"
        case _:
            text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
