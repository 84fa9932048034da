"""What a site says about a fire panel that is read over Modbus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from courtyard.drivers.lines.settings import Seconds, help_text

Model = Literal["gst200", "gst5000", "notifier", "gamewell"]
Span = tuple[Annotated[int, Meta(ge=0, le=65535)], Annotated[int, Meta(ge=1, le=65536)]]


class RegisterPanel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One panel, or gateway in front of panels, on a Modbus line."""

    id: str
    model: Annotated[Model, help_text("Whose register map the panel has.", "控制器寄存器表的型号。", example="gst200")]
    address: Annotated[int, Meta(ge=0, le=255), help_text("Unit address.", "从站地址。", example=1)]
    spans: Annotated[
        tuple[Span, ...],
        help_text(
            "First PDU address and number of registers of each part that is used; a GST panel has its own.",
            "使用的寄存器区段：起始 PDU 地址和数量；海湾控制器已内置。",
            example=[[0, 200]],
        ),
    ] = ()
    every_s: Annotated[
        Seconds,
        Meta(gt=0),
        help_text("Time between polls; states in between are missed.", "轮询间隔，期间的状态变化会丢失。"),
    ] = 1.0
    timeout_s: Annotated[Seconds, Meta(gt=0), help_text("Time allowed for an answer.", "等待应答的最长时间。")] = 1.0
    silence_s: Annotated[
        Seconds, Meta(gt=0), help_text("Longest silence of a healthy panel.", "正常控制器的最长无应答时间。")
    ] = 10.0
    names: Annotated[
        Mapping[str, str],
        help_text(
            "Where each part is, by its address.", "各部件的位置说明(按地址)。", example={"3-17": "3号楼6层走廊"}
        ),
    ] = {}
