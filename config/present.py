"""Mistakes for people (the line, a mark under it, what to do) and for programs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from courtyard.config.mistakes import Mistake
from courtyard.drivers.base import Language, Text

_SEVERITY = {"mistake": Text("mistake", "错误"), "warning": Text("warning", "警告")}


def present(mistakes: Sequence[Mistake], language: Language) -> str:
    """All of them, one paragraph each, and a last line that counts them; empty for none."""
    if not mistakes:
        return ""
    return "\n\n".join([*(_paragraph(mistake, language) for mistake in mistakes), _count(mistakes).say(language)])


def as_data(mistakes: Iterable[Mistake]) -> list[dict[str, Any]]:
    """As plain data for `--json`; texts in both languages."""
    return [
        {
            "severity": mistake.severity,
            "code": mistake.code,
            "file": mistake.file,
            "line": mistake.line,
            "column": mistake.column,
            "path": mistake.path,
            "found": mistake.found,
            "allowed": _both(mistake.allowed),
            "nearest": mistake.nearest,
            "text": _both(mistake.text),
            "cure": _both(mistake.cure),
        }
        for mistake in mistakes
    ]


def _both(text: Text | None) -> dict[str, str] | None:
    return None if text is None else {"en": text.en, "zh": text.zh}


def _paragraph(mistake: Mistake, language: Language) -> str:
    place = ":".join(str(part) for part in (mistake.file, mistake.line, mistake.column) if part is not None)
    colon = "：" if language == "zh-CN" else ": "
    lines = [f"{place}  {mistake.path}".rstrip()]
    if mistake.excerpt.strip() and mistake.line is not None:
        number = str(mistake.line)
        before = mistake.excerpt[: (mistake.column or 1) - 1]
        lines.append(f"  {number} | {mistake.excerpt.expandtabs(1)}")
        lines.append(f"  {' ' * len(number)} | {' ' * _width(before)}^")
    lines.append(f"  {_SEVERITY[mistake.severity].say(language)}{colon}{mistake.text.say(language)}")
    lines.append(f"  {mistake.cure.say(language)}")
    return "\n".join(lines)


def _width(text: str) -> int:
    """Columns on a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _count(mistakes: Sequence[Mistake]) -> Text:
    wrong = sum(mistake.severity == "mistake" for mistake in mistakes)
    warnings = len(mistakes) - wrong
    en = ", ".join(
        f"{count} {noun}{'s' * (count != 1)}" for count, noun in ((wrong, "mistake"), (warnings, "warning")) if count
    )
    zh = "，".join(f"{count} 处{noun}" for count, noun in ((wrong, "错误"), (warnings, "警告")) if count)
    return Text(f"{en}.", f"共 {zh}。")
