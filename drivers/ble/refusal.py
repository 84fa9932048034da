"""Bytes that are not what they claim to be: the only exception of the decoders."""

from __future__ import annotations

from typing import Literal

from courtyard.drivers.base import Text

Code = Literal["truncated", "trailing", "content", "unsupported", "key", "replayed", "downgrade"]
"""`key`: a key is missing or does not fit; `replayed`: the counter went back; `downgrade`: plain despite a key."""


class Refused(ValueError):
    """Why bytes were refused; `at` is the offset of the wrong byte, or the length where bytes are missing."""

    def __init__(self, code: Code, at: int, text: Text) -> None:
        super().__init__(f"byte {at}: {text.en}")
        self.code: Code = code
        self.at = at
        self.text = text


def too_short(at: int, what: Text) -> Refused:
    """The bytes end inside `what`, or before it."""
    return Refused("truncated", at, Text(f"the bytes end inside: {what.en}", f"数据不完整：{what.zh}"))


def downgraded() -> Refused:
    """Plain bytes of a device that has a key: anybody could have sent them."""
    return Refused(
        "downgrade", 0, Text("not encrypted, although a key is set for this device", "未加密，但该设备已设置密钥")
    )
