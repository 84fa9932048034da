"""What a site says about one fire panel or transmission device on a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from courtyard.drivers.lines.settings import Seconds, help_text

Protocol = Literal["gb26875", "jbf", "gst24", "gst232", "gst-printer", "ld128", "jb3208", "fs5101", "espa"]
AddressStyle = Literal["loop-point", "point-loop", "bytes", "number"]


class FirePanel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One panel.  A line carries panels of one protocol; more than one only with GB/T 26875.3."""

    id: str
    protocol: Annotated[Protocol, help_text("What the panel speaks.", "控制器的通信协议。", example="jbf")]
    address: Annotated[
        int | None,
        Meta(ge=0, lt=1 << 48),
        help_text(
            "GB/T 26875.3: source address of the transmission device. FS5101: our peripheral address. "
            "ESPA: our station.",
            "GB/T 26875.3：传输装置的源地址；FS5101：本机外设地址；ESPA：本机站号。",
            example=1,
        ),
    ] = None
    speak: Annotated[
        bool | None,
        help_text(
            "Whether to poll or answer; false only listens. Unset: listen to JBF and LD128E, answer all others.",
            "是否轮询或应答；false 表示只监听。未设置时：JBF 和 LD128E 只监听，其他协议应答。",
        ),
    ] = None
    silence_s: Annotated[
        Seconds | None,
        Meta(gt=0),
        help_text(
            "Longest silence of a healthy panel; unset is the protocol's own, none for panels that only push events.",
            "正常控制器的最长静默时间；未设置时按协议默认值。仅主动上报事件的控制器没有默认值。",
            example="90s",
        ),
    ] = None
    addresses: Annotated[
        AddressStyle,
        help_text(
            "GB/T 26875.3: how the four bytes of a component address are read.",
            "GB/T 26875.3：部件地址四个字节的解释方式。",
        ),
    ] = "loop-point"
    select_alone: Annotated[
        bool,
        help_text("ESPA: the panel selects without polling first.", "ESPA：控制器不经轮询直接选择本站。"),
    ] = False
    names: Annotated[
        Mapping[str, str],
        help_text(
            "Where each part is, by its address; said instead of the panel's own text.",
            "各部件的位置说明(按地址)，优先于控制器自带的文字。",
            example={"1-6-12": "3号楼6层走廊"},
        ),
    ] = {}
