"""How the stages of a drill are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from courtyard.drivers.base import Text

STAGES: Final[Mapping[str, Text]] = {
    "signal": Text("signal", "信号"),
    "disk": Text("on disk", "已写盘"),
    "published": Text("published", "已发送"),
    "confirmed": Text("confirmed (PUBACK)", "已确认（PUBACK）"),
    "received": Text("received by the platform", "平台已收到"),
    "done": Text("step done", "步骤完成"),
    "failed": Text("step FAILED", "步骤失败"),
    "ended": Text("step ended", "步骤结束"),
    "steps": Text("steps of escalations", "升级步骤"),
}
