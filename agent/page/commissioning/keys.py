"""The key of a wearable's adverts as people paste it."""

from __future__ import annotations

import re
from typing import Final

from courtyard.agent.web.model import Words
from courtyard.config.wearables import KEY_BYTES

DIGITS: Final = 2 * KEY_BYTES
_BETWEEN: Final = re.compile(r"[\s:-]")
_CURE: Final = Words(
    "Copy the bind key whole from the maker's app: 32 digits, each 0 to 9 or a to f.",
    "请从厂家应用中完整复制绑定密钥：32 位，仅含 0～9 和 a～f。",
)


WANTED: Final = Words(
    "Its adverts are encrypted: without its key nothing can be read.", "其广播经过加密，没有密钥无法读取。"
)


def key_of(typed: str) -> str:
    """The 32 digits, in lower case.  Raises WrongKey; what it says never shows the key."""
    digits = _BETWEEN.sub("", typed).lower().removeprefix("0x")
    if not all(each in "0123456789abcdef" for each in digits):
        raise WrongKey(
            Words(
                "The key has characters that are no hexadecimal digits.",
                "密钥中含有非十六进制字符。",
            )
        )
    if len(digits) != DIGITS:
        raise WrongKey(
            Words(
                f"The key has {len(digits)} digits; it needs {DIGITS}.", f"密钥为 {len(digits)} 位，应为 {DIGITS} 位。"
            )
        )
    return digits


class WrongKey(ValueError):
    """What was typed is no key; `what` and `cure` say why."""

    def __init__(self, what: Words) -> None:
        super().__init__(what.en)
        self.what, self.cure = what, _CURE
