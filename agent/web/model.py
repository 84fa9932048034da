"""What the page shows, as frozen values, and the ports through which it sees and touches the gateway.

Times are Unix milliseconds (UTC), sizes bytes, spans seconds.  These types are also the JSON API: their fields are
its contract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from courtyard.drivers.base import Language, Scalar, Severity, Text

if TYPE_CHECKING:
    from courtyard.agent.web.watched import Camera, Resident

State = Literal["ok", "waiting", "stale", "fault", "alarm"]
"""From best to worst: answers; has not been read yet; silent for longer than its period; has a fault; has an alarm."""
AlarmState = Literal["raised", "acknowledged", "returned", "cleared"]


class Words(msgspec.Struct, frozen=True):
    """One sentence in both languages."""

    en: str
    zh: str

    @classmethod
    def of(cls, text: Text) -> Words:
        return cls(text.en, text.zh)

    def say(self, language: Language) -> str:
        return self.zh if language == "zh-CN" else self.en


class Mistake(msgspec.Struct, frozen=True):
    """One thing that is wrong, or worth a look, in the site file."""

    severity: Literal["mistake", "warning"]
    file: str
    line: int | None
    path: str
    excerpt: str
    what: Words
    cure: Words


class Setting(msgspec.Struct, frozen=True):
    """One setting as it is in force; `line` is where the site file gives it, None where the default holds."""

    name: str
    value: str
    line: int | None
    help: Words | None = None


class SettingsTable(msgspec.Struct, frozen=True):
    """One table of the site file."""

    title: str
    settings: tuple[Setting, ...]


NoticeKind = Literal["memory", "damage", "site"]
"""Records are in memory only; the journal was damaged and mended; the last good site file runs."""


class Notice(msgspec.Struct, frozen=True):
    """Something wrong with the gateway itself, told on every page; `clearable` ends when somebody has seen it."""

    kind: NoticeKind
    what: Words
    cure: Words
    since_ms: int | None
    clearable: bool


class Gateway(msgspec.Struct, frozen=True):
    """The box itself.  `safe_mode`: the site file cannot run, the last good one does."""

    id: str
    place: str
    timezone: str
    language: Language
    version: str
    boot: str
    started_ms: int
    safe_mode: bool
    mistakes: tuple[Mistake, ...]
    notices: tuple[Notice, ...] = ()


class Trouble(msgspec.Struct, frozen=True):
    """Something that needs somebody, with what to do; `subject` is a device, a line, an uplink or the gateway.

    `own`: something is wrong with the gateway itself; that is always named, whatever else is wrong.  `place` is the
    whole path, empty where it is of no use.
    """

    severity: Severity
    subject: str
    title: Words
    what: Words
    cure: Words
    since_ms: int | None
    alarm_id: str | None = None
    device: str | None = None
    acknowledged: bool = False
    own: bool = False
    place: str = ""


class EscalationStep(msgspec.Struct, frozen=True):
    """One step of an escalation.  `at_ms` dates its state, `due_ms` is when it begins unless somebody comes first."""

    what: Words
    state: Literal["pending", "trying", "done", "failed", "spared", "ended"]
    at_ms: int | None = None
    due_ms: int | None = None


class Alarm(msgspec.Struct, frozen=True):
    """One alarm; `received` maps uplinks that confirmed it to the time; `steps` are those of its escalations.

    `evidence` names the picture and the clip that are kept of it, without their suffixes."""

    id: str
    occurrence: int
    state: AlarmState
    severity: Severity
    alarm_class: str
    title: Words
    text: Words
    cure: Words
    device: str
    place: str
    raised_ms: int
    changed_ms: int
    returned_ms: int | None = None
    acknowledged_ms: int | None = None
    acknowledged_by: str | None = None
    cleared_by: str | None = None
    reason: str | None = None
    shelved_until_ms: int | None = None
    flapping: bool = False
    test: bool = False
    raw: str | None = None
    received: Mapping[str, str] = {}
    steps: tuple[EscalationStep, ...] = ()
    evidence: str = ""

    @property
    def active(self) -> bool:
        return self.state in ("raised", "acknowledged")


class PointValue(msgspec.Struct, frozen=True):
    """One quantity of a device; `quality` only where it is not good, as `bad:comm`."""

    name: str
    label: Words
    value: Scalar | None
    unit: str | None
    quality: str | None = None


class Device(msgspec.Struct, frozen=True):
    """One installed point.  `at_ms` dates the last good values, None before the first; `main` is what a list shows."""

    id: str
    name: str | None
    title: Words
    profile: str
    place: str
    line: str
    state: State
    at_ms: int | None
    every_s: float | None
    main: PointValue | None = None
    fault: Words | None = None
    cure: Words | None = None
    since_ms: int | None = None


class DeviceDetail(msgspec.Struct, frozen=True):
    """One device with everything that is known of it."""

    device: Device
    install: int
    points: tuple[PointValue, ...]
    counters: Mapping[str, int]
    alarms: tuple[Alarm, ...]
    readable: bool = True
    """Whether a test read can be asked for."""
    findable: bool = False
    """Whether it can buzz or blink for somebody who looks for it."""


class Frame(msgspec.Struct, frozen=True):
    """One frame as it was on the wire."""

    at_ms: int
    direction: Literal["sent", "received"]
    hex: str


class TestRead(msgspec.Struct, frozen=True):
    """What came of reading a device now."""

    values: tuple[PointValue, ...]
    frames: tuple[Frame, ...]
    fault: Words | None = None
    cure: Words | None = None


class Sign(msgspec.Struct, frozen=True):
    """What came of asking a device to buzz or blink: for how many seconds it did, or why it did not."""

    seconds: float | None
    fault: Words | None = None
    cure: Words | None = None


class Lane(msgspec.Struct, frozen=True):
    """One class of records on disk."""

    name: str
    head: int
    records: int
    bytes: int
    oldest_ms: int | None


class Loss(msgspec.Struct, frozen=True):
    """Records that an uplink will never get, by reason."""

    reason: str
    records: int


class Uplink(msgspec.Struct, frozen=True):
    """One platform.  `disk_lasts_s`: how long the disk takes what this uplink does not, at the present pace."""

    name: str
    url: str
    connected_since_ms: int | None
    protocol: str | None
    fault: Words | None
    cure: Words | None
    backlog_records: int
    backlog_bytes: int
    oldest_ms: int | None
    disk_lasts_s: float | None
    drain_left_s: float | None
    rate_bytes_s: float
    messages: int
    records: int
    refused: int
    set_aside: int
    no_subscriber: int
    connections: int
    losses: tuple[Loss, ...]


class Journal(msgspec.Struct, frozen=True):
    """The disk buffer."""

    epoch: str
    durable: bool
    used_bytes: int
    quota_bytes: int
    lanes: tuple[Lane, ...]


class Part(msgspec.Struct, frozen=True):
    """One part of the daemon that is kept running."""

    name: str
    state: str
    restarts: int


class Wear(msgspec.Struct, frozen=True):
    """What the disk of the data directory has to bear.  `written_day_bytes`: what the gateway writes in a day at its
    present pace; `used`: the share of its life that it says is gone, None where it does not tell."""

    disk: str
    written_day_bytes: float | None
    used: float | None = None


class Release(msgspec.Struct, frozen=True):
    """One release of the software on this box."""

    name: str
    current: bool
    installed_ms: int


class System(msgspec.Struct, frozen=True):
    """The machine and the daemon on it, looked at `at_ms`.  Shares are of one core, 0 to 1; None while not known."""

    at_ms: int
    clock: Literal["synced", "rtc", "unsynced"]
    clock_error_ms: int
    cpu_share: float | None
    memory_bytes: int
    machine_memory_bytes: int
    machine_memory_free_bytes: int
    load: tuple[float, float, float]
    disk_bytes: int
    disk_free_bytes: int
    parts: tuple[Part, ...]
    journal: Journal
    dropped: int
    wear: Wear | None = None
    releases: tuple[Release, ...] = ()
    findings: tuple[Words, ...] = ()
    """What was wrong with the disk buffer since the start: damage that was set aside, and what was saved."""


class LogLine(msgspec.Struct, frozen=True):
    """One line of the daemon's log, redacted."""

    at_ms: int
    level: Literal["debug", "info", "warning", "error", "critical"]
    logger: str
    message: str


