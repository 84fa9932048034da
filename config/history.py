"""The history of points: how much is kept of it, and for how long."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, field

from courtyard.drivers.lines.settings import Seconds, help_text

DAY_S = 86_400


class History(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Minutes, hours and days of every point, for the charts of the status page."""

    enabled: Annotated[
        bool,
        help_text(
            "Whether points have a history on this box, while it has a page to show it ([web]).",
            "配置了状态页（[web]）时，是否在本网关上保存测点的历史曲线。",
        ),
    ] = True
    quota: Annotated[
        int,
        Meta(ge=8_000_000, extra={"kind": "size"}),
        help_text(
            "Disk space that the history may take, beside that of the journal; when full, the oldest minutes go first.",
            "历史曲线可占用的磁盘空间（不含数据缓存）；写满后最先淘汰最早的分钟值。",
        ),
    ] = 500_000_000
    minutes_s: Annotated[
        Seconds,
        Meta(ge=DAY_S, le=3660 * DAY_S),
        help_text("How long values of each minute are kept.", "分钟值的保存时间。"),
    ] = field(default=35.0 * DAY_S, name="minutes")
    hours_s: Annotated[
        Seconds,
        Meta(ge=DAY_S, le=3660 * DAY_S),
        help_text("How long values of each hour are kept.", "小时值的保存时间。"),
    ] = field(default=400.0 * DAY_S, name="hours")
    days_s: Annotated[
        Seconds,
        Meta(ge=DAY_S, le=36_600 * DAY_S),
        help_text("How long values of each day are kept.", "日值的保存时间。"),
    ] = field(default=3660.0 * DAY_S, name="days")
