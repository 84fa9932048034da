"""Alarms that were handed to an uplink which gets nothing else: from then on it gets every change of them."""

from __future__ import annotations

from courtyard.agent.recorder import Recorder, entry_of_alarm
from courtyard.agent.records import AlarmRecord
from courtyard.buffer import JournalError

PREFIX = "handed/"


class Handed:
    """Used from the event loop only; restores itself from the journal's state."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._keys = set(recorder.journal.state(PREFIX))

    def wants(self, uplink: str, alarm_id: str) -> bool:
        """Whether the uplink gets the records of this alarm."""
        return _key(uplink, alarm_id) in self._keys

    def give(self, uplink: str, record: AlarmRecord) -> None:
        """Puts the alarm's latest record into its lane once more, for this uplink; others drop the repeat.

        When the journal takes nothing any more, the change that it takes next is what the uplink gets.
        """
        key = _key(uplink, record.alarm_id)
        self._keys.add(key)
        try:
            self._recorder.put((entry_of_alarm(record, self._recorder.clock.wall_ms()),), {key: b"1"})
        except JournalError as error:
            self._recorder.event("escalation.not_kept", {"uplink": uplink, "error": str(error)[:200]})

    def end(self, uplink: str, alarm_id: str) -> None:
        """The uplink has had the last change of this alarm."""
        key = _key(uplink, alarm_id)
        if key in self._keys:
            self._keys.discard(key)
            self._recorder.put((), {key: None})


def _key(uplink: str, alarm_id: str) -> str:
    return f"{PREFIX}{uplink}/{alarm_id}"
