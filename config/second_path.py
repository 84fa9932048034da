"""Settings of the way taken when no platform confirms a life-safety alarm: siren, SMS, another centre."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, field

from courtyard.drivers.lines.settings import Baud, Name, Seconds, help_text

After = Annotated[
    Seconds,
    Meta(le=3600),
    help_text(
        "How long after the alarm, while no platform has confirmed it; earlier when the step before fails.",
        "报警后多久执行（期间无平台确认收到）；上一步失败时立即执行。",
        example="30s",
    ),
]
PhoneNumber = Annotated[
    str,
    Meta(
        pattern=r"^\+?[0-9]{3,20}$",
        extra={
            "allowed": ("a phone number of digits, such as +8613812345678", "由数字组成的电话号码，例如 +8613812345678")
        },
    ),
]


class OutputStep(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="output", forbid_unknown_fields=True):
    """Holds an output until a person acknowledges or silences the alarm, or the output reaches its cap."""

    after_s: After = field(default=0.0, name="after")
    output: Annotated[Name, help_text("Output that is held.", "保持的输出。", example="siren-b03")]

    @property
    def key(self) -> str:
        """What the step does, for records and for telling steps apart."""
        return f"output:{self.output}"


class SmsStep(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="sms", forbid_unknown_fields=True):
    """Sends a text message to every number, through the modem."""

    after_s: After = field(default=0.0, name="after")
    numbers: Annotated[
        tuple[PhoneNumber, ...],
        Meta(min_length=1),
        help_text("Who gets the message, one after the other.", "依次接收短信的号码。", example=["+8613812345678"]),
    ]

    @property
    def key(self) -> str:
        """What the step does, for records and for telling steps apart; a number is shown by its end."""
        return f"sms:{','.join(number[-4:] for number in self.numbers)}"


class UplinkStep(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="uplink", forbid_unknown_fields=True):
    """Hands the alarm to an uplink that gets nothing else."""

    after_s: After = field(default=0.0, name="after")
    uplink: Annotated[
        Name, help_text("Uplink with only_escalated = true.", "设置了 only_escalated = true 的平台。", example="fire")
    ]

    @property
    def key(self) -> str:
        """What the step does, for records and for telling steps apart."""
        return f"uplink:{self.uplink}"


Step = OutputStep | SmsStep | UplinkStep
StepSettings = (
    Annotated[
        OutputStep,
        help_text("Holds an output: a local siren or lamp.", "保持一个输出：本地警号或警灯。"),
    ]
    | Annotated[SmsStep, help_text("Sends text messages.", "发送短信。")]
    | Annotated[UplinkStep, help_text("Reports to another centre.", "上报另一个中心。")]
)
MAX_STEPS = 8


class Escalation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens when no platform confirms an alarm of severity 1 in time."""

    name: Annotated[Name, help_text("Name of this sequence.", "该升级序列的名称。", example="life")]
    steps: Annotated[
        tuple[StepSettings, ...],
        Meta(min_length=1),
        help_text("What is done, in this order.", "依次执行的步骤。"),
    ]
    devices: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(min_length=1),
        help_text("Devices whose alarms are meant; * stands for any text.", "适用的设备编号；* 代表任意文本。"),
    ] = ("*",)
    classes: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(min_length=1),
        help_text(
            "Alarm classes that are meant, such as fire or sos; * stands for any text.",
            "适用的报警类别，例如 fire、sos；* 代表任意文本。",
        ),
    ] = ("*",)
    uplinks: Annotated[
        tuple[Name, ...],
        help_text(
            "Platforms of which one must confirm; none named means every one that always gets alarms.",
            "等待其中任一平台确认；不填表示所有常规接收报警的平台。",
            example=["community"],
        ),
    ] = ()


class Modem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A serial GSM or LTE modem for text messages."""

    port: Annotated[
        str,
        Meta(min_length=1),
        help_text(
            "Device path; prefer /dev/serial/by-id, which survives replugging.",
            "串口设备路径；建议使用 /dev/serial/by-id，重新插拔后不会改变。",
            example="/dev/serial/by-id/usb-SimTech-if02",
        ),
    ]
    baud: Annotated[Baud, help_text("Speed of the port.", "串口波特率。", unit="Bd")] = 115_200
    pin_file: Annotated[
        Annotated[str, Meta(min_length=1, extra={"kind": "secret-file"})] | None,
        help_text(
            "File that holds the SIM card's PIN and nothing else, or credential:NAME.",
            "仅存放 SIM 卡 PIN 码的文件；或写 credential:名称。",
            example="secrets/sim-pin",
        ),
    ] = None
    check_every_s: Annotated[
        Seconds,
        Meta(ge=60, le=86_400),
        help_text(
            "How often SIM card and network are looked at, so that a fault is known before the fire.",
            "多久检查一次 SIM 卡和网络，以便提前发现故障。",
        ),
    ] = field(default=900.0, name="check_every")
