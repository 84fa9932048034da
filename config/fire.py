"""The tables of a site about fire panels.

What a panel is asked and answered is its driver's business (`drivers.fire`); here stands where it hangs and where it
is.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta, field

from courtyard.drivers.fire import register_settings as registers
from courtyard.drivers.fire import settings as panels
from courtyard.drivers.lines.settings import Name, help_text

PanelId = Annotated[
    Name,
    help_text("Name of this panel; part of its alarms' ids.", "控制器编号，是其报警编号的一部分。", example="fp-b03"),
]
PanelLine = Annotated[
    Name,
    help_text("Line that it hangs on; no meter may hang there.", "所接的线路，不得与仪表共用。", example="fire-1"),
]
PanelPlace = Annotated[
    Annotated[str, Meta(extra={"kind": "place"})] | None,
    help_text(
        "Where it stands: b building / u unit / f floor / r room; x- for anything else (b03/x-fire-room).",
        "安装位置：b 楼栋 / u 单元 / f 楼层 / r 房间；其他位置用 x- 开头（b03/x-fire-room）。",
        example="b03/x-fire-room",
    ),
]
PanelName = Annotated[
    Annotated[str, Meta(extra={"kind": "text"})] | None,
    help_text("Name for people.", "便于识别的名称。", example="3号楼消控室 JBF-11S"),
]
NamesFile = Annotated[
    Annotated[
        str,
        Meta(
            pattern=r"^(?!/)(?!.*\.\.)[^\\]+$",
            extra={
                "allowed": (
                    "the path of a CSV file below the folder of this file, such as names/fp-b03.csv",
                    "本文件所在目录下的 CSV 文件路径，例如 names/fp-b03.csv",
                )
            },
        ),
    ]
    | None,
    help_text(
        "CSV file (UTF-8 or GB18030) that says what and where each detector is; its first line names the columns: "
        "controller, loop, address, place, text.",
        "部件名称表：CSV 文件（UTF-8 或 GB18030），首行为列名：控制器、回路、地址、位置、描述。",
        example="names/fp-b03.csv",
    ),
]


class FirePanel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fire panel or transmission device that speaks by itself."""

    id: PanelId
    line: PanelLine
    protocol: panels.Protocol
    place: PanelPlace = None
    name: PanelName = None
    names: NamesFile = None
    address: panels.PanelAddress = None
    speak: panels.Speak = None
    silence_s: panels.SilenceS = field(default=None, name="silence")
    addresses: panels.AddressStyle = "loop-point"
    select_alone: panels.SelectAlone = False
    set_clock: panels.SetClock = False

    install: ClassVar[int] = 1


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a register map."""

    first: Annotated[
        int, Meta(ge=0, le=65535), help_text("First PDU address: 40001 is 0.", "起始 PDU 地址：40001 为 0。")
    ]
    count: Annotated[int, Meta(ge=1, le=65536), help_text("Number of registers.", "寄存器数量。")]


class FireModbusPanel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fire panel, or gateway in front of panels, that is read over Modbus."""

    id: PanelId
    line: PanelLine
    model: registers.Model
    address: registers.UnitAddress
    place: PanelPlace = None
    name: PanelName = None
    names: NamesFile = None
    spans: Annotated[
        tuple[Span, ...],
        help_text(
            "Registers that are used; a GST panel has its own.",
            "使用的寄存器区段；海湾控制器已内置。",
            example=[{"first": 0, "count": 200}],
        ),
    ] = ()
    every_s: registers.EveryS = field(default=1.0, name="every")
    timeout_s: registers.TimeoutS = field(default=1.0, name="timeout")
    silence_s: registers.PollSilenceS = field(default=10.0, name="silence")

    install: ClassVar[int] = 1
