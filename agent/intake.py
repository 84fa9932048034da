"""Readings on their way into the journal: submitted once per turn of the event loop, or the newest per device kept.

Invariants
1. While the journal takes everything, every reading is submitted, in the order of arrival.
2. While it is busy, one reading per device waits, the newest; each one that it replaces is counted.
3. When there is room again, what waited goes first, and an event per device says how many readings it lost.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

from courtyard.agent.recorder import Recorder
from courtyard.agent.records import instant
from courtyard.buffer import Entry, JournalBusy


class Intake:
    """Used from the event loop only."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._turn: list[tuple[str, Entry]] = []
        self._waiting: dict[str, Entry] = {}
        self._dropped: Counter[str] = Counter()  # since the journal became busy
        self._dropped_in_all: Counter[str] = Counter()
        self._busy_since_ms = 0

    def put(self, device: str, entry: Entry) -> None:
        """Takes the record of one reading.  Never blocks, never raises."""
        if self._waiting:
            self._wait(device, entry)
            return
        self._turn.append((device, entry))
        if len(self._turn) == 1:
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Submits what this turn brought; called by itself."""
        turn, self._turn = self._turn, []
        if not turn:
            return
        try:
            self._recorder.offer([entry for _, entry in turn])
        except JournalBusy:
            self._busy_since_ms = self._recorder.clock.wall_ms()
            for device, entry in turn:
                self._wait(device, entry)
            self._recorder.when_room(self._resume)

    def dropped(self) -> Mapping[str, int]:
        """Readings dropped per device since the start."""
        return dict(self._dropped_in_all)

    def _wait(self, device: str, entry: Entry) -> None:
        if device in self._waiting:
            self._dropped[device] += 1
            self._dropped_in_all[device] += 1
        self._waiting[device] = entry

    def _resume(self) -> None:
        try:
            self._recorder.offer(list(self._waiting.values()))
        except JournalBusy:
            self._recorder.when_room(self._resume)
            return
        self._waiting = {}
        dropped, self._dropped = self._dropped, Counter()
        since = instant(self._busy_since_ms)
        for device, count in dropped.items():
            self._recorder.event("readings.dropped", {"count": count, "since": since}, device=device)
