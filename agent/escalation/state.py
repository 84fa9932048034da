"""What an escalation knows of an alarm, what it keeps of itself, and what it wants done."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from courtyard.agent.escalation.table import Phase, StepState
from courtyard.config.second_path import Step


class Facts(NamedTuple):
    """What matters of one alarm.  `awaits`: nobody has taken it on yet; `received`: uplinks that confirmed it."""

    alarm_id: str
    occurrence: int
    device: str
    alarm_class: str
    severity: int
    awaits: bool
    received: frozenset[str] = frozenset()
    test: bool = False
    full: bool = False


class StepKept(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where one step is, since when (wall time); `reached` are the phone numbers that have the message."""

    state: StepState = "pending"
    attempts: int = 0
    reached: tuple[str, ...] = ()
    at_ms: int | None = None


class CourseKept(msgspec.Struct, frozen=True):
    """What survives a restart of one escalation of one occurrence."""

    escalation: str
    alarm_id: str
    occurrence: int
    begun_ms: int
    full: bool
    phase: Phase
    steps: dict[str, StepKept]

    @property
    def key(self) -> Key:
        return Key(self.escalation, self.alarm_id)


class Key(NamedTuple):
    """One escalation of one alarm."""

    escalation: str
    alarm_id: str


class Start(NamedTuple):
    """Begin a step, or go on with it."""

    key: Key
    step: Step
    occurrence: int
    reached: tuple[str, ...]


class Stop(NamedTuple):
    """A step is not wanted any more."""

    key: Key
    step_key: str


class Note(NamedTuple):
    """Keep this: an event with its details, and the course as it now stands; None forgets it."""

    event: str
    details: dict[str, Any]
    key: Key
    kept: CourseKept | None


Act = Start | Stop | Note
