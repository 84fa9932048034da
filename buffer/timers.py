"""Timers of the event loop by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Timers:
    """One timer of each name at a time; none rings after `close`."""

    def __init__(self) -> None:
        self._handles: dict[str, asyncio.TimerHandle] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def after(self, name: str, delay_s: float, what: Callable[[], None]) -> None:
        """Calls `what` once after the delay; asking again while the timer runs changes nothing."""
        if name not in self._handles and self._loop is not None:
            self._handles[name] = self._loop.call_later(delay_s, self._ring, name, what)

    def cancel(self, name: str) -> None:
        handle = self._handles.pop(name, None)
        if handle is not None:
            handle.cancel()

    def close(self) -> None:
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()
        self._loop = None

    def _ring(self, name: str, what: Callable[[], None]) -> None:
        del self._handles[name]
        what()
