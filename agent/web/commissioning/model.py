"""What the commissioning pages show, as frozen values, and the ports through which they change the site.

Every call that does something raises `courtyard.agent.web.model.Refused` with words for the person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import msgspec

from courtyard.agent.web.model import Mistake, PointValue, TestRead, Words

if TYPE_CHECKING:
    from courtyard.agent.web.commissioning.ability_model import Abilities
    from courtyard.agent.web.commissioning.equipment_model import Equipment
    from courtyard.agent.web.commissioning.step_model import Steps

Kind = (
    Literal["gateway", "uplinks", "lines", "devices", "cameras", "residents", "rules", "escalations", "modem"]
    | Literal["fire_panels", "fire_modbus_panels", "outputs", "lifts"]
)
FieldKind = Literal["text", "password", "number", "select", "checkbox", "long", "fixed", "hidden"]
KINDS: tuple[Kind, ...] = ("gateway", "uplinks", "lines", "devices", "cameras")


class Choice(msgspec.Struct, frozen=True):
    """One value of a field, and how it is called."""

    value: str
    label: Words


class Field(msgspec.Struct, frozen=True):
    """One field of a form; `error` and `cure` where what stands there is wrong."""

    name: str
    label: Words
    kind: FieldKind = "text"
    value: str = ""
    required: bool = False
    help: Words | None = None
    choices: tuple[Choice, ...] = ()
    error: Words | None = None
    cure: Words | None = None


class Form(msgspec.Struct, frozen=True):
    """A form for one entry of the site file; `mark` is the file that it was made from, `entry` the name of the entry,
    None for a new one.  `mistakes` are those that belong to no field."""

    kind: Kind
    entry: str | None
    mark: str
    fields: tuple[Field, ...]
    mistakes: tuple[Mistake, ...] = ()
    complete: bool = True
    """False: the next form has more fields, which depend on these."""
    asked: bool = True
    """Whether what it describes can be asked anything; what advertises by itself cannot."""

    @property
    def sound(self) -> bool:
        return not self.mistakes and all(field.error is None for field in self.fields)


class Saved(msgspec.Struct, frozen=True):
    """The site file has been written; `mark` is its new one."""

    entry: str
    mark: str
    restarting: bool
    warnings: tuple[Mistake, ...] = ()


class Entry(msgspec.Struct, frozen=True):
    """One entry of the site file in a list."""

    name: str
    title: str
    details: tuple[str, ...]
    changeable: bool = True


class SerialPort(msgspec.Struct, frozen=True):
    """A serial port of this machine; `line` uses it already."""

    path: str
    device: str
    line: str | None


class Trial(msgspec.Struct, frozen=True):
    """What came of connecting to a platform: how long it took, or what is wrong."""

    name: str
    url: str
    ms: int = 0
    protocol: str = ""
    fault: Words | None = None
    cure: Words | None = None


class Guess(msgspec.Struct, frozen=True):
    """A profile that a unit may be; `share` of its points came as plausible values."""

    profile: str
    share: float


class FoundUnit(msgspec.Struct, frozen=True):
    """A unit that answered a scan; `device` is the one of the site with this address, if any."""

    unit: int
    baud: int | None
    parity: str | None
    guesses: tuple[Guess, ...]
    device: str | None


class Scan(msgspec.Struct, frozen=True):
    """The scan that runs, or the last one."""

    line: str
    running: bool
    done: int
    total: int
    found: tuple[FoundUnit, ...]
    began_ms: int
    fault: Words | None = None
    cure: Words | None = None


class CellMistake(msgspec.Struct, frozen=True):
    """What is wrong with one cell of a table of devices."""

    line: int
    column: str
    found: str
    what: Words
    cure: Words


class Import(msgspec.Struct, frozen=True):
    """A table of devices, judged and not saved yet.  `mistakes` are by row; `general` keeps all of it from being
    saved."""

    token: str
    mark: str
    total: int
    good: tuple[Mapping[str, str], ...]
    columns: tuple[str, ...]
    mistakes: tuple[CellMistake, ...]
    general: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...]

    @property
    def bad_rows(self) -> int:
        return len({mistake.line for mistake in self.mistakes})


class FoundCamera(msgspec.Struct, frozen=True):
    """A camera that answered a probe."""

    address: str
    name: str
    hardware: str
    camera: str | None


class Probe(msgspec.Struct, frozen=True):
    """What a probe for cameras found."""

    found: tuple[FoundCamera, ...]
    fault: Words | None = None
    cure: Words | None = None


class CameraLook(msgspec.Struct, frozen=True):
    """What a camera showed: who it is and `picture`, the token of its snapshot; or what is wrong."""

    model: str = ""
    picture: str | None = None
    fault: Words | None = None
    cure: Words | None = None


class Stage(msgspec.Struct, frozen=True):
    """One point of the way of a drill's alarm."""

    name: Words
    ms: float
    who: str | None


