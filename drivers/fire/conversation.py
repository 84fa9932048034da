"""One wire and what is said on it: bytes to steps, and the silences that make frames certain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from courtyard.drivers.base import Fault
from courtyard.drivers.fire.framing import SILENCE_MS
from courtyard.drivers.fire.speech import Speech, Step
from courtyard.drivers.lines.wire import Wire

MOST_UNSENT = 16
"""Packets said before the wire is handed over; an opened line may be heard before it can be answered."""

Take = Callable[["Conversation", Step], None]


class Conversation:
    """A Listener and Guest of `drivers.lines`.  `ended` is set to the fault when the wire is lost."""

    def __init__(self, speech: Speech, take: Take, *, speaks: bool, patience_ms: int) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[Fault] = self._loop.create_future()
        self.fruitful = False
        """Whether a good frame has come."""
        self._speech, self._take = speech, take
        self._speaks, self._patience_ms = speaks, patience_ms
        self._wire: Wire | None = None
        self._unsent: list[bytes] = []
        self._heard_ms = 0
        self._timer: asyncio.TimerHandle | None = None

    def attach(self, wire: Wire) -> None:
        self._wire = wire
        for data in self._unsent:
            wire.send(data)
        self._unsent.clear()

    @property
    def attached(self) -> bool:
        """Whether what is said now goes out."""
        return self._wire is not None and self._wire.is_open

    def say(self, data: bytes) -> bool:
        """Sends, if this line may be spoken on; whether it was."""
        if not self._speaks or self.ended.done():
            return False
        if self._wire is not None:
            self._wire.send(data)
        elif len(self._unsent) < MOST_UNSENT:
            self._unsent.append(data)
        return True

    def received(self, data: bytes) -> None:
        self._heard_ms = self._now_ms()
        for step in self._speech.feed(data, self._heard_ms):
            self._take(self, step)
        self._wait()

    def lost(self, fault: Fault) -> None:
        self._stop_waiting()
        if not self.ended.done():
            self.ended.set_result(fault)

    def close(self) -> None:
        """Ends the wire from this side; `ended` is not set."""
        self._stop_waiting()
        if self._wire is not None:
            self._wire.close()

    def _now_ms(self) -> int:
        return round(self._loop.time() * 1000)

    def _wait(self) -> None:
        """Looks again when the silence has been long enough to make something certain."""
        self._stop_waiting()
        if not self._speech.pending or self.ended.done():
            return
        now_ms = self._now_ms()
        due_ms = self._heard_ms + (SILENCE_MS if now_ms - self._heard_ms < SILENCE_MS else self._patience_ms)
        self._timer = self._loop.call_at(max(due_ms, now_ms + 1) / 1000, self._look)

    def _look(self) -> None:
        for step in self._speech.idle(self._now_ms()):
            self._take(self, step)
        self._wait()

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
