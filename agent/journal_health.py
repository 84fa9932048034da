"""What is wrong with the journal: its disk, while it fails, and damage that was mended, until somebody has seen it.

Invariants
1. The fault `journal` (records are in memory only) lasts as long as the disk fails; nobody takes it off.
2. The note `journal damage` is kept in the journal, so that a restart does not take it off; it ends when somebody
   clears it, or NOTE_MS after the damage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from courtyard.agent.condition import Condition
from courtyard.agent.disk_alarm import DiskAlarm
from courtyard.agent.journal_faults import fault_of
from courtyard.agent.recorder import Also, Recorder
from courtyard.agent.records import Details
from courtyard.buffer import Finding
from courtyard.drivers.base import Fault

DISK: Final = "journal"
DAMAGE: Final = "journal damage"
"""Subjects of the two faults."""
NOTE_MS: Final = 30 * 86_400_000
KEY: Final = "note/damage"
_NOTED: Final = ("db.damaged", "rows.corrupt")
"""Findings that leave a note, the worst first."""


class JournalHealth:
    """Used from the event loop only; `say` takes the condition that the disk of this gateway fails."""

    def __init__(self, gateway: str, recorder: Recorder, say: Callable[[Condition], None]) -> None:
        self._recorder, self._disk = recorder, DiskAlarm(gateway, recorder, say)
        self._note = _read(recorder.journal.state(KEY).get(KEY))

    def found(self, finding: Finding) -> bool:
        """Takes what the journal found, and records it; whether the health of its disk has changed."""
        also = Also()
        if finding.code in _NOTED and not self._is_worse_noted(finding):
            self._note = finding
            also = Also(state={KEY: msgspec.json.encode(finding)})
        self._recorder.event(f"journal.{finding.code}", dict(finding.params), also=also)
        return self._disk.found(finding)

    @property
    def faults(self) -> Mapping[str, Fault]:
        """What is wrong now, by subject."""
        note = self._shown()
        found = {DISK: self._disk.fault, DAMAGE: None if note is None else fault_of(note)}
        return {subject: fault for subject, fault in found.items() if fault is not None}

    @property
    def since(self) -> Mapping[str, int]:
        """When each of them came, Unix milliseconds."""
        note = self._shown()
        found = {DISK: self._disk.since_ms, DAMAGE: None if note is None else note.at_ms}
        return {subject: at_ms for subject, at_ms in found.items() if at_ms is not None}

    def clear(self, person: str) -> bool:
        """Somebody has seen the note of damage; whether there was one."""
        note, self._note = self._shown(), None
        if note is None:
            return False
        details: Details = {"by": person, "code": f"journal.{note.code}"}
        self._recorder.event("journal.note_cleared", details, also=Also(state={KEY: None}))
        return True

    def _shown(self) -> Finding | None:
        note = self._note
        return None if note is None or self._recorder.now().wall_ms - note.at_ms > NOTE_MS else note

    def _is_worse_noted(self, finding: Finding) -> bool:
        shown = self._shown()
        return shown is not None and _NOTED.index(shown.code) < _NOTED.index(finding.code)


def _read(kept: bytes | None) -> Finding | None:
    """The note as it was kept; what another version wrote otherwise is no note."""
    if kept is None:
        return None
    try:
        note = msgspec.json.decode(kept, type=Finding)
    except msgspec.MsgspecError:
        return None
    return note if note.code in _NOTED else None
