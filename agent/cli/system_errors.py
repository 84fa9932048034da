"""What the operating system refuses, in both languages."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Final

from courtyard.drivers.base import Text

ERRORS: Final[Mapping[int, Text]] = {
    errno.ENOENT: Text("there is no such file or directory", "文件或目录不存在"),
    errno.EACCES: Text("permission denied", "权限不足"),
    errno.EPERM: Text("permission denied", "权限不足"),
    errno.EEXIST: Text("it is there already", "文件已存在"),
    errno.EISDIR: Text("it is a directory", "这是一个目录"),
    errno.ENOTDIR: Text("a part of its path is no directory", "路径中有一段不是目录"),
    errno.ENOSPC: Text("the disk is full", "磁盘已满"),
    errno.EROFS: Text("the file system is read-only", "文件系统为只读"),
    errno.EIO: Text("the disk answers with an error", "磁盘读写出错"),
}


def reason_of(error: OSError) -> Text:
    """Why it was refused; an error without words of its own in the system's."""
    words = error.strerror or str(error) or type(error).__name__
    return ERRORS.get(error.errno or 0, Text(words, words))