class Drill(msgspec.Struct, frozen=True):
    """The drill that runs, or the last one."""

    device: str
    running: bool
    stages: tuple[Stage, ...]
    passed: bool | None = None
    missing: tuple[str, ...] = ()
    number: int | None = None
    at: str = ""
    by: str = ""
    hash: str = ""
    fault: Words | None = None


class SignedDevice(msgspec.Struct, frozen=True):
    """One device at the sign-off."""

    id: str
    name: str | None
    title: Words
    profile: str
    place: str
    line: str
    state: str
    at_ms: int | None
    values: tuple[PointValue, ...]
    fault: Words | None


class SignOff(msgspec.Struct, frozen=True):
    """What a person signed for; kept on the box."""

    number: int
    at_ms: int
    by: str
    person: str
    company: str
    remarks: str
    gateway: str
    place: str
    version: str
    mark: str
    devices: tuple[SignedDevice, ...]
    uplinks: tuple[Trial, ...]
    drills: tuple[Drill, ...]


class SiteDesk(Protocol):
    """Forms over the site file."""

    def commissioned(self) -> bool:
        """Whether there is a site file."""

    async def entries(self, kind: Kind) -> Sequence[Entry]: ...
    async def form(self, kind: Kind, entry: str | None, given: Mapping[str, str]) -> Form:
        """The form of an entry as it stands, or of a new one with what is `given`."""

    async def save(self, kind: Kind, entry: str | None, given: Mapping[str, str]) -> Form | Saved:
        """A Form says what is wrong; nothing was written then.  `given["mark"]` is that of the form."""

    async def remove(self, kind: Kind, entry: str, mark: str) -> Form | Saved:
        """A Form says what still needs the entry; nothing was written then."""


class Trials(Protocol):
    """What is tried before it is saved."""

    def ports(self) -> Sequence[SerialPort]: ...
    async def try_uplink(self, entry: str | None, given: Mapping[str, str]) -> tuple[Form, Trial | None]: ...
    async def try_device(self, entry: str | None, given: Mapping[str, str]) -> tuple[Form, TestRead | None]: ...
    async def try_camera(self, entry: str | None, given: Mapping[str, str]) -> tuple[Form, CameraLook | None]: ...
    async def probe(self) -> Probe: ...
    def picture(self, token: str) -> bytes | None: ...


class Scans(Protocol):
    """Searches a line; one at a time."""

    def now(self) -> Scan | None: ...
    def lines(self) -> Sequence[str]:
        """Lines that may be searched."""

    def start(self, line: str, units: str, bauds: str, parities: str) -> None: ...
    async def stop(self) -> None: ...


class Lists(Protocol):
    """Tables of devices."""

    async def judge(self, data: bytes) -> Import: ...
    async def save(self, token: str) -> tuple[Saved, int]:
        """Saves the good rows; gives their number too."""


class Drills(Protocol):
    """Test alarms; one at a time."""

    def now(self) -> Drill | None: ...
    def start(self, device: str, alarm_class: str, *, full: bool, by: str) -> None: ...
    async def evidence(self) -> Sequence[Drill]:
        """Drills that were kept, the latest first."""


class SignOffs(Protocol):
    """Reports that were signed for."""

    async def all(self) -> Sequence[SignOff]:
        """The latest first."""

    async def sign(self, by: str, person: str, company: str, remarks: str) -> SignOff: ...


class Desk(NamedTuple):
    """Everything that the commissioning pages reach."""

    site: SiteDesk
    trials: Trials
    scans: Scans
    lists: Lists
    drills: Drills
    sign_offs: SignOffs
    steps: Steps | None = None
    equipment: Equipment | None = None
    abilities: Abilities | None = None
