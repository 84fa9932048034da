"""What the gateway and a vision worker say to each other: one line of JSON each.  Times are monotonic seconds."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import msgspec

from courtyard.agent.vision.regions import Region
from courtyard.agent.vision.tracker import Detection

LONGEST_LINE = 1 << 18


class Stages(NamedTuple):
    """Where the time of one look went, in milliseconds.

    By how much the picture came later than the quickest do; its decoding; its wait for a turn; the model.
    """

    capture_ms: float = 0.0
    decode_ms: float = 0.0
    queue_ms: float = 0.0
    inference_ms: float = 0.0


class Load(msgspec.Struct, frozen=True, tag="load"):
    """The first order: the model's manifest, the share of a core for it, where pictures are kept (empty: nowhere).

    `former` are folders of processes that a site has no more: their pictures come under this one's quota.
    """

    manifest: str
    load: float
    folder: str
    quota_bytes: int
    former: tuple[str, ...] = ()


class Attach(msgspec.Struct, frozen=True, tag="attach"):
    """Look at this lift's pictures from now on, in place of the former ones.

    `lessons` is the folder of all lifts under which its own heads are, and what they learn from (empty: none);
    `active` and `trial` are the digests of its heads; `gather` says to keep what scores wrongly, in `region`.
    """

    lift: str
    frames: str
    region: Region = Region(())
    lessons: str = ""
    gather: bool = False
    active: str = ""
    trial: str = ""


class Detach(msgspec.Struct, frozen=True, tag="detach"):
    """No longer."""

    lift: str


class Keep(msgspec.Struct, frozen=True, tag="keep"):
    """Keep a picture and a clip of this moment, under this name; `small`: also hand back a small picture."""

    lift: str
    name: str
    at_s: float
    small: bool


Order: TypeAlias = Load | Attach | Detach | Keep


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The model has passed its golden check: its hash, its threshold, and how long one look takes."""

    model: str
    score: float
    look_ms: float


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The model cannot be used: code and words of a fault."""

    code: str
    what: tuple[str, str]
    cure: tuple[str, str]


class Looked(msgspec.Struct, frozen=True, tag="looked"):
    """What one look found; `at_s` is when the picture had arrived.  `trial`: as in `model.Seen`."""

    lift: str
    number: int
    at_s: float
    detections: tuple[Detection, ...]
    stages: Stages
    trial: float | None = None


class Still(msgspec.Struct, frozen=True, tag="still"):
    """A live picture in which nothing moves: what the last look found still holds."""

    lift: str
    at_s: float


class Kept(msgspec.Struct, frozen=True, tag="kept"):
    """Files of an event; empty names where there is nothing.  `small` is a JPEG in base64."""

    lift: str
    name: str
    picture: str
    clip: str
    pictures: int
    small: str = ""
    error: str = ""


class Gathered(msgspec.Struct, frozen=True, tag="gathered"):
    """So many looks are kept of a lift, of which a head of its own may learn; `error` says why not."""

    lift: str
    looks: int
    error: str = ""


class Pulse(msgspec.Struct, frozen=True, tag="pulse"):
    """The worker gets on; looks a second that each moving lift gets now, and whether that is too little."""

    each_hz: float
    overloaded: bool


Report: TypeAlias = Ready | Refused | Looked | Still | Kept | Gathered | Pulse
orders: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)
reports: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)
