"""What the daemon says about itself while it runs, on stderr.

Under journald: one JSON object a line, behind the `<priority>` prefix of sd-daemon(3).  For people: one line of text,
in colour on a terminal.  Both pass through the redactor, are bounded in length, and a message that keeps repeating is
shown a few times and then counted.
"""

from __future__ import annotations

import datetime
import logging
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TextIO, TypeVar

import msgspec

from courtyard.config.redact import Redactor

Style = Literal["journal", "colour", "plain"]
Ranked = TypeVar("Ranked")

LONGEST_TEXT = 8192
"""Characters of one text that are shown; what is longer is cut and says so."""
REPEATS_SHOWN = 5
REPEATS_WINDOW_S = 60.0
REPEATS_TRACKED = 256

_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))
_COLOURS = ((logging.ERROR, "\x1b[31m"), (logging.WARNING, "\x1b[33m"), (logging.INFO, ""), (0, "\x1b[2m"))
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


def choose_style(stream: TextIO, environment: Mapping[str, str] = os.environ) -> Style:
    """`journal` when the stream is the one that journald gave us (JOURNAL_STREAM, systemd.exec(5)); `colour` on a
    terminal, unless NO_COLOR is set; else `plain`."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return "plain"
    if environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}":
        return "journal"
    return "colour" if stream.isatty() and not environment.get("NO_COLOR") else "plain"


def set_up(
    redactor: Redactor,
    *,
    stream: TextIO | None = None,
    style: Style | None = None,
    level: int = logging.INFO,
    mono_s: Callable[[], float] = time.monotonic,
) -> logging.Handler:
    """Makes the root logger write to `stream` (default: stderr) and nowhere else; returns its handler."""
    stream = stream or sys.stderr
    formatter = FORMATTERS[style or choose_style(stream)](redactor)
    handler = CountingHandler(stream, Repeats(), mono_s)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    return handler


class JournalFormatter(logging.Formatter):
    """`<6>{"time":…,"level":…,"logger":…,"message":…, …}`; fields given as `extra` stand beside the message."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _instant(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _bounded(self._redactor(record.getMessage())),
        }
        for name, value in _extra(record).items():
            shown = self._redactor.value(name, value)
            line.setdefault(name, _bounded(shown) if isinstance(shown, str) else shown)
        if record.exc_info:
            line["exception"] = _bounded(self._redactor(self.formatException(record.exc_info)))
        return f"<{_ranked(_PRIORITIES, record.levelno)}>{msgspec.json.encode(line).decode()}"


class TextFormatter(logging.Formatter):
    """`06:30:15.412 warning agent.supervisor: message  device=wm-1`; bytes from devices can not forge a line."""

    colour = False

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        message = self._redactor(record.getMessage()).replace("\n", "\\n")
        fields = "".join(f"  {name}={self._redactor.value(name, value)}" for name, value in _extra(record).items())
        name = record.name.removeprefix("courtyard.")
        head = f"{_instant(record.created)[11:23]} {record.levelname.lower():7} "
        text = _bounded(f"{name}: {message}{fields}".translate(_CONTROLS).replace("\n", "\\n"))
        if record.exc_info:
            text += "\n" + _bounded(self._redactor(self.formatException(record.exc_info)).translate(_CONTROLS))
        paint = _ranked(_COLOURS, record.levelno) if self.colour else ""
        return f"{head}{paint}{text}\x1b[0m" if paint else head + text


class ColourFormatter(TextFormatter):
    """The same in colour."""

    colour = True


FORMATTERS: dict[Style, Callable[[Redactor], logging.Formatter]] = {
    "journal": JournalFormatter,
    "colour": ColourFormatter,
    "plain": TextFormatter,
}


class Kind(NamedTuple):
    """Messages that count as the same: who speaks, how loud, and the words before the values are filled in."""

    logger: str
    level: int
    template: str


class _Window(msgspec.Struct):
    since_s: float
    shown: int = 0
    hidden: int = 0


class Repeats:
    """Counts messages of a kind; at most `shown` of them pass in `window_s`.  Remembers at most `tracked` kinds."""

    def __init__(
        self, shown: int = REPEATS_SHOWN, window_s: float = REPEATS_WINDOW_S, tracked: int = REPEATS_TRACKED
    ) -> None:
        self._shown, self._window_s, self._tracked = shown, window_s, tracked
        self._windows: OrderedDict[Kind, _Window] = OrderedDict()  # oldest window first

    def admit(self, kind: Kind, now_s: float) -> bool:
        """Whether this one is to be shown."""
        window = self._windows.setdefault(kind, _Window(now_s))
        if window.shown < self._shown:
            window.shown += 1
            return True
        window.hidden += 1
        return False

    def ended(self, now_s: float) -> list[tuple[Kind, int]]:
        """The kinds whose window is over, or that must make room, with how many were not shown; none when all were."""
        ended: list[tuple[Kind, int]] = []
        while self._windows:
            kind, window = next(iter(self._windows.items()))
            if now_s - window.since_s < self._window_s and len(self._windows) < self._tracked:
                break
            del self._windows[kind]
            if window.hidden:
                ended.append((kind, window.hidden))
        return ended


class CountingHandler(logging.StreamHandler[TextIO]):
    """Writes what `repeats` admits, and later how many it held back."""

    def __init__(self, stream: TextIO, repeats: Repeats, mono_s: Callable[[], float]) -> None:
        super().__init__(stream)
        self._repeats, self._mono_s = repeats, mono_s

    def emit(self, record: logging.LogRecord) -> None:
        now_s = self._mono_s()
        self._tell(self._repeats.ended(now_s))
        if self._repeats.admit(Kind(record.name, record.levelno, str(record.msg)), now_s):
            super().emit(record)

    def close(self) -> None:
        """Tells what is still untold."""
        self._tell(self._repeats.ended(float("inf")))
        super().close()

    def _tell(self, ended: list[tuple[Kind, int]]) -> None:
        for kind, hidden in ended:
            super().emit(
                logging.LogRecord(
                    kind.logger, kind.level, "", 0, "%d more like this: %s", (hidden, kind.template), None
                )
            )


def _instant(wall_s: float) -> str:
    stamp = datetime.datetime.fromtimestamp(wall_s, datetime.UTC)
    return stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _bounded(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}… ({len(text) - LONGEST_TEXT} characters more)"


def _ranked(table: tuple[tuple[int, Ranked], ...], level: int) -> Ranked:
    return next(value for least, value in table if level >= least)
