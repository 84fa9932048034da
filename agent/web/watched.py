"""What the page shows of cameras and of residents, as frozen values, and the port to pictures and regions."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from courtyard.agent.web.model import PointValue, State, Words

Corners = tuple[tuple[float, float], ...]
"""A polygon in shares of the picture: (0, 0) top left, (1, 1) bottom right."""


class OwnHead(msgspec.Struct, frozen=True):
    """A lift's own head: what it learned from, and shares (0 to 1) of looks that it did not learn from, before and
    after: of e-bikes that are found, of other things and of this lift's own looks that are taken for e-bikes.

    On trial, 99.9 % of `looks` stayed below the score `trial_before`, and would have stayed below `trial_after`.
    """

    digest: str
    made_ms: int
    learned: int
    marked: int
    found: tuple[float, float]
    wrong: tuple[float, float]
    site: tuple[float, float]
    by: str = ""
    since_ms: int = 0
    looks: int = 0
    trial_before: float = 0.0
    trial_after: float = 0.0


class Model(msgspec.Struct, frozen=True):
    """A detector: what the site file says of it ("shipped": the product's own), the first digits of its hash, since
    when the lift is looked at with it."""

    name: str
    digest: str
    since_ms: int


class Compared(msgspec.Struct, frozen=True):
    """Warnings that began since `since_ms` or, in shadow, would have begun: `alarms`.

    Where a head is on trial, both judged the same `looks`, and `agreement` is the share of these in which both lay on
    the same side of the threshold; in that time `before` warnings were there without the head and `after` with it.
    """

    since_ms: int
    alarms: int
    looks: int = 0
    agreement: float | None = None
    before: int = 0
    after: int = 0


class Learned(msgspec.Struct, frozen=True):
    """What a lift's threshold rests on: a calibration of `calibrated_ms`, or none; what was counted since.

    `watched_h` in hours; 99.9 % of the looks stayed below `quantile`; `enough` of them make a calibration.
    """

    calibrated_ms: int | None
    watched_h: float
    looks: int
    quantile: float | None
    enough: bool
    gathered: int
    head: OwnHead | None = None
    trial: OwnHead | None = None
    model: Model | None = None
    compared: Compared | None = None


class Watching(msgspec.Struct, frozen=True):
    """What the detector says of one lift; `why` tells in words what follows, since `since_ms`.

    `score` and `threshold` lie between 0 and 1; `live` is False while nothing was looked at for two seconds.
    """

    live: bool
    score: float
    threshold: float
    warn: bool
    held: bool
    why: Words
    since_ms: int
    door: Words
    commissioned: bool
    shadow: bool
    blocked_by: tuple[str, ...] = ()
    evidence: str = ""
    fault: Words | None = None
    cure: Words | None = None
    learned: Learned | None = None


class Camera(msgspec.Struct, frozen=True):
    """One camera.  `picture_ms` dates its newest picture, `number` names it; None and 0 where there is none.

    `lift` is the lift that is watched with it; then `floor` and `door` are its regions, and `watching` is what the
    detector says.
    """

    id: str
    name: str | None
    place: str
    state: State
    picture_ms: int | None
    number: int
    moving: bool
    fault: Words | None = None
    cure: Words | None = None
    lift: str | None = None
    floor: Corners = ()
    door: Corners = ()
    watching: Watching | None = None


class Worn(msgspec.Struct, frozen=True):
    """One thing that a resident wears or carries; `seen_ms` is when it was heard last, `battery` in percent."""

    device: str
    title: Words
    state: State
    seen_ms: int | None
    battery: float | None
    low: bool


class Resident(msgspec.Struct, frozen=True):
    """One resident, under the pseudonym.  Without consent there is no room and no vital sign here."""

    id: str
    consent: bool
    consent_ms: int | None
    report: Literal["alarms", "changes", "minutes"]
    worn: tuple[Worn, ...]
    room: str | None = None
    vitals: tuple[PointValue, ...] = ()
    vitals_ms: int | None = None
    alarm: Words | None = None


class Pictures(Protocol):
    """Pictures of cameras, and where in them things count."""

    async def picture(self, camera: str, *, small: bool) -> bytes | None:
        """The newest picture as PNG; None while there is none."""

    async def draw(self, camera: str, floor: Corners, door: Corners) -> None:
        """Writes the regions of the camera's lift into the site file.  Raises Refused."""


class Piece(msgspec.Struct, frozen=True):
    """Bytes `first` and following of a file of `size` bytes."""

    content: bytes
    first: int
    size: int


class LiftModels(Protocol):
    """What lifts are looked at with, changed.  Every method raises Refused, and does nothing then."""

    async def retrain(self, lift: str) -> Words:
        """Learns a head of the lift's own and puts it on trial; what it is like.  Takes seconds."""

    async def activate(self, lift: str, head: str, by: str) -> None:
        """The head on trial acts, if it is still this one."""

    async def roll_back(self, lift: str, head: str) -> None:
        """The head that acts, if it is still this one, is on trial again; what was before it acts."""

    async def forget(self, lift: str) -> None:
        """Deletes the lift's heads and all that they learned from."""

    async def activate_model(self, digest: str) -> None:
        """The site's own detector acts, if it is this one."""

    async def roll_back_model(self, digest: str) -> None:
        """The product's own detector acts again in the place of this one."""


class Evidence(Protocol):
    """Pictures and clips that were kept of alarms."""

    async def part(self, name: str, first: int, count: int) -> Piece | None:
        """At most `count` bytes from `first` on, counted from the end when negative; None when nothing of that name
        is kept."""

    async def mark(self, event: str) -> bool:
        """Somebody says that this event was no e-bike; whether there is something to learn from it."""
