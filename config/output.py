"""An actuator that the site allows to be switched."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from courtyard.drivers.lines.settings import Name, Seconds, help_text


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An allow-listed actuator, held only by a lease."""

    name: Annotated[Name, help_text("Name that rules and commands use.", "规则和命令使用的名称。", example="siren-b03")]
    device: Annotated[Name, help_text("Device that switches it.", "执行动作的设备。", example="relay-b03")]
    target: Annotated[str, help_text("What is written on that device.", "在该设备上写入的对象。", example="siren")]
    active: Annotated[
        bool,
        help_text(
            "Value written while it is held; its opposite releases it.", "保持期间写入的值；释放时写入相反的值。"
        ),
    ] = True
    cap_s: Annotated[
        Seconds,
        Meta(ge=0.1, le=86_400),
        help_text("Longest uninterrupted hold; then it releases by itself.", "最长连续保持时间，到时自动释放。"),
    ] = field(default=60.0, name="cap")
    repeat_s: Annotated[
        Annotated[Seconds, Meta(ge=0.5, le=600)] | None,
        help_text(
            "While it is held, the value is written again so often: for a relay that lets go by itself when it is not "
            "told again (monostable, delayed off), and so lets go when the gateway dies. At most half the relay's own "
            "time.",
            "保持期间按此间隔重复写入：用于未再次收到命令即自行释放的继电器（单稳态、延时断开），网关停止运行时也会随之释放。不得超过继电器自身延时的一半。",
            example="2s",
        ),
    ] = field(default=None, name="repeat")
    use: Annotated[
        Literal["general", "door-hold"],
        help_text(
            "What it is for: door-hold is wired to a lift's own door-hold input, and nothing but the `hold` of that "
            "lift can switch it, no rule and no command.",
            "用途：door-hold 接电梯自带的开门保持输入，只有该电梯的 hold 能使其动作，规则和命令均不可用。",
        ),
    ] = "general"
