"""What a site says about one fire panel or transmission device on a line.

The types of single settings stand by themselves, so that the site's table says the same of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from courtyard.drivers.lines.settings import Seconds, help_text

Protocol = Annotated[
    Literal["gb26875", "jbf", "gst24", "gst232", "gst-printer", "ld128", "jb3208", "fs5101", "espa"],
    help_text("What the panel speaks.", "控制器的通信协议。", example="jbf"),
]
AddressStyle = Annotated[
    Literal["loop-point", "point-loop", "bytes", "number"],
    help_text(
        "GB/T 26875.3: how the four bytes of a component address are read.",
        "GB/T 26875.3：部件地址四个字节的解释方式。",
    ),
]
PanelAddress = Annotated[
    Annotated[int, Meta(ge=0, le=(1 << 48) - 1)] | None,
    help_text(
        "GB/T 26875.3: source address of the transmission device. FS5101: our peripheral address. ESPA: our station.",
        "GB/T 26875.3：传输装置的源地址；FS5101：本机外设地址；ESPA：本机站号。",
        example=1,
    ),
]
Speak = Annotated[
    bool | None,
    help_text(
        "Whether to poll or answer; false only listens. Unset: listen to JBF and LD128E, answer all others.",
        "是否轮询或应答；false 表示只监听。未设置时：JBF 和 LD128E 只监听，其他协议应答。",
        example=False,
    ),
]
SilenceS = Annotated[
    Annotated[Seconds, Meta(gt=0)] | None,
    help_text(
        "Longest silence of a healthy panel; unset is the protocol's own, none for panels that only push events.",
        "正常控制器的最长静默时间；未设置时按协议默认值。仅主动上报事件的控制器没有默认值。",
        example="90s",
    ),
]
SelectAlone = Annotated[
    bool,
    help_text("ESPA: the panel selects without polling first.", "ESPA：控制器不经轮询直接选择本站。"),
]
SetClock = Annotated[
    bool,
    help_text(
        "GB/T 26875.3: whether to set the clock of the transmission device, once a day and only while the gateway's "
        "own clock is synchronised. Leave it off where another centre does.",
        "GB/T 26875.3：是否为传输装置校时，每天一次，且仅在网关自身时钟已同步时进行。已有其他监控中心校时的不要启用。",
    ),
]


class FirePanel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One panel.  A line carries panels of one protocol; more than one only with GB/T 26875.3.

    `names` and `places` say what and where each part is, by its address: `1-6-12`; see `naming`.  A name is said
    instead of the panel's own text; a place is relative to the gateway's.
    """

    id: str
    protocol: Protocol
    address: PanelAddress = None
    speak: Speak = None
    silence_s: SilenceS = None
    addresses: AddressStyle = "loop-point"
    select_alone: SelectAlone = False
    set_clock: SetClock = False
    names: Mapping[str, str] = {}
    places: Mapping[str, str] = {}
