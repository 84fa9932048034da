"""The nouns that every driver speaks, and the one method that it must have.

A driver owns one line.  It is given a `Sink` and runs until it is cancelled; everything else it can do
(a test read, a write, a new device list while running) is an optional protocol below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

import msgspec

Scalar: TypeAlias = float | int | bool | str
Language: TypeAlias = Literal["en", "zh-CN"]
Severity: TypeAlias = Literal[1, 2, 3, 4]
"""1 endangers life, 2 needs somebody today, 3 needs somebody soon, 4 is for the record."""


class Text(NamedTuple):
    """One sentence in both languages of the product."""

    en: str
    zh: str

    def say(self, language: Language) -> str:
        return self.zh if language == "zh-CN" else self.en


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a line or a device, in words for the person who mends it.

    `code` is stable and machine-readable (`line.open.permission`, `device.silent`); `what` says what was
    found; `cure` says what to do.
    """

    code: str
    what: Text
    cure: Text


class DriverError(Exception):
    """A line or a device cannot do what was asked; carries the `Fault` that names the cure."""

    def __init__(self, fault: Fault, subject: str = "") -> None:
        super().__init__(f"{subject}: {fault.what.en}" if subject else fault.what.en)
        self.fault = fault
        self.subject = subject


class NotKept(Exception):
    """What a device said went on from memory only; the disk could not take it in time.

    The device must not get its acknowledgement: it will say it again.
    """


class Reading(msgspec.Struct, frozen=True, gc=False):
    """The values of one device at one instant.

    `values` maps catalogue point names to values in the catalogue's units; `quality` names only the points
    that are not good, as `uncertain:reason` or `bad:reason` (bad has the value None).  `at_ms` is wall time
    (Unix, milliseconds, UTC) when the answer arrived; `device_at_ms` the device's own time, where it has one.
    """

    device: str
    at_ms: int
    mono_ms: int
    values: dict[str, Scalar | None]
    quality: dict[str, str] = {}
    device_at_ms: int | None = None


class Signal(msgspec.Struct, frozen=True):
    """Something that a device says at its own time: fire, SOS pressed, fall, door open.

    `kind` names the condition class (`fire`, `fault`, `sos`); `source` the part of the device that speaks
    (`1-1-2` for controller-loop-point), `active` whether the condition begins or ends.  `raw_hex` is kept always.
    `text` are the device's or the site's own words for that part.
    `place` is where that part is, relative to the gateway's place; empty: where the device is.
    """

    device: str
    kind: str
    at_ms: int
    mono_ms: int
    active: bool = True
    severity: Severity = 2
    source: str = ""
    text: str = ""
    raw_hex: str = ""
    details: dict[str, Scalar | None] = {}
    device_at_ms: int | None = None
    place: str = ""


class Clock(Protocol):
    """Where time comes from.  Waiting is the event loop's business, never the clock's."""

    def wall_ms(self) -> int: ...
    def mono_ms(self) -> int: ...


class Sink(Protocol):
    """Where a driver puts what it learns."""

    def reading(self, reading: Reading) -> None:
        """Never blocks; when the consumer is behind, the newest wins and the drop is counted."""

    async def signal(self, signal: Signal) -> None:
        """Returns when the record is on disk.  Raises NotKept when only memory has it: acknowledge nothing then."""

    def health(self, subject: str, fault: Fault | None) -> None:
        """The present state of a device or a line; None is healthy.  Never blocks; repeats are harmless."""


class Driver(Protocol):
    """Turns one line into readings and signals."""

    async def run(self, sink: Sink) -> None:
        """Runs until cancelled.  Recovers from faults of devices and of the line by itself."""


@runtime_checkable
class Reads(Protocol):
    """A driver that can read one device now, beside its schedule."""

    async def read(self, device: str) -> Reading:
        """Raises DriverError when the device does not answer or is not of this line."""


class Write(msgspec.Struct, frozen=True):
    """One value for one writeable thing of a device: a coil, a register, a relay."""

    device: str
    target: str
    value: Scalar


@runtime_checkable
class Writes(Protocol):
    """A driver that can write what the site allows; allow-lists are checked before this is called, and here again."""

    async def write(self, write: Write) -> None:
        """Returns when the device has confirmed.  Raises DriverError."""


class Alert(msgspec.Struct, frozen=True):
    """A sign to whoever wears a device: how strong, for how long, and whether it is then stopped or ends by itself."""

    level: Literal["mild", "high"] = "mild"
    for_s: float = 3.0
    stop: bool = True


@runtime_checkable
class Alerts(Protocol):
    """A driver of devices that can buzz or blink, so that their wearer knows that somebody has heard the call."""

    def alerting(self, device: str) -> bool:
        """Whether this device can."""

    async def alert(self, device: str, alert: Alert) -> None:
        """Returns when the device has done it, in bounded time.  Raises DriverError."""


@runtime_checkable
class Adjusts(Protocol):
    """A driver whose device list can change while it runs; devices that did not change keep their state."""

    def adjust(self, devices: Sequence[Any]) -> None:
        """Raises ValueError, and changes nothing, when only a new driver can take them."""


@runtime_checkable
class Counts(Protocol):
    """A driver that counts what it does; names are stable (`polls`, `late_replies`, `overdue_skipped`)."""

    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """Per subject (device id or line name), per counter name."""


@runtime_checkable
class Progresses(Protocol):
    """A driver that can tell whether it gets on; one that does not is made anew."""

    def on_time(self) -> bool:
        """Whether it works, or waits for no longer than it meant to: for an answer, for a delay, for what is due."""


@runtime_checkable
class Traces(Protocol):
    """A driver that keeps the last frames of each device, for people to look at."""

    def frames(self, device: str) -> Sequence[Any]:
        """The last frames sent and received, oldest first.  Raises DriverError for a device of another line."""
