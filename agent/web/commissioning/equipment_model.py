"""What the steps for fire panels, outputs and lifts show, and the ports through which they act.

Every call that does something raises `courtyard.agent.web.model.Refused` with words for the person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from courtyard.agent.web.commissioning.model import Form, Import, Saved
from courtyard.agent.web.commissioning.step_model import StepDesk
from courtyard.agent.web.model import Words


class HeardFrame(msgspec.Struct, frozen=True):
    """One frame of a panel: its bytes and what they say; `flaw` where they could not be read.  It came so many `times`
    without another in between."""

    at_ms: int
    hex: str
    says: tuple[Words, ...] = ()
    flaw: Words | None = None
    times: int = 1


class PanelHeard(msgspec.Struct, frozen=True):
    """What is heard of a panel while somebody looks, or as it was at the end.

    `count` bytes came, `signs` good frames; `tail` are the last bytes as they came; `onward` are the fields of the form
    to go on with, `entry` its entry.
    """

    title: str
    protocol: str
    where: str
    running: bool
    began_ms: int
    entry: str | None
    onward: Mapping[str, str]
    count: int = 0
    signs: int = 0
    frames: tuple[HeardFrame, ...] = ()
    tail: str = ""
    fault: Words | None = None
    cure: Words | None = None


class Listens(Protocol):
    """Listens to a panel before it is saved; to one at a time, and never says a word to it."""

    def now(self) -> PanelHeard | None: ...
    async def start(self, entry: str | None, given: Mapping[str, str]) -> Form | None:
        """None: it listens.  A Form says what is wrong with what was typed."""

    async def stop(self) -> None: ...


class PartLists(Protocol):
    """Tables of what a panel's detectors are called."""

    def panels(self) -> Sequence[str]: ...
    async def judge(self, panel: str, data: bytes) -> Import: ...
    async def save(self, token: str) -> tuple[Saved, int]:
        """Saves the good rows; gives their number too."""


class PulseStep(msgspec.Struct, frozen=True):
    """Something that happened in a test pulse, so many milliseconds after its beginning."""

    name: Words
    ms: int


class Pulse(msgspec.Struct, frozen=True):
    """The test pulse that runs, or the last one; `on` is what the device confirmed last."""

    output: str
    running: bool
    hold_s: float
    on: bool | None
    steps: tuple[PulseStep, ...] = ()
    passed: bool | None = None
    fault: Words | None = None


class Blocking(msgspec.Struct, frozen=True):
    """An input that releases and blocks an output: what it means, where it is wired; `blocks` None where the gateway
    does not know it now."""

    meaning: Words
    wired: str
    blocks: bool | None


class OutputState(msgspec.Struct, frozen=True):
    """How an output stands in the running gateway."""

    name: str
    on: bool | None
    lift: str | None
    holders: tuple[str, ...]
    blocked_by: tuple[str, ...]
    inputs: tuple[Blocking, ...]
    testable: Words | None = None
    """Why it may not be tested now; None: it may."""


class Pulses(Protocol):
    """Test pulses; one at a time."""

    def states(self) -> Sequence[OutputState]: ...
    def now(self) -> Pulse | None: ...
    def start(self, output: str, seconds: str, by: str, *, agreed: bool) -> None: ...


class LiftProgress(msgspec.Struct, frozen=True):
    """How far a lift is on the way to a door that may be held; hours and looks of the day of negatives."""

    id: str
    camera: str
    hold: str | None
    signed: str
    live: bool
    why: Words | None
    watched_h: float
    needed_h: float
    looks: int
    needed_looks: int
    calibrated_ms: int | None
    fault: Words | None = None
    cure: Words | None = None

    @property
    def share(self) -> float:
        """Of the day, 0 to 1; both hours and looks count."""
        return min(1.0, self.watched_h / self.needed_h, self.looks / self.needed_looks)


class LiftDesk(StepDesk, Protocol):
    """Lifts, with what is known of each now."""

    def progress(self) -> Sequence[LiftProgress]: ...


class Equipment(NamedTuple):
    """Everything that these steps reach."""

    panels: StepDesk
    register_panels: StepDesk
    ear: Listens
    parts: PartLists
    boards: StepDesk
    outputs: StepDesk
    pulses: Pulses
    lifts: LiftDesk
