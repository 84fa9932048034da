"""What a site says about a fire panel that is read over Modbus.

The types of single settings stand by themselves, so that the site's table says the same of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from courtyard.drivers.lines.settings import Seconds, help_text

Model = Annotated[
    Literal["gst200", "gst5000", "notifier", "gamewell"],
    help_text("Whose register map the panel has.", "控制器寄存器表的型号。", example="gst200"),
]
UnitAddress = Annotated[int, Meta(ge=0, le=255), help_text("Unit address.", "从站地址。", example=1)]
EveryS = Annotated[
    Seconds,
    Meta(gt=0),
    help_text("Time between polls; states in between are missed.", "轮询间隔，期间的状态变化会丢失。"),
]
TimeoutS = Annotated[Seconds, Meta(gt=0), help_text("Time allowed for an answer.", "等待应答的最长时间。")]
PollSilenceS = Annotated[
    Seconds, Meta(gt=0), help_text("Longest silence of a healthy panel.", "正常控制器的最长无应答时间。")
]
Span = tuple[Annotated[int, Meta(ge=0, le=65535)], Annotated[int, Meta(ge=1, le=65536)]]


class RegisterPanel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One panel, or gateway in front of panels, on a Modbus line.

    `spans` are first PDU address and number of registers of each part that is used; a GST panel has its own.  `names`
    and `places` say what and where each part is, by its address; see `naming`.
    """

    id: str
    model: Model
    address: UnitAddress
    spans: tuple[Span, ...] = ()
    every_s: EveryS = 1.0
    timeout_s: TimeoutS = 1.0
    silence_s: PollSilenceS = 10.0
    names: Mapping[str, str] = {}
    places: Mapping[str, str] = {}
