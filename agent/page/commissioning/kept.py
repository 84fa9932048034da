"""Secrets that were typed into a form and tried, until the form is saved: in memory, for minutes, never shown again."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Final

MOST: Final = 16
KEPT_S: Final = 900.0


class KeptSecrets:
    """By a token that the form carries."""

    def __init__(self, learn: Callable[[list[str]], None], mono_s: Callable[[], float] = time.monotonic) -> None:
        """`learn` is told of every secret, so that no log line shows one."""
        self._learn, self._mono_s = learn, mono_s
        self._kept: dict[str, tuple[float, str]] = {}

    def take(self, typed: str, token: str) -> tuple[str, str]:
        """The secret that was typed now or before, with its token; both empty where there is none."""
        now = self._mono_s()
        self._kept = {each: kept for each, kept in self._kept.items() if kept[0] > now}
        if typed:
            self._learn([typed])
            token = secrets.token_urlsafe(16)
            self._kept[token] = now + KEPT_S, typed
            while len(self._kept) > MOST:
                del self._kept[next(iter(self._kept))]
        return (self._kept[token][1], token) if token in self._kept else ("", "")
