"""Settings of the status page."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from courtyard.drivers.lines.settings import Host, help_text

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Web(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The status page."""

    listen: Annotated[
        Host,
        help_text(
            "Address that the page listens on; 0.0.0.0 is the whole local network, 127.0.0.1 this box alone.",
            "页面监听的地址；0.0.0.0 为整个局域网，127.0.0.1 仅限本机。",
            example="0.0.0.0",
        ),
    ] = "0.0.0.0"
    port: Annotated[
        int,
        Meta(ge=1, le=65535),
        help_text(
            "TCP port of the page, as in https://192.168.1.20:8443.",
            "页面的 TCP 端口，例如 https://192.168.1.20:8443。",
        ),
    ] = 8443
    tls: Annotated[
        bool,
        help_text(
            "HTTPS, with a certificate of the box's own that is made at the first start.",
            "使用 HTTPS，证书在首次启动时由网关自行生成。",
        ),
    ] = True
