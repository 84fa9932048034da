"""What the gateway and its stream worker say to each other: one line of JSON each."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec


class Watch(msgspec.Struct, frozen=True, tag="watch"):
    """Watch this stream from now on, in place of the camera's former one.  `frames` is the file of its FrameBoard."""

    camera: str
    address: str
    username: str
    password: str
    transport: Literal["tcp", "udp"] = "tcp"
    frames: str = ""


class Leave(msgspec.Struct, frozen=True, tag="leave"):
    """Watch that camera no longer."""

    camera: str


class Pace(msgspec.Struct, frozen=True, tag="pace"):
    """Whether key frames are enough: only while the lift's door is known to be closed."""

    camera: str
    key_frames_only: bool


Order: TypeAlias = Watch | Leave | Pace


class Up(msgspec.Struct, frozen=True, tag="up"):
    """The first live picture of a connection has come."""

    camera: str
    width: int
    height: int
    codec: str


class Down(msgspec.Struct, frozen=True, tag="down"):
    """No live picture: the code of the fault and its details; tried again after `retry_s`."""

    camera: str
    code: str
    details: dict[str, str | float]
    retry_s: float


class Live(msgspec.Struct, frozen=True, tag="live"):
    """Since the last word: pictures used, pictures too old to be used, the greatest age; what is wrong with them."""

    camera: str
    pictures: int
    stale: int
    age_s: float
    moving: bool
    trouble: str = ""


Report: TypeAlias = Up | Down | Live
orders: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)
reports: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)
