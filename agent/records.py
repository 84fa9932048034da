"""The wire contract, native format v1, as types; `courtyard.agent.schemas` generates its JSON Schemas and AsyncAPI.

A record is encoded once; the journal has `stamp` put its number in front, and from then on its bytes are never
decoded or changed on their way from disk to platform.  Times on the wire are RFC 3339 in UTC with milliseconds.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec
from msgspec import Meta, field

from courtyard.buffer.packed import join
from courtyard.drivers.base import Scalar, Severity

VERSION: Final = 1
MAX_STATUS_ALARMS: Final = 100
MAX_COMMAND_BYTES: Final = 8192

ClockQuality = Literal["synced", "rtc", "unsynced"]
Lane = Literal["alarm", "event", "reading"]
Details = dict[str, Scalar | None]

Instant = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        description="RFC 3339, UTC, milliseconds.",
        examples=["2026-11-22T06:30:15.412Z"],
    ),
]
Moment = Annotated[str, Meta(max_length=40, extra_json_schema={"format": "date-time"})]
"""RFC 3339 as others write it: any offset, any fraction of a second."""
MonoMs = Annotated[int, Meta(ge=0, description="Milliseconds since the boot that the batch names.")]
Sequence = Annotated[int, Meta(ge=0)]
Epoch = Annotated[str, Meta(description="Random name of the journal's life; sequence numbers count within it.")]
CommandId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9._:-]{1,64}$",
        description="Chosen by the sender, never used twice; a second arrival is answered, not executed.",
    ),
]


class ReadingRecord(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The values of one device at one instant.

    `values` maps catalogue point names to values in the catalogue's units; `quality` names only the points that
    are not good, as `uncertain:reason` or `bad:reason`; a bad point has the value null.
    """

    device: str
    place: str
    at: Instant
    mono_ms: MonoMs
    clock: ClockQuality
    values: dict[str, Scalar | None]
    quality: dict[str, Annotated[str, Meta(pattern=r"^(uncertain|bad):[a-z_]+$")]] = {}
    device_at: Annotated[Instant | None, Meta(description="The device's own time, where it differs.")] = None
    install: Annotated[int, Meta(ge=1, description="Number of the apparatus at this installed point.")] = 1


class EventRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that happened to the box or to a device; `event` is a dotted name such as `clock.synced`."""

    event: str
    at: Instant
    mono_ms: MonoMs
    clock: ClockQuality
    device: str | None = None
    place: str | None = None
    details: Details = {}
    device_at: Instant | None = None
    raw: Annotated[str | None, Meta(description="The device's own bytes, hexadecimal.")] = None
    test: Annotated[bool, Meta(description="Belongs to a drill: nothing has happened.")] = False
    durable: Annotated[bool, Meta(description="False: held in memory only; the disk could not take it.")] = True


AlarmState = Literal["raised", "acknowledged", "returned", "cleared"]
"""active and not acknowledged; active, acknowledged; inactive, not acknowledged; inactive, acknowledged."""
AlarmAction = Literal["raise", "escalate", "return", "acknowledge", "clear", "shelve", "unshelve", "repeat"]


class AlarmRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change in the life of one alarm; the greatest (occurrence, change) wins, whatever the order of arrival.

    `action` is what made this change.  `text_en` and `text_zh` are for people.  A `test` alarm is a drill.
    """

    alarm_id: Annotated[str, Meta(description="device:class:source; stable over occurrences.")]
    occurrence: Annotated[int, Meta(ge=1)]
    change: Annotated[int, Meta(ge=1)]
    action: AlarmAction
    state: AlarmState
    severity: Severity
    alarm_class: str = field(name="class")
    device: str
    place: str
    at: Annotated[Instant, Meta(description="When this change happened.")]
    mono_ms: MonoMs
    clock: ClockQuality
    raised_at: Instant
    source: str = ""
    returned_at: Instant | None = None
    acknowledged_at: Instant | None = None
    acknowledged_by: Annotated[
        str | None, Meta(description="A person; a platform's receipt is no acknowledgement.")
    ] = None
    cleared_at: Instant | None = None
    cleared_by: Annotated[str | None, Meta(description="The operator who cleared it by hand.")] = None
    reason: Annotated[str | None, Meta(description="What the person gave as the reason of the latest act.")] = None
    shelved_until: Instant | None = None
    shelved_by: str | None = None
    text_en: str = ""
    text_zh: str = ""
    details: Details = {}
    raw: Annotated[str | None, Meta(description="The device's own bytes, hexadecimal.")] = None
    device_at: Instant | None = None
    flapping: Annotated[bool, Meta(description="Comes and goes too fast; kept active until it has been quiet.")] = False
    test: bool = False
    durable: Annotated[bool, Meta(description="False: held in memory only; the disk could not take it.")] = True


