"""Whether the tasks of a driver get on: each says by when it will be heard of again."""

from __future__ import annotations

import asyncio

LATE_S = 30.0
"""What any step may take longer than it should: a line that is being opened, a disk that is busy."""


class Progress:
    """Of the tasks of one driver, by name; a task that never said anything is waited for by nobody."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due: dict[str, float] = {}

    def expect(self, task: str, within_s: float = 0.0) -> None:
        """It gets on, and will be heard of again within so many seconds."""
        self._due[task] = self._loop.time() + within_s

    def rest(self, task: str) -> None:
        """It waits for something that may never happen, or has ended."""
        self._due.pop(task, None)

    @property
    def on_time(self) -> bool:
        """Whether no task is late."""
        return self._loop.time() <= min(self._due.values(), default=float("inf")) + LATE_S
