"""What the steps for residents, rules, escalations, modem and wearables show, and the ports through which they act.

Every call that does something raises `courtyard.agent.web.model.Refused` with words for the person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec

from courtyard.agent.web.commissioning.model import Form, Import, Saved
from courtyard.agent.web.model import Mistake, Words


class Listed(msgspec.Struct, frozen=True):
    """One entry of the site file: `sentence` says what it means, `about` names what it is about."""

    name: str
    sentence: Words
    about: tuple[str, ...] = ()
    facts: tuple[Words, ...] = ()


class Template(msgspec.Struct, frozen=True):
    """A beginning for a new entry."""

    name: str
    title: Words


class DiffLine(msgspec.Struct, frozen=True):
    """One line of a change of the site file: `kind` is `same`, `more`, `less` or `apart` (lines between are left
    out)."""

    kind: Literal["same", "more", "less", "apart"]
    text: str


class Rung(msgspec.Struct, frozen=True):
    """One step of an escalation: `after_s` after the alarm `what` is done for `whom`."""

    after_s: float
    what: Words
    whom: tuple[str, ...]


class Firing(msgspec.Struct, frozen=True):
    """A rule would have made an alarm of a device; `until_ms` None: it would be active still."""

    device: str
    since_ms: int
    until_ms: int | None


class RuleTrial(msgspec.Struct, frozen=True):
    """What a rule would have done in the recorded past.  `devices` were tried, `without` of them have no record of its
    points, `left_out` were too many; `total` counts all firings, of which the latest are in `firings`."""

    days: int
    devices: int
    without: int
    left_out: int
    total: int
    firings: tuple[Firing, ...]


class Preview(msgspec.Struct, frozen=True):
    """The site file with the entry, before it is saved."""

    diff: tuple[DiffLine, ...]
    warnings: tuple[Mistake, ...] = ()
    sentence: Words | None = None
    trial: RuleTrial | None = None
    ladder: tuple[Rung, ...] = ()


class StepDesk(Protocol):
    """One kind of entry: what stands there, its form, a look at the change, and the change."""

    async def listed(self) -> Sequence[Listed]: ...
    def templates(self) -> Sequence[Template]: ...
    async def form(self, entry: str | None, given: Mapping[str, str]) -> Form: ...
    async def preview(self, entry: str | None, given: Mapping[str, str]) -> tuple[Form, Preview | None]: ...
    async def save(self, entry: str | None, given: Mapping[str, str]) -> Form | Saved:
        """A Form says what is wrong; nothing was written then."""

    async def remove(self, entry: str, mark: str) -> Form | Saved: ...


class Consent(msgspec.Struct, frozen=True):
    """Whether a resident agreed, and the last act about it: when, who wrote it down, and what was noted."""

    resident: str
    granted: bool
    at: str = ""
    by: str = ""
    note: str = ""
    erasing: bool = False


class Residents(StepDesk, Protocol):
    """Residents in the care of the house, with what they agreed to."""

    def consent(self, resident: str) -> Consent: ...
    async def record(self, resident: str, by: str, given: Mapping[str, str]) -> Mapping[str, Words]:
        """Notes an act; what is wrong with a field is given back by its name, and nothing was noted then."""

    async def judge(self, data: bytes) -> Import: ...
    async def save_table(self, token: str) -> tuple[Saved, int]: ...


class Ladders(StepDesk, Protocol):
    """Escalations, each with its ladder."""

    async def ladders(self) -> Mapping[str, Sequence[Rung]]: ...
    async def numbers(self) -> Sequence[str]:
        """Phone numbers of all escalations."""


class Heard(msgspec.Struct, frozen=True):
    """A wearable or beacon that is heard now; `device` is the one of the site with this address.

    `changes` counts packets that differ from the one before: all that an encrypted button shows of a press.
    """

    address: str
    name: str
    rssi_dbm: int
    guesses: tuple[str, ...]
    identities: tuple[str, ...]
    heard: int
    changes: int
    presses: int
    device: str | None


class Listening(msgspec.Struct, frozen=True):
    """What is around a Bluetooth line, while somebody looks or as it was at the end."""

    line: str
    running: bool
    heard: tuple[Heard, ...] = ()
    fault: Words | None = None
    cure: Words | None = None


class Hearing(Protocol):
    """Listens to what is around; one line at a time, for a limited time."""

    def lines(self) -> Sequence[str]: ...
    def now(self) -> Listening | None: ...
    def start(self, line: str) -> None: ...
    async def stop(self) -> None: ...


class Signal(msgspec.Struct, frozen=True):
    """How the modem fares at `at_ms`; `bars` of 5."""

    running: bool
    at_ms: int | None = None
    roaming: bool = False
    dbm: int | None = None
    bars: int = 0
    fault: Words | None = None
    cure: Words | None = None


class Test(msgspec.Struct, frozen=True):
    """What came of a test message: `errors` by field where nothing was sent."""

    number: str
    ms: int = 0
    errors: Mapping[str, Words] = {}
    fault: Words | None = None
    cure: Words | None = None

    @property
    def sent(self) -> bool:
        return not self.errors and self.fault is None


class Texting(Protocol):
    """The modem that the gateway runs with."""

    def now(self) -> Signal | None: ...
    def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def test(self, number: str, *, agreed: bool) -> Test: ...


class Steps(NamedTuple):
    """Everything that these steps reach."""

    rules: StepDesk
    escalations: Ladders
    modem: StepDesk
    residents: Residents
    hearing: Hearing
    texting: Texting
