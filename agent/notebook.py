"""Small state of drivers in the journal: on its way to the disk before anything that is recorded later."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from courtyard.agent.recorder import Recorder
from courtyard.buffer import Appended, JournalError

PREFIX = "driver/"


class JournalNotebook:
    """What `drivers.ble.notebook.Notebook` asks for.  Used from the event loop only."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.dropped = 0

    def recall(self, prefix: str) -> Mapping[str, bytes]:
        """Everything that was noted under names that begin so."""
        kept = self._recorder.journal.state(PREFIX + prefix)
        return {name.removeprefix(PREFIX): value for name, value in kept.items()}

    async def note(self, name: str, value: bytes) -> None:
        """Hands it over; what the journal cannot take is counted, and noted again with the next."""
        try:
            self._recorder.put((), {PREFIX + name: value}).add_done_callback(self._kept)
        except JournalError:
            self.dropped += 1

    def _kept(self, done: asyncio.Future[Appended]) -> None:
        self.dropped += not done.cancelled() and done.exception() is not None
