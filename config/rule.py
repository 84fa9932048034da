"""A condition that the site wants an alarm for."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from courtyard.config.kinds import Pattern, TimeOfDay
from courtyard.drivers.lines.settings import Name, Seconds, help_text


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition worth an alarm."""

    name: Annotated[Name, help_text("Name of the rule; part of the alarm's id.", "规则名称，是报警编号的一部分。")]
    kind: Annotated[
        Literal["threshold", "unreachable", "reverse_flow", "night_flow"],
        help_text(
            "Condition: a value outside its limits, a device that does not answer, water that flows backwards, "
            "flow that never stops at night.",
            "条件：数值超限、设备无应答、水倒流、夜间用水不停。",
        ),
    ]
    devices: Annotated[
        tuple[Pattern, ...],
        Meta(min_length=1),
        help_text("Device ids that it watches; * stands for any text.", "监视的设备编号；* 代表任意文本。"),
    ] = ("*",)
    severity: Annotated[
        Literal[1, 2, 3, 4],
        help_text(
            "1 endangers life, 2 needs somebody today, 3 needs somebody soon, 4 is for the record.",
            "1 危及生命，2 当天须处理，3 尽快处理，4 仅作记录。",
        ),
    ] = 3
    point: Annotated[
        str | None,
        help_text("Point that the rule watches.", "规则监视的测点。", example="water.pressure", kind="point"),
    ] = None
    above: Annotated[
        float | None,
        help_text("Alarm above this value, in the point's unit.", "高于此值时报警，单位同测点。", example=600),
    ] = None
    below: Annotated[
        float | None,
        help_text("Alarm below this value, in the point's unit.", "低于此值时报警，单位同测点。", example=150),
    ] = None
    hysteresis: Annotated[
        float,
        Meta(ge=0),
        help_text("How far back the value must come before the alarm ends.", "数值须回落多少报警才解除。"),
    ] = 0.0
    for_s: Annotated[
        Seconds,
        Meta(le=2_592_000),
        help_text("How long the condition must hold before the alarm.", "条件持续多久才报警。"),
    ] = field(default=0.0, name="for")
    start: Annotated[
        TimeOfDay,
        help_text(
            "When the night of a night_flow rule begins, in the gateway's time zone.",
            "night_flow 规则中夜间时段的开始时刻，按网关时区。",
            example="23:30",
        ),
    ] = "02:00"
    end: Annotated[
        TimeOfDay,
        help_text(
            "When that night ends; a time before `start` is the next morning.",
            "夜间时段的结束时刻；早于 start 时指次日。",
            example="05:00",
        ),
    ] = "05:00"
    outputs: Annotated[
        tuple[Name, ...],
        help_text("Outputs held while the alarm is active and not acknowledged.", "报警有效且未确认期间保持的输出。"),
    ] = ()
