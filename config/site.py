"""The site as installers write it: one typed table per TOML table of `site.toml`.

Attribute names carry units; the names in the file are the ones given with `field(name=...)`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from courtyard.drivers.lines.settings import LineSettings, Name, help_text
from msgspec import Meta, field

Seconds = Annotated[float, Meta(ge=0, extra={"kind": "duration"})]
Bytes = Annotated[int, Meta(ge=0, extra={"kind": "size"})]
Place = Annotated[str, Meta(pattern=r"^[a-z0-9_-]+(/[a-z0-9_-]+)*$")]


class Gateway(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This box: its identity and where it stands."""

    id: Name
    place: Annotated[str, Meta(pattern=r"^\d{6}(/\d{3}){2}/\d{4}$"), help_text("GB/T 2260 region / street / community / compound.", "GB/T 2260 行政区 / 街道 / 社区 / 小区。", example="370213/005/012/0007")]
    timezone: str = "Asia/Shanghai"
    language: Literal["zh-CN", "en"] = "zh-CN"


class JournalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Disk buffer."""

    quota: Bytes = 2_000_000_000
    alarm_reserve: Bytes = 50_000_000
    reading_commit_s: Seconds = field(default=0.0, name="reading_commit")


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an uplink wants; filters only drop."""

    lanes: tuple[Literal["alarm", "event", "reading"], ...] = ("alarm", "event", "reading")
    devices: tuple[str, ...] = ("*",)
    """Shell-style patterns of device ids."""
    points: tuple[str, ...] = ("*",)


class Uplink(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One platform."""

    name: Name
    url: str
    username: str | None = None
    password_file: str | None = None
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    format: Literal["native"] = "native"
    start: Annotated[Literal["head", "oldest"], Meta(description="Where a new uplink begins.")] = field(default="head", name="from")
    filter: Filter = Filter()
    commands: bool = True
    """Whether this platform may send commands."""


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One installed point: a meter, a relay board, a detector."""

    id: Name
    profile: str
    line: Name
    address: int
    place: Place | None = None
    every_s: Seconds = field(default=60.0, name="every")
    install: int = 1
    name: str | None = None
    options: dict[str, float] = {}
    points: tuple[dict[str, object], ...] = ()
    """Further points, for profiles that are templates."""


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An allow-listed actuator, held only by a lease."""

    name: Name
    device: Name
    target: str
    active: bool = True
    """The value written while the lease is held; its opposite releases."""
    cap_s: Seconds = field(default=60.0, name="cap")
    """Longest uninterrupted hold."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition worth an alarm."""

    name: Name
    kind: Literal["threshold", "unreachable", "reverse_flow", "night_flow"]
    devices: tuple[str, ...] = ("*",)
    severity: Literal[1, 2, 3, 4] = 3
    point: str | None = None
    above: float | None = None
    below: float | None = None
    hysteresis: float = 0.0
    for_s: Seconds = field(default=0.0, name="for")
    outputs: tuple[Name, ...] = ()
    """Outputs held while the alarm is active and not acknowledged."""


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole `site.toml`."""

    gateway: Gateway
    journal: JournalSettings = JournalSettings()
    uplinks: tuple[Uplink, ...] = ()
    lines: tuple[LineSettings, ...] = ()
    devices: tuple[Device, ...] = ()
    outputs: tuple[Output, ...] = ()
    rules: tuple[Rule, ...] = ()