class GapRecord(msgspec.Struct, frozen=True):
    """Records of a lane that this uplink will never get, and why; told once, in front of what follows them."""

    lane: Lane
    first: Sequence = field(name="from")
    last: Sequence = field(name="to")
    count: Annotated[int, Meta(ge=0)]
    since: Instant
    until: Instant
    reason: Annotated[str, Meta(examples=["quota", "refused", "oversize", "corrupt"])]
    epoch: Annotated[Epoch | None, Meta(description="Where it is not the batch's own.")] = None


class Batch(msgspec.Struct, frozen=True):
    """One message of the lanes' topics.  Built by `batch`, as bytes; this type documents and checks it.

    Every record has its `seq` first.  A number in from..to that is in neither `records` nor `gaps` was filtered out
    for this uplink, so an empty batch advances a consumer too.
    """

    v: Literal[1]
    gateway: str
    epoch: Epoch
    boot: str
    lane: Lane
    first: Sequence = field(name="from")
    last: Sequence = field(name="to")
    gaps: tuple[GapRecord, ...]
    records: tuple[dict[str, Any], ...]


class LaneStatus(msgspec.Struct, frozen=True):
    """Where one lane stands."""

    epoch: Epoch
    head: Annotated[int, Meta(ge=0, description="The last sequence number on disk; 0 when there is none yet.")]


class AlarmBrief(msgspec.Struct, frozen=True, omit_defaults=True):
    """An alarm that is not cleared, as the status lists it."""

    alarm_id: str
    occurrence: int
    change: int
    state: AlarmState
    severity: Severity
    alarm_class: str = field(name="class")
    device: str
    raised_at: Instant
    shelved_until: Instant | None = None
    test: bool = False


class ActiveAlarms(msgspec.Struct, frozen=True):
    """Alarms of severity 1 and 2 that are not cleared: all of them counted, the most urgent listed."""

    count: Annotated[int, Meta(ge=0)] = 0
    listed: Annotated[tuple[AlarmBrief, ...], Meta(max_length=MAX_STATUS_ALARMS)] = ()


class Status(msgspec.Struct, frozen=True, omit_defaults=True):
    """Retained: how the gateway fares.  The Last Will is the same with `online` false and nothing else known."""

    v: Literal[1]
    gateway: str
    online: bool
    at: Instant | None = None
    boot: str | None = None
    clock: ClockQuality | None = None
    version: str | None = None
    durable: Annotated[bool, Meta(description="False: the journal is in memory; a power cut loses records.")] = True
    lanes: dict[Lane, LaneStatus] = {}
    alarms: ActiveAlarms | None = None
    backlog: Annotated[dict[Lane, int], Meta(description="Records that this uplink still has to get.")] = {}
    faults: Annotated[dict[str, str], Meta(description="Subject to fault code, for lines and devices that fail.")] = {}


class Inventory(msgspec.Struct, frozen=True, omit_defaults=True):
    """Retained: one device as it is installed.  An empty message on the same topic: removed."""

    v: Literal[1]
    gateway: str
    device: str
    place: str
    profile: str
    install: int = 1
    name: str | None = None
    title_en: str = ""
    title_zh: str = ""
    every_s: float | None = None
    points: Annotated[dict[str, str], Meta(description="Point name to UCUM unit.")] = {}


