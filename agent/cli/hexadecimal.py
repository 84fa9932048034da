"""Hexadecimal as people paste it: any of `01 03`, `0103`, `0x01, 0x03`, `01:03`, `01-03`, on one line or many."""

from __future__ import annotations

import re
from typing import BinaryIO

from courtyard.drivers.base import Text

MAX_BYTES = 65_536
MAX_CHARACTERS = 8 * MAX_BYTES
_WORD = re.compile(r"[^\s:,;-]+")
_PREFIX = re.compile(r"0[xX]")
_WRONG = re.compile(r"[^0-9A-Fa-f]")


class NotHexadecimal(ValueError):
    """What cannot be read as bytes; `text` says which character is wrong, where it stands and what to write."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def typed(words: list[str], stdin: BinaryIO) -> str:
    """The text of the command line; `-` stands for what comes in by `stdin`.  Raises NotHexadecimal when too long."""
    text = " ".join(words)
    if words == ["-"]:
        text = stdin.read(MAX_CHARACTERS + 1).decode("utf-8", "replace")
    if len(text) > MAX_CHARACTERS:
        raise _too_long()
    return text


def read_hex(text: str) -> bytes:
    """The bytes.  Raises NotHexadecimal; positions count characters from 1, and lines where there are several."""
    parts = [_bytes(text, word.start(), word[0]) for word in _WORD.finditer(text)]
    frame = b"".join(parts)
    if not frame:
        raise NotHexadecimal(
            Text(
                "No bytes were given. Write them in hexadecimal, such as 01 03 00 00, or - to read them from stdin.",
                "没有给出字节。请写十六进制数据，例如 01 03 00 00；或写 - 从标准输入读取。",
            )
        )
    if len(frame) > MAX_BYTES:
        raise _too_long()
    return frame


def _bytes(text: str, start: int, word: str) -> bytes:
    prefix = _PREFIX.match(word)
    digits = word[2:] if prefix else word
    start += 2 if prefix else 0
    if wrong := _WRONG.search(digits):
        place, found = _place(text, start + wrong.start()), wrong[0]
        raise NotHexadecimal(
            Text(
                f"{found!r} in {word!r} ({place.en}) is no hexadecimal digit. Write each byte with two of 0-9 and A-F.",
                f"“{word}”中的“{found}”（{place.zh}）不是十六进制数字。请用 0-9、A-F 中的两位书写每个字节。",
            )
        )
    if len(digits) % 2 or not digits:
        place = _place(text, start)
        cure = f"0{digits}" if len(digits) == 1 else None
        en = f"write {cure}" if cure else "add the missing digit, or remove the one too many"
        zh = f"请写成 {cure}" if cure else "请补上缺少的一位，或删去多余的一位"
        count = f"{len(digits)} digit" + "s" * (len(digits) != 1)
        raise NotHexadecimal(
            Text(
                f"{word!r} ({place.en}) has {count}; a byte has two: {en}.",
                f"“{word}”（{place.zh}）有 {len(digits)} 位数字，而每个字节应为两位：{zh}。",
            )
        )
    return bytes.fromhex(digits)


def _place(text: str, at: int) -> Text:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    if "\n" not in text.strip():
        return Text(f"character {column}", f"第 {column} 个字符")
    return Text(f"line {line}, character {column}", f"第 {line} 行第 {column} 个字符")


def _too_long() -> NotHexadecimal:
    return NotHexadecimal(
        Text(
            f"Too much for one frame: at most {MAX_BYTES} bytes are taken apart at once. Give one frame.",
            f"数据过长：一次最多解析 {MAX_BYTES} 字节。请只给出一帧报文。",
        )
    )
