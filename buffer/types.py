"""What goes into the journal, what comes out of it, and how it is set up.

The journal knows bytes, lanes and numbers.  A record is known for ever by (epoch, lane, seq); `epoch` is eight
random hexadecimal digits, `seq` counts from 1 without a hole within its epoch and lane.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

Which: TypeAlias = Literal["live", "backlog"]
"""`live`: committed since the uplink last called `mark_live`; `backlog`: everything older that it still wants."""

Start: TypeAlias = Literal["head", "oldest"]


class Entry(NamedTuple):
    """One record on its way in.

    `at_ms` is wall time (Unix, milliseconds) and only dates gaps and exports; `volatile` is the body to deliver
    instead when only memory could take the record (None: the same body).
    """

    lane: str
    at_ms: int
    body: bytes
    volatile: bytes | None = None


class Appended(NamedTuple):
    """Where the records of one append went, in their order.  `durable` is False when only memory has them so far."""

    epoch: str
    seqs: tuple[int, ...]
    durable: bool


class Gap(msgspec.Struct, frozen=True):
    """Records that one uplink will never get, and why.

    `count` records of `first..last` are lost (inclusive; fewer than the span when neighbouring gaps had to be
    merged), dated from `since_ms` to `until_ms`.  `reason` is `quota`, `corrupt`, `memory`, `unknown` or what the
    uplink gave to `set_aside` (`refused`, `oversize`).
    """

    epoch: str
    lane: str
    first: int
    last: int
    count: int
    since_ms: int
    until_ms: int
    reason: str


class Block(NamedTuple):
    """Consecutive records of one epoch, lane and boot for one uplink; acknowledging it covers `first..last`.

    `seqs` and `bodies` hold the records that are there, ascending.  `gaps` are losses that this uplink has not
    been told yet and that lie before or inside the block.  A block may carry gaps alone: `seqs` is then empty.
    """

    epoch: str
    boot: str
    lane: str
    first: int
    last: int
    seqs: Sequence[int]
    bodies: Sequence[bytes]
    gaps: tuple[Gap, ...]
    oldest_at_ms: int


class Finding(msgspec.Struct, frozen=True):
    """Something that happened to the journal, for the daemon to turn into an event and a sentence.

    Codes and their parameters are listed in `courtyard.buffer.findings`.
    """

    code: str
    at_ms: int
    params: Mapping[str, str | int | float | bool | None] = {}


def _no_gate(operation: str) -> None:
    """The gate of a journal in service: never holds anything up."""


def _as_it_is(seq: int, body: bytes) -> bytes:
    """A stamp that leaves no mark."""
    return body


class Options(msgspec.Struct, frozen=True):
    """How a journal is kept; every size is in bytes, every time in seconds.

    `quota_bytes` bounds the whole directory; `alarm_reserve_bytes` of it only the first lane may take.
    `lanes` are in order of priority, the first is the alarm lane.  `reading_commit_s` lets records of the last
    lane wait to be committed together.  A commit that has not answered after `commit_timeout_s` sends appends of
    the first lane to memory; after `disk_timeout_s`, or when the disk answers with an error, all appends go there.

    `stamp` writes the number of a record into its bytes; it is called once, when the number is given, and what it
    returns is what is kept and served.

    `threads=False` commits and reads within the event loop: for tests on a virtual clock.  `gate` is called with
    the name of each disk operation (`open`, `commit`, `checkpoint`, `read`) in the thread that is about to do it,
    and with `committed` after a commit; it may block, or raise OSError, as a slow or broken disk does.
    """

    quota_bytes: int = 1 << 30
    alarm_reserve_bytes: int = 16 << 20
    reading_commit_s: float = 0.0
    lanes: tuple[str, ...] = ("alarm", "event", "reading")
    commit_timeout_s: float = 1.0
    disk_timeout_s: float = 10.0
    retry_s: tuple[float, float] = (0.5, 30.0)
    progress_s: float = 5.0
    close_s: float = 3.0
    max_pending_bytes: int = 8 << 20
    memory_bytes: int = 8 << 20
    recent_bytes: int = 2 << 20
    max_entry_bytes: int = 256 << 10
    max_ranges: int = 64
    max_gaps: int = 64
    max_epochs: int = 64
    quarantine_files: int = 2
    stamp: Callable[[int, bytes], bytes] = _as_it_is
    threads: bool = True
    gate: Callable[[str], None] = _no_gate
    on_finding: Callable[[Finding], None] | None = None


class LaneStatus(msgspec.Struct, frozen=True):
    """One lane in all epochs: `epoch` and `head` name its newest record, `oldest_at_ms` dates its oldest."""

    epoch: str
    head: int
    records: int
    bytes: int
    oldest_at_ms: int | None


class EpochStatus(msgspec.Struct, frozen=True):
    """One numbering.  `reason` says why it began (`new`, `salvaged`, `memory`, ...); `heads` are its last numbers."""

    epoch: str
    since_ms: int
    reason: str
    heads: Mapping[str, int]
    volatile: bool


class Backlog(NamedTuple):
    """What an uplink still has to deliver of one lane; `bytes` is `records` times the mean size in that lane."""

    records: int
    bytes: int
    oldest_at_ms: int | None


class UplinkStatus(msgspec.Struct, frozen=True):
    """One uplink: what is still to be delivered per lane, what was lost for it per reason, what it was not told."""

    backlog: Mapping[str, Backlog]
    lost: Mapping[str, int]
    gaps: tuple[Gap, ...]


class Status(msgspec.Struct, frozen=True):
    """The whole journal at one moment.  `faults` are the findings that still hold (`disk.full`, ...)."""

    epoch: str
    durable: bool
    quota_bytes: int
    used_bytes: int
    lanes: Mapping[str, LaneStatus]
    epochs: tuple[EpochStatus, ...]
    uplinks: Mapping[str, UplinkStatus]
    faults: tuple[Finding, ...]


class StoredRecord(NamedTuple):
    """One record as inspection sees it."""

    epoch: str
    boot: str
    lane: str
    seq: int
    at_ms: int
    body: bytes


class JournalError(Exception):
    """Base of what the journal raises by name."""


class JournalInUse(JournalError):
    """Another process holds this directory open for writing."""


class JournalBusy(JournalError):
    """More than `max_pending_bytes` wait for the disk; the caller decides what to drop."""


class JournalClosed(JournalError):
    """The journal was closed before this could be done."""


class EntryTooLarge(JournalError):
    """One record is larger than `max_entry_bytes`, or one append larger than a transaction may be."""


class UnknownLane(JournalError):
    """The lane is not one of `Options.lanes`."""
