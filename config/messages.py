"""The table of messages about site files (`messages.toml`), read when the first mistake is found."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from courtyard.drivers.base import Text


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is wrong (`en`, `zh`) and what to do, with words in braces to be filled in."""

    en: str
    zh: str
    cure_en: str
    cure_zh: str
    severity: Literal["mistake", "warning"] = "mistake"

    @property
    def what(self) -> Text:
        return Text(self.en, self.zh)

    @property
    def cure(self) -> Text:
        return Text(self.cure_en, self.cure_zh)


@cache
def messages() -> Mapping[str, Message]:
    """All messages by code."""
    text = Path(__file__).with_name("messages.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Message])
