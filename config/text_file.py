"""A configuration file from disk, or what keeps it from being read."""

from __future__ import annotations

import os
from pathlib import Path

from courtyard.config.mistakes import Findings
from courtyard.config.source import Source
from courtyard.drivers.base import Text

LARGEST_BYTES = 8_000_000

_REASONS = {
    "FileNotFoundError": Text("it does not exist", "文件不存在"),
    "PermissionError": Text("permission denied", "没有权限"),
    "IsADirectoryError": Text("it is a folder", "这是一个目录"),
}


def read_text(file: Path, shown_as: str | None = None) -> tuple[str | None, Findings]:
    """The text (UTF-8, with or without byte order mark, any line ends) and findings about it.  Never raises.

    `shown_as` is how messages call the file; the path itself by default.
    """
    label = shown_as or str(file)
    unread = Findings(Source(label, ""))
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        unread.add("file.missing")
        return None, unread
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL byte
        reason = _REASONS.get(type(error).__name__) or Text(str(error), str(error))
        unread.add("file.unreadable", reason=reason, file=label)
        return None, unread
    if len(data) > LARGEST_BYTES:
        unread.add("file.too_large", size=os.path.getsize(file), limit=LARGEST_BYTES)
        return None, unread
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        unread.add("file.encoding", line_column=(line, column))
        return None, unread
    text = text.replace("\r\n", "\n")
    return text, Findings(Source(label, text))
