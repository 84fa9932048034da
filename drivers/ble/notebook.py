"""The counters of encrypted adverts on disk, so that a recording cannot be played back after a restart.

A signal's counter is kept before the signal is told.  Counters of mere measurements are kept once in `KEEP_S`: what
could be played back after a crash is at most a minute of measurements, never a call for help.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from courtyard.drivers.ble.memory import Memory

KEEP_S = 60.0
_PREFIX = "ble/counters/"


class Notebook(Protocol):
    """Small state that outlives the process."""

    def recall(self, prefix: str) -> Mapping[str, bytes]:
        """Everything that was noted under names that begin so."""

    async def note(self, name: str, value: bytes) -> None:
        """Returns when it is on its way to the disk, before anything that is recorded later."""


class NoNotebook:
    """Forgets everything: for somebody who runs no gateway."""

    def recall(self, prefix: str) -> Mapping[str, bytes]:
        return {}

    async def note(self, name: str, value: bytes) -> None:
        return None


class Counters:
    """The highest counter of each device and family."""

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._kept: dict[str, tuple[dict[str, int], float]] = {}

    def recall(self, device: str) -> dict[str, int]:
        """The counters that were kept; none of a device that is new, or when they are damaged: a call for help that is
        heard is worth more than a recording that is refused."""
        kept = self._notebook.recall(_PREFIX + device).get(_PREFIX + device)
        try:
            return {} if kept is None else msgspec.json.decode(kept, type=dict[str, int])
        except msgspec.MsgspecError:
            return {}

    async def keep(self, device: str, memory: Memory, now_s: float, *, at_once: bool) -> None:
        """Notes the counters of a memory, when they are new and it is time."""
        counters, kept_s = self._kept.get(device, ({}, -KEEP_S))
        if memory.counters == counters or not (at_once or now_s - kept_s >= KEEP_S):
            return
        self._kept[device] = (memory.counters, now_s)
        await self._notebook.note(_PREFIX + device, msgspec.json.encode(memory.counters))
