"""The present faults of devices and lines, and an event for each change that lasts.

A fault is known by its code; the same code again is no news.  A subject that changes more often than every
`CALM_MS` is told once, as it then stands, when that time has passed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from courtyard.agent.recorder import Recorder
from courtyard.agent.records import Details
from courtyard.drivers.base import Fault

CALM_MS: Final = 5000


class HealthLog:
    """Used from the event loop only.  Holds subjects that have a fault or had one within `CALM_MS`."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._present: dict[str, Fault] = {}
        self._since: dict[str, int] = {}
        self._told: dict[str, tuple[str | None, int]] = {}  # subject to the code told last, and when (monotonic)

    @property
    def present(self) -> dict[str, Fault]:
        """Every subject that has a fault now."""
        return dict(self._present)

    @property
    def since(self) -> dict[str, int]:
        """When the present fault of each subject came, Unix milliseconds."""
        return dict(self._since)

    def note(self, subject: str, fault: Fault | None) -> bool:
        """Takes the present state of a subject; whether it is another than before."""
        before = self._present.get(subject)
        if fault is None:
            self._present.pop(subject, None)
        else:
            self._present[subject] = fault
        if _code(before) == _code(fault):
            return False
        if fault is None:
            self._since.pop(subject, None)
        else:
            self._since[subject] = self._recorder.clock.wall_ms()
        self._tell(subject, self._recorder.clock.mono_ms())
        return True

    def tick(self, mono_ms: int) -> None:
        """Tells what had to wait; called about once a second."""
        for subject in tuple(self._told):
            self._tell(subject, mono_ms)

    def forget(self, subjects: Iterable[str]) -> None:
        """The site no longer has these: they have no health."""
        for subject in subjects:
            self.note(subject, None)

    def _tell(self, subject: str, mono_ms: int) -> None:
        code, at_ms = self._told.get(subject, (None, mono_ms - CALM_MS))
        if mono_ms - at_ms < CALM_MS:
            return
        fault = self._present.get(subject)
        if _code(fault) != code:
            self._told[subject] = (_code(fault), mono_ms)
            self._recorder.event("health.fault" if fault else "health.healthy", _details(subject, fault))
        elif fault is None:
            self._told.pop(subject, None)


def _code(fault: Fault | None) -> str | None:
    return fault.code if fault else None


def _details(subject: str, fault: Fault | None) -> Details:
    if fault is None:
        return {"subject": subject}
    return {
        "subject": subject,
        "code": fault.code,
        "what_en": fault.what.en,
        "what_zh": fault.what.zh,
        "cure_en": fault.cure.en,
        "cure_zh": fault.cure.zh,
    }
