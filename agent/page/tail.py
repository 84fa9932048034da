"""The last lines of the log, kept for the page."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from courtyard.agent.web.model import LogLine

LINES: Final = 300
LONGEST: Final = 1000
_LEVELS: Final = {50: "critical", 40: "error", 30: "warning", 20: "info", 10: "debug"}


class LogTail(logging.Handler):
    """Remembers what the daemon says, without secrets."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__(logging.INFO)
        self._redact = redact
        self._lines: deque[LogLine] = deque(maxlen=LINES)

    def emit(self, record: logging.LogRecord) -> None:
        level: Any = _LEVELS.get(record.levelno // 10 * 10, "info")
        message = self._redact(record.getMessage())[:LONGEST]
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            message += self._redact(f" ({type(error).__name__}: {error})")[:LONGEST]
        name = record.name.removeprefix("courtyard.")
        self._lines.append(LogLine(round(record.created * 1000), level, name, message))

    def lines(self) -> Sequence[LogLine]:
        """The oldest first."""
        return tuple(self._lines)
