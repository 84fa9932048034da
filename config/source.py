"""One configuration file as text: its lines, and where in them each setting stands."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Literal

from courtyard.config.positions import Path, line_and_column, line_starts, scan
from courtyard.config.redact import MASK, Redactor

_REDACT = Redactor()
_ADDRESS = re.compile(r"(\burl\b[^=]*=).*@")
"""However a URL is miswritten, what stands before its @ may be a password."""


class Source:
    """The text of `file` (as it is shown to people), with `\\n` line ends.

    `readable` is the text in which positions are looked up: the same, with lines that are not TOML blanked.
    """

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.readable = text

    @cached_property
    def _spots(self) -> dict[Path, tuple[int, int]]:
        return {path: (spot.key, spot.value) for path, spot in scan(self.readable).items()}

    @cached_property
    def _readable_starts(self) -> list[int]:
        return line_starts(self.readable)  # blanked lines are shorter

    @cached_property
    def _starts(self) -> list[int]:
        return line_starts(self.text)

    def position(self, path: Path, at: Literal["key", "value"] = "value") -> tuple[int, int] | None:
        """Line and column of a setting, or of the nearest table around it that is written down."""
        if path and path not in self._spots:
            return self.position(path[:-1], "key")
        spot = self._spots.get(path)
        return None if spot is None else line_and_column(self._readable_starts, spot[at == "value"])

    def excerpt(self, line: int | None, *, secret: bool = False) -> str:
        """The text of a line, without secrets; empty where there is none.  `secret` masks everything behind the key."""
        if line is None or line > len(self._starts):
            return ""
        start = self._starts[line - 1]
        text = self.text[start:].partition("\n")[0][:200]
        return f"{text.partition('=')[0]}= {MASK}" if secret else _ADDRESS.sub(rf"\1 {MASK}@", _REDACT(text))
