"""A platform that gets the records of a site, and what of them it gets."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from courtyard.config.kinds import File, Pattern, SecretFile
from courtyard.config.station import Station
from courtyard.drivers.lines.settings import Name, help_text


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an uplink wants; filters only drop."""

    lanes: Annotated[
        tuple[Literal["alarm", "event", "reading"], ...],
        Meta(min_length=1),
        help_text("Classes of records that are sent.", "要发送的记录类别：报警、事件、读数。"),
    ] = ("alarm", "event", "reading")
    devices: Annotated[
        tuple[Pattern, ...],
        Meta(min_length=1),
        help_text("Device ids that are sent; * stands for any text.", "要发送的设备编号；* 代表任意文本。"),
    ] = ("*",)
    points: Annotated[
        tuple[Pattern, ...],
        Meta(min_length=1),
        help_text("Points that are sent; * stands for any text.", "要发送的测点；* 代表任意文本。"),
    ] = ("*",)


class Uplink(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One platform."""

    name: Annotated[
        Name,
        help_text("Name of this platform; keeps its progress.", "平台名称，用于记录其发送进度。", example="community"),
    ]
    url: Annotated[
        str,
        Meta(extra={"kind": "uplink-url"}),
        help_text(
            "Address of the MQTT broker; mqtts is encrypted. Of a fire-control centre: tcp:// or udp://. "
            "Never write a password here.",
            "MQTT 服务器地址；mqtts 为加密连接。消防监控中心填写 tcp:// 或 udp://。切勿在此填写密码。",
            example="mqtts://platform.example:8883",
        ),
    ]
    username: Annotated[str | None, help_text("User name at the broker.", "MQTT 用户名。", example="gw-0007")] = None
    password_file: Annotated[
        SecretFile | None,
        help_text(
            "File that holds the password and nothing else, or credential:NAME for a systemd credential.",
            "仅存放密码的文件；或写 credential:名称，使用 systemd 凭据。",
            example="secrets/community",
        ),
    ] = None
    ca_file: Annotated[
        File | None,
        help_text(
            "Certificates of the authority that signs the broker's, when it is not a public one.",
            "签发服务器证书的 CA 证书文件；公共 CA 无需填写。",
            example="tls/platform-ca.pem",
        ),
    ] = None
    certificate_file: Annotated[
        File | None,
        help_text("This gateway's own certificate.", "本网关的客户端证书。", example="tls/gw-0007.pem"),
    ] = None
    key_file: Annotated[
        SecretFile | None,
        help_text("Private key of that certificate.", "客户端证书的私钥。", example="secrets/gw-0007.key"),
    ] = None
    format: Annotated[
        Literal["native", "gb26875"],
        help_text(
            "Format of the messages: native over MQTT, gb26875 to a fire-control centre (GB/T 26875.3).",
            "报文格式：native 为 MQTT，gb26875 为消防监控中心（GB/T 26875.3）。",
        ),
    ] = "native"
    station: Annotated[
        Station | None,
        help_text(
            "Addresses at a fire-control centre, for format gb26875.", "在消防监控中心的地址，用于 gb26875 格式。"
        ),
    ] = None
    only_escalated: Annotated[
        bool,
        help_text(
            "Whether it gets only what a step of an escalation hands to it; for format gb26875.",
            "是否只接收升级步骤转交的报警；用于 gb26875 格式。",
        ),
    ] = False
    start: Annotated[
        Literal["head", "oldest"],
        help_text(
            "Where a new platform begins: head sends new records only, oldest all that are still kept.",
            "新平台从何处开始：head 只发送新记录，oldest 发送所有仍保留的记录。",
        ),
    ] = field(default="head", name="from")
    filter: Annotated[Filter, help_text("What this platform gets.", "该平台接收的内容。")] = Filter()
    commands: Annotated[bool, help_text("Whether this platform may send commands.", "是否允许该平台下发命令。")] = True
