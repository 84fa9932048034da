"""Simulated time: starts where it is told and runs as fast as it is told."""

from __future__ import annotations

import time
from collections.abc import Callable


class SimClock:
    """Unix seconds of simulated time; `speed` 60 makes a minute pass in a second."""

    def __init__(
        self, start: float | None = None, speed: float = 1.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.speed = speed
        self._monotonic = monotonic
        self._start = time.time() if start is None else start
        self._origin = monotonic()

    def __call__(self) -> float:
        return self._start + (self._monotonic() - self._origin) * self.speed


class ManualClock:
    """Time that stands still until it is moved."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
