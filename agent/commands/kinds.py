"""What can be commanded: the arguments of every kind as a type, and what the dispatcher must know of it.

Nothing that is not in this table can be asked for, and nothing in it reaches a fire panel's reset, silence or start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta, field

from courtyard.agent.records import Lane, Result
from courtyard.drivers.base import Scalar, Text

Reason = Annotated[str, Meta(min_length=1, max_length=500, description="Why; kept with the alarm.")]
AlarmId = Annotated[str, Meta(min_length=1, max_length=300, description="device:class:source")]
Occurrence = Annotated[int, Meta(ge=1, description="Refused when another occurrence is the present one.")]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Number = Annotated[int, Meta(ge=1)]


class Acknowledge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person takes the alarm on; it stops calling."""

    alarm_id: AlarmId
    reason: Reason
    occurrence: Occurrence | None = None


class Clear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An operator ends an alarm that does not end by itself."""

    alarm_id: AlarmId
    reason: Reason
    occurrence: Occurrence | None = None


class Shelve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The alarm does not call for a time: at most an hour at severity 1, a week otherwise."""

    alarm_id: AlarmId
    reason: Reason
    for_s: Annotated[float, Meta(gt=0, le=604_800)]


class Unshelve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The alarm may call again."""

    alarm_id: AlarmId
    reason: Reason


class Received(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The platform has this occurrence and will act on it.  Nobody has acknowledged it by that."""

    alarm_id: AlarmId
    occurrence: Occurrence


class Silence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The local sirens that an escalation holds for this alarm end; the alarm goes on, and no panel hears of it."""

    alarm_id: AlarmId
    reason: Reason


class Sync(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Send every alarm that is not cleared again, as it stands."""


class Resend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Serve these numbers again to the uplink that asks; what no longer exists comes as a gap."""

    epoch: Annotated[str, Meta(min_length=1, max_length=64)]
    lane: Lane
    first: Number = field(name="from")
    last: Number = field(name="to")


class HoldOutput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold an output of the site for a time, or let it go; it lets go by itself when the time is over."""

    output: Name
    action: Literal["hold", "release"]
    ttl_s: Annotated[float, Meta(gt=0, le=86_400, description="With hold; at most the output's cap.")] | None = None


class ReadDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Read a device now; the outcome carries its values."""

    device: Name


class WriteTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Write one value to a target that both the device's profile and the site allow, and that is no output."""

    device: Name
    target: Name
    value: Scalar


class Kind(NamedTuple):
    """`interrupted`: the outcome when nobody can say how far it came; `actuates`: needs to be known to be fresh."""

    args: type[msgspec.Struct]
    title: Text
    interrupted: Result = "failed"
    actuates: bool = False
    timeout_s: float = 10.0


KINDS: Final[Mapping[str, Kind]] = {
    "acknowledge": Kind(Acknowledge, Text("Acknowledge an alarm", "确认报警")),
    "clear": Kind(Clear, Text("Clear an alarm", "解除报警")),
    "shelve": Kind(Shelve, Text("Shelve an alarm", "搁置报警")),
    "unshelve": Kind(Unshelve, Text("End shelving", "取消搁置")),
    "received": Kind(Received, Text("Confirm receipt of an alarm", "确认平台已收到报警")),
    "silence": Kind(Silence, Text("Silence the sirens of an escalation", "关闭升级步骤启动的警号")),
    "sync": Kind(Sync, Text("Send all open alarms again", "重新发送所有未解除报警"), timeout_s=60.0),
    "resend": Kind(Resend, Text("Send records again", "重新发送记录")),
    "output": Kind(HoldOutput, Text("Hold or release an output", "保持或释放输出"), "unknown", True, 90.0),
    "read": Kind(ReadDevice, Text("Read a device now", "立即读取设备"), timeout_s=30.0),
    "write": Kind(WriteTarget, Text("Write a value", "写入数值"), "unknown", True, 30.0),
}
