"""Panels that say everything several times: the same frame within a short while is the same statement."""

from __future__ import annotations

MOST = 256


class Repeats:
    """Remembers what was said in the last `window_ms`, counted from the first time; at most 256 frames.

    When more differ than that, the oldest are forgotten: a repeat then counts as new, never the other way round.
    """

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._first_ms: dict[bytes, int] = {}

    def fresh(self, frame: bytes, now_ms: int) -> bool:
        """Whether `frame` is said for the first time."""
        first = self._first_ms.get(frame)
        if first is not None and now_ms - first < self._window_ms:
            return False
        self._first_ms.pop(frame, None)
        self._first_ms[frame] = now_ms
        if len(self._first_ms) > MOST:
            del self._first_ms[next(iter(self._first_ms))]
        return True

    def forget(self, frame: bytes) -> None:
        """The next time `frame` is said counts as the first: it could not be kept."""
        self._first_ms.pop(frame, None)
