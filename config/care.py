"""Residents in the care of the house: what they wear, what is worth an alarm, what may be told of them.

A resident is a pseudonym here and everywhere upstream; who it is, is known to people, not to the gateway.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from courtyard.drivers.base import Severity
from courtyard.drivers.lines.settings import Name, Seconds, help_text

VITAL = "vital."
"""Points that begin with this are health data."""


PRESENCE = "presence.room"
"""Where somebody is: as personal as a vital sign."""


def personal(point: str) -> bool:
    """Whether a point tells of a person and not of a device: nothing of it without consent."""
    return point.startswith(VITAL) or point == PRESENCE


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How whoever called for help learns that somebody has acknowledged the call."""

    alert: Annotated[
        Literal["off", "mild", "high"],
        help_text(
            "Whether the device that called buzzes or blinks, and how strongly, where it can.",
            "求助报警被确认时，求助设备是否振动或闪烁，以及强度（须设备支持）。",
        ),
    ] = "high"
    alert_for_s: Annotated[
        Seconds,
        Meta(ge=1, le=30),
        help_text("How long it buzzes.", "振动持续时间。"),
    ] = field(default=3.0, name="alert_for")
    alert_stop: Annotated[
        bool,
        help_text(
            "Whether the gateway holds the connection and ends it; false for devices that go on for a time of their "
            "own after the connection has ended.",
            "是否由网关保持连接并停止振动；断开后仍会按自身时长继续振动的设备填 false。",
        ),
    ] = True


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is normal for this person."""

    point: Annotated[
        str,
        Meta(extra={"kind": "point"}),
        help_text(
            "Vital sign that is watched; begins with vital.",
            "监测的体征，以 vital. 开头。",
            example="vital.heart_rate",
        ),
    ]
    above: Annotated[
        float | None,
        help_text("Alarm above this value, in the point's unit.", "高于此值时报警，单位同测点。", example=120),
    ] = None
    below: Annotated[
        float | None,
        help_text("Alarm below this value, in the point's unit.", "低于此值时报警，单位同测点。", example=45),
    ] = None
    hysteresis: Annotated[
        float,
        Meta(ge=0),
        help_text("How far back the value must come before the alarm ends.", "数值须回落多少报警才解除。"),
    ] = 0.0
    for_s: Annotated[
        Annotated[Seconds, Meta(le=86_400)] | None,
        help_text(
            "How long the value must stay there before the alarm: one bad beat is none. Left out: 30s, and at once for "
            "blood pressure, weight and temperature, which are measured once and not every second.",
            "数值须持续多久才报警，避免偶发误报。不填则为 30s；血压、体重、体温为单次测量，立即报警。",
            example="30s",
        ),
    ] = field(default=None, name="for")
    severity: Annotated[
        Severity,
        help_text(
            "1 endangers life, 2 needs somebody today, 3 needs somebody soon, 4 is for the record.",
            "1 危及生命，2 当天须处理，3 尽快处理，4 仅作记录。",
        ),
    ] = 2


class Resident(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One person in the care of the house, under a pseudonym."""

    id: Annotated[
        Name,
        help_text(
            "Pseudonym of the resident; never a name or a number that others know.",
            "住户代号；切勿使用姓名、身份证号等可识别信息。",
            example="r-017",
        ),
    ]
    wearables: Annotated[
        tuple[Name, ...],
        help_text("Devices that the resident wears.", "住户佩戴的设备。", example=["band-017"]),
    ] = ()
    buttons: Annotated[
        tuple[Name, ...],
        help_text(
            "Call buttons of the resident, which only give a sign of life now and then.",
            "住户的求助按钮，平时仅偶尔发送心跳。",
            example=["sos-017"],
        ),
    ] = ()
    limits: Annotated[
        tuple[Limit, ...],
        help_text(
            "What is normal for this person.",
            "该住户的正常体征范围。",
            example=[{"point": "vital.heart_rate", "above": 120, "below": 45, "for": "30s"}],
        ),
    ] = ()
    not_seen_s: Annotated[
        Seconds,
        Meta(ge=10, le=604_800),
        help_text("Silence of a wearable that is an alarm.", "佩戴设备静默多久视为失联并报警。"),
    ] = field(default=1800.0, name="not_seen")
    heartbeat_s: Annotated[
        Seconds,
        Meta(ge=60, le=2_592_000),
        help_text("Silence of a button that is an alarm.", "求助按钮静默多久视为失效并报警。"),
    ] = field(default=86_400.0, name="heartbeat")
    battery_below: Annotated[
        float,
        Meta(ge=0, le=100),
        help_text(
            "Battery level, in percent, below which somebody should charge or change it.",
            "电量低于多少百分比时提醒充电或更换。",
        ),
    ] = 15.0
    report: Annotated[
        Literal["alarms", "changes", "minutes"],
        help_text(
            "What of the vital signs is recorded and sent, given the resident's consent: nothing but alarms, values "
            "that changed noticeably, or a summary of each minute.",
            "在住户同意的前提下，哪些体征数据会被记录和上报：仅报警、明显变化的数值，或每分钟摘要。",
        ),
    ] = "minutes"

    not_worn_s: Annotated[
        Seconds,
        Meta(le=86_400),
        help_text(
            "How long a wearable must be without skin contact before it counts as not worn.",
            "设备未接触皮肤多久视为未佩戴。",
        ),
    ] = field(default=300.0, name="not_worn")

    @property
    def devices(self) -> tuple[str, ...]:
        """All that belongs to this resident."""
        return (*self.wearables, *self.buttons)
