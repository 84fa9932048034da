"""A wish that is not granted, in words for the person who had it."""

from __future__ import annotations

from courtyard.drivers.base import Text


class Refusal(Exception):
    """`code` is stable and machine-readable (`alarm.unknown`), `text` says why in both languages."""

    def __init__(self, code: str, text: Text) -> None:
        super().__init__(text.en)
        self.code, self.text = code, text