class Command(msgspec.Struct, frozen=True, omit_defaults=True):
    """A wish with an id, a deadline and an origin; `kind` says how `args` is read (see the schema of each kind)."""

    v: Literal[1]
    id: CommandId
    kind: Annotated[str, Meta(max_length=32)]
    issued_at: Moment
    expires_at: Annotated[Moment, Meta(description="Not executed at or after this; at most a day after issued_at.")]
    origin: Annotated[
        str, Meta(min_length=1, max_length=128, description="Who wishes it: operator:li, platform:rules.")
    ]
    args: msgspec.Raw


Result = Literal["done", "refused", "expired", "failed", "unknown"]
"""`unknown`: the gateway stopped or lost the device between doing and knowing; look at the device."""


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """The one result of a command.  `reason` is a stable code; the texts are for people."""

    v: Literal[1]
    gateway: str
    id: str
    kind: str
    result: Result
    at: Instant
    reason: str | None = None
    text_en: str = ""
    text_zh: str = ""
    data: dict[str, Scalar | Details | None] = {}


Message = ReadingRecord | EventRecord | AlarmRecord | Status | Inventory | Command | Outcome
_encode = msgspec.json.Encoder().encode


def encode(message: Message) -> bytes:
    """Canonical bytes: a record for its lane, without its number, or a whole message of a topic of its own.

    Values must be finite (`courtyard.agent.normalise` sees to it).
    """
    return _encode(message)


def not_durable(body: bytes) -> bytes:
    """The same record, for a journal that could only keep it in memory.  `body` is an encoded alarm or event."""
    return body[:-1] + b',"durable":false}'


class Numbered(Protocol):
    """Consecutive records of one epoch, lane and boot; `courtyard.buffer.Block` is one."""

    @property
    def epoch(self) -> str: ...
    @property
    def boot(self) -> str: ...
    @property
    def lane(self) -> str: ...
    @property
    def first(self) -> int: ...
    @property
    def last(self) -> int: ...
    @property
    def seqs(self) -> Collection[int]: ...
    @property
    def bodies(self) -> Collection[bytes]: ...


def stamp(seq: int, body: bytes) -> bytes:
    """The record with its number in front: what the journal keeps, so that it is never touched again."""
    return b'{"seq":%d,%b' % (seq, body[1:])


def batch(
    gateway: str,
    block: Numbered,
    *,
    gaps: Iterable[GapRecord] = (),
    records: Collection[bytes] | None = None,
) -> bytes:
    """One message of a lane's topic: the envelope around records that have their numbers already.

    `records` replaces the block's own bodies (a filter's choice among them).
    """
    head = {
        "v": VERSION,
        "gateway": gateway,
        "epoch": block.epoch,
        "boot": block.boot,
        "lane": block.lane,
        "from": block.first,
        "to": block.last,
        "gaps": tuple(gaps),
    }
    return b"".join((_encode(head)[:-1], b',"records":[', join(block.bodies if records is None else records), b"]}"))


LATEST_MS: Final = 253402300799999
"""9999-12-31T23:59:59.999Z."""


@lru_cache(maxsize=16)
def _second(unix_s: int) -> str:
    return datetime.datetime.fromtimestamp(unix_s, datetime.UTC).isoformat()[:19]


_MILLISECONDS: Final = tuple(f".{millisecond:03d}Z" for millisecond in range(1000))


def instant(wall_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds: 2026-11-22T06:30:15.412Z.  Any integer gives one, clamped to 1970..9999."""
    if not 0 <= wall_ms <= LATEST_MS:
        wall_ms = 0 if wall_ms < 0 else LATEST_MS
    return _second(wall_ms // 1000) + _MILLISECONDS[wall_ms % 1000]


def parse_instant(text: str) -> int:
    """Unix milliseconds of an RFC 3339 instant.  Raises ValueError when it is none, or has no offset."""
    stamp = datetime.datetime.fromisoformat(text)
    if stamp.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return (stamp - _UNIX) // _MILLISECOND


_UNIX = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MILLISECOND = datetime.timedelta(milliseconds=1)
