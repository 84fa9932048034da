"""A configuration file from disk, or what keeps it from being read."""

from __future__ import annotations

import os
from collections.abc import Sequence
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


def read_text(
    file: Path, shown_as: str | None = None, charsets: Sequence[str] = ("utf-8-sig",)
) -> tuple[str | None, Findings]:
    """The text (UTF-8, with or without byte order mark, any line ends) and findings about it.  Never raises.

    `shown_as` is how messages call the file, the path itself by default; `charsets` are tried in this order.
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
    for charset in charsets:
        try:
            text = data.decode(charset).replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            at = error.start
            continue
        return text, Findings(Source(label, text))
    line, column = data.count(b"\n", 0, at) + 1, at - data.rfind(b"\n", 0, at)
    unread.add("file.encoding" if len(charsets) == 1 else "names.encoding", line_column=(line, column))
    return None, unread