class Views(Protocol):
    """The gateway as the page sees it.  Every call is cheap and returns what is known now."""

    def now_ms(self) -> int: ...
    def gateway(self) -> Gateway: ...
    def troubles(self) -> Sequence[Trouble]:
        """Everything that needs somebody, the worst first."""

    def alarms(self) -> Sequence[Alarm]:
        """Every alarm that is known, the most urgent first, cleared ones last."""

    def devices(self) -> Sequence[Device]:
        """Every device, in the order of the site file."""

    def device(self, name: str) -> DeviceDetail | None: ...
    def frames(self, name: str) -> Sequence[Frame]:
        """The last frames of a device, oldest first; none where its driver keeps none."""

    def has_history(self) -> bool:
        """Whether points are kept over time."""

    def uplinks(self) -> Sequence[Uplink]: ...
    def cameras(self) -> Sequence[Camera]: ...
    def residents(self) -> Sequence[Resident]: ...
    def settings(self) -> Sequence[SettingsTable]: ...
    def system(self) -> System: ...
    def log(self) -> Sequence[LogLine]:
        """The last lines of the log, oldest first."""


class Refused(Exception):
    """What a person asked for is not possible; the words say why."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class Hands(Protocol):
    """What a person may do.  Each method raises Refused."""

    async def acknowledge(self, alarm_id: str, occurrence: int, person: str, reason: str) -> None: ...
    async def clear(self, alarm_id: str, occurrence: int, person: str, reason: str) -> None: ...
    async def shelve(self, alarm_id: str, person: str, reason: str, until_ms: int) -> None: ...
    async def clear_notice(self, kind: NoticeKind, person: str) -> None: ...
    async def read(self, device: str) -> TestRead: ...
    async def identify(self, device: str) -> Sign: ...
