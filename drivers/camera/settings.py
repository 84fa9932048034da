"""What a site says about one camera."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta, field

from courtyard.drivers.lines.settings import Name, Seconds, help_text


class Camera(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ONVIF camera."""

    install: ClassVar[int] = 1

    id: Annotated[Name, help_text("Name of the camera.", "摄像机编号。", example="cam-b03-lift1")]
    address: Annotated[
        str,
        Meta(
            max_length=300,
            pattern=r"^(https?://)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?(/[!-?A-~]*)?$",
            extra={
                "allowed": (
                    "host, host:port, or the ONVIF address as a scan shows it; never a user name or a password",
                    "主机名或 IP（可带端口），或扫描得到的 ONVIF 地址；不得包含用户名或密码",
                )
            },
        ),
        help_text(
            "Where its ONVIF service is: host, host:port, or the whole address that `courtyard scan cameras` shows.",
            "ONVIF 服务地址：主机名或 IP（可带端口），或 courtyard scan cameras 显示的完整地址。",
            example="192.168.1.64",
        ),
    ]
    username: Annotated[
        str,
        Meta(min_length=1, max_length=64, pattern=r"^[^:@/\s]+$", extra={"allowed": ("no : @ /", "不含 : @ /")}),
        help_text(
            "ONVIF user of its own, with as few rights as the camera offers.",
            "专用的 ONVIF 用户，权限越小越好。",
            example="gateway",
        ),
    ]
    password_file: Annotated[
        str,
        Meta(min_length=1, extra={"kind": "secret-file"}),
        help_text(
            "File that holds the password and nothing else, or credential:NAME for a systemd credential.",
            "仅存放密码的文件；或写 credential:名称，使用 systemd 凭据。",
            example="secrets/cam-b03-lift1",
        ),
    ]
    place: Annotated[
        str | None,
        Meta(extra={"kind": "place"}),
        help_text("Where it looks.", "摄像机的位置。", example="b03/x-lift1"),
    ] = None
    name: Annotated[
        str | None,
        Meta(extra={"kind": "text"}),
        help_text("Name for people.", "便于识别的名称。", example="3号楼1号梯轿厢"),
    ] = None
    video: Annotated[bool, help_text("Whether its picture is watched on this box.", "是否在本机分析其画面。")] = True
    stream: Annotated[
        str,
        Meta(min_length=1, max_length=64),
        help_text(
            "Which picture: sub chooses the smallest H.264 stream at least 352 wide, anything else is the token of one "
            "of the camera's media profiles.",
            "使用哪路码流：sub 自动选择宽度不小于 352 的最小 H.264 码流；也可填写摄像机媒体配置的 token。",
        ),
    ] = "sub"
    transport: Annotated[Literal["tcp", "udp"], help_text("How the picture travels.", "视频传输方式。")] = "tcp"
    events: Annotated[
        bool,
        help_text(
            "Whether its own events are taken: motion, tampering, inputs.",
            "是否接收摄像机自身的事件：移动、遮挡、输入。",
        ),
    ] = True
    silence_s: Annotated[
        Seconds,
        Meta(ge=5, le=3600),
        help_text(
            "Longest silence of a healthy camera; then it is an alarm.", "正常摄像机的最长静默时间，超过即报警。"
        ),
    ] = field(default=60.0, name="silence")
    relays: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...],
        help_text(
            "Tokens of its relay outputs that outputs of the site may switch; all others are never touched.",
            "允许本站点输出控制的继电器 token；其余一律不动作。",
            example=(),
        ),
    ] = ()
    certificate: Annotated[
        Annotated[
            str,
            Meta(
                pattern=r"^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$",
                extra={"allowed": ("a SHA-256 fingerprint: 64 hexadecimal digits", "SHA-256 指纹：64 位十六进制数字")},
            ),
        ]
        | None,
        help_text(
            "SHA-256 fingerprint of its own certificate, for https; without it, only an authority's pass.",
            "https 时摄像机自签证书的 SHA-256 指纹；不填则只接受受信任机构签发的证书。",
            example="d4c3b2a1" * 8,
        ),
    ] = None


class Login(msgspec.Struct, frozen=True):
    """A user with the password from its file.  Never shown, logged or stored."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Login({self.username!r}, ...)"
