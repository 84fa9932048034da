"""How a lift stands, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from courtyard.drivers.base import Text

WHY: Final[Mapping[str, Text]] = {
    "quiet": Text("nothing seen", "无异常"),
    "seen": Text("e-bike, warning", "发现电动自行车，正在警告"),
    "blocked": Text("e-bike, the door must not be held", "发现电动自行车，禁止保持开门"),
    "picture_lost": Text("NO PICTURE", "无画面"),
    "not_commissioned": Text("e-bike, warning; not commissioned", "发现电动自行车，正在警告；尚未验收"),
    "not_calibrated": Text("e-bike, warning; not calibrated", "发现电动自行车，正在警告；尚未标定"),
    "shadow": Text("e-bike, in shadow: nothing is done", "发现电动自行车，影子模式不动作"),
    "door_closed": Text("e-bike, the door is closed", "发现电动自行车，门已关闭"),
    "cap": Text("e-bike, held for long enough", "发现电动自行车，已达最长保持时间"),
    "cooling": Text(
        "e-bike, held until a moment ago; held again soon if it stays",
        "发现电动自行车，刚刚结束保持；若车未离开，稍后再次保持",
    ),
    "held": Text("e-bike, the door is held", "发现电动自行车，正在保持开门"),
}
"""By `courtyard.agent.vision.votes.Why`."""
DOOR: Final[Mapping[str, Text]] = {
    "open": Text("open", "开"),
    "closing": Text("closing", "正在关门"),
    "closed": Text("closed", "关"),
    "unknown": Text("not wired", "未接入"),
}
"""By `courtyard.agent.vision.votes.Door`."""
