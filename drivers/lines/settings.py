"""Settings of the lines that carry bytes.  Help texts are English and Chinese; see `config` for how they are read."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


def help_text(en: str, zh: str, **more: object) -> Meta:
    """Metadata of one setting: its help in both languages and, as keywords, `example` and `unit`.

    Other keys of `extra` that the configuration reads: `kind` says how a text is understood (`duration`, `size`,
    `place`, `timezone`, `uplink-url`, `file`, `secret-file`, `profile`, `point`), `allowed` says a pattern in words.
    """
    return Meta(description=en, extra={"zh": zh, **more})


Seconds = Annotated[float, Meta(extra={"kind": "duration"})]
"""A span of time; in the file a text such as `60s`, `5m`, `1h30m`, `500ms`."""
Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$",
        extra={
            "allowed": (
                "lower-case letters, digits, - and _, at most 64, beginning with a letter or digit",
                "小写字母、数字、- 和 _，以字母或数字开头，最多 64 个字符",
            )
        },
    ),
]
LineName = Annotated[
    Name, help_text("Name of this line; devices refer to it.", "线路名称，设备通过它引用该线路。", example="rs485-1")
]
Baud = Annotated[int, Meta(ge=300, le=921600)]
Host = Annotated[
    str,
    Meta(
        max_length=253,
        pattern=r"^[A-Za-z0-9._:-]+$",
        extra={"allowed": ("a host name or an IP address", "主机名或 IP 地址")},
    ),
    help_text("Host name or IP address.", "主机名或 IP 地址。", example="192.168.1.50"),
]


class SerialLine(msgspec.Struct, frozen=True, tag_field="kind", tag="serial", forbid_unknown_fields=True):
    """A serial port: RS-485 or RS-232."""

    name: LineName
    port: Annotated[
        str,
        Meta(min_length=1),
        help_text(
            "Device path; prefer /dev/serial/by-id, which survives replugging.",
            "串口设备路径；建议使用 /dev/serial/by-id，重新插拔后不会改变。",
            example="/dev/serial/by-id/usb-FTDI-0",
        ),
    ]
    baud: Annotated[
        Baud, help_text("Speed; must equal what the devices are set to.", "波特率，必须与设备的设置一致。", unit="Bd")
    ] = 9600
    data_bits: Annotated[Literal[7, 8], help_text("Data bits of a character.", "每个字符的数据位数。")] = 8
    parity: Annotated[
        Literal["N", "E", "O"], help_text("Parity: N none, E even, O odd.", "校验位：N 无校验，E 偶校验，O 奇校验。")
    ] = "N"
    stop_bits: Annotated[Literal[1, 2], help_text("Stop bits of a character.", "每个字符的停止位数。")] = 1
    echo: Annotated[
        bool, help_text("Whether the adapter echoes what it sends.", "转换器是否会回显自己发送的数据。")
    ] = False


class TcpLine(msgspec.Struct, frozen=True, tag_field="kind", tag="tcp", forbid_unknown_fields=True):
    """A TCP endpoint that speaks the protocol's own TCP framing (Modbus TCP)."""

    name: LineName
    host: Host
    port: Annotated[int, Meta(ge=1, le=65535), help_text("TCP port.", "TCP 端口。")] = 502


class RtuTcpLine(msgspec.Struct, frozen=True, tag_field="kind", tag="rtu-tcp", forbid_unknown_fields=True):
    """A serial server: raw serial bytes through TCP."""

    name: LineName
    host: Host
    port: Annotated[
        int,
        Meta(ge=1, le=65535),
        help_text("TCP port of the serial server.", "串口服务器的 TCP 端口。", example=4001),
    ]
    baud: Annotated[
        Baud,
        help_text(
            "Speed of the serial side; sets the silent interval between frames.",
            "串口侧波特率，用于计算帧间静默时间。",
            unit="Bd",
        ),
    ] = 9600


Bind = Annotated[
    Host,
    help_text(
        "Address of this box on which to listen; 0.0.0.0 is all.", "本机监听地址，0.0.0.0 表示全部。", example="0.0.0.0"
    ),
]
Port = Annotated[int, Meta(ge=0, le=65535), help_text("Port on which to listen.", "监听端口。", example=5200)]
Peers = Annotated[
    tuple[str, ...],
    help_text(
        "Networks that may call, as CIDR; empty allows all.",
        "允许接入的网段（CIDR），为空表示不限制。",
        example=["192.168.1.0/24"],
    ),
]
Most = Annotated[int, Meta(ge=1, le=1024), help_text("Most callers at a time.", "同时接入的最大数量。")]


class TcpServerLine(msgspec.Struct, frozen=True, tag_field="kind", tag="tcp-server", forbid_unknown_fields=True):
    """A TCP port that devices connect to."""

    name: LineName
    port: Port
    bind: Bind = "0.0.0.0"
    peers: Peers = ()
    most: Most = 64


class UdpLine(msgspec.Struct, frozen=True, tag_field="kind", tag="udp", forbid_unknown_fields=True):
    """A UDP port that devices send to."""

    name: LineName
    port: Port
    bind: Bind = "0.0.0.0"
    peers: Peers = ()
    most: Most = 64


AdapterName = Annotated[
    str, Meta(pattern=r"^hci[0-9]{1,2}$", extra={"allowed": ("hci and a number: hci0", "hci 加数字：hci0")})
]
FirstAdapter = Annotated[
    str,
    Meta(
        pattern=r"^(hci[0-9]{1,2}|none)$",
        extra={"allowed": ("hci and a number: hci0; or none", "hci 加数字：hci0；或 none")},
    ),
]


class BleProxy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An ESP32 with ESPHome (`bluetooth_proxy:`) that hands on the adverts it hears."""

    name: LineName
    host: Annotated[
        str, Meta(min_length=1), help_text("Address or host name.", "地址或主机名。", example="192.168.1.40")
    ]
    key_file: Annotated[
        str,
        Meta(min_length=1, extra={"kind": "secret-file"}),
        help_text(
            "File that holds the key of its `api: encryption:`, base64.",
            "存放其 api: encryption: 密钥（base64）的文件。",
            example="secrets/hall-3",
        ),
    ]
    port: Annotated[int, Meta(ge=1, le=65535), help_text("Port of its native API.", "原生 API 端口。")] = 6053


class BleLine(msgspec.Struct, frozen=True, tag_field="kind", tag="ble", forbid_unknown_fields=True):
    """A Bluetooth adapter."""

    name: LineName
    adapter: Annotated[
        FirstAdapter,
        help_text(
            "Bluetooth adapter; `bluetoothctl list` shows them. Each has one line and one owner. none: only proxies.",
            "蓝牙适配器，可用 bluetoothctl list 查看；每个适配器只能用于一条线路。none 表示仅使用代理。",
        ),
    ] = "hci0"
    further_adapters: Annotated[
        tuple[AdapterName, ...],
        Meta(max_length=7),
        help_text(
            "More adapters of this box for the same wearables: when one fails, others go on; they share connections.",
            "本网关上监听同一批穿戴设备的其他适配器：其中一个故障时其余继续工作，连接分摊到各适配器。",
            example=["hci1"],
        ),
    ] = ()
    connections: Annotated[
        int,
        Meta(ge=1, le=20),
        help_text(
            "Most connections at a time on each adapter: 3 to 5 for cheap ones, about 7 for built-in ones.",
            "每个适配器的最大同时连接数：廉价适配器 3～5，内置适配器约 7。",
        ),
    ] = 5

    proxies: Annotated[
        tuple[BleProxy, ...],
        Meta(max_length=32),
        help_text(
            "Bluetooth proxies that hear the same wearables elsewhere: buttons and sensors, no connections.",
            "在其他位置监听同一批穿戴设备的蓝牙代理：仅接收按钮和传感器的广播，不建立连接。",
        ),
    ] = ()

    @property
    def adapters(self) -> tuple[str, ...]:
        """Those of this box, each once."""
        return tuple(each for each in dict.fromkeys((self.adapter, *self.further_adapters)) if each != "none")


LineSettings = (
    Annotated[SerialLine, help_text("A serial port: RS-485 or RS-232.", "串口：RS-485 或 RS-232。")]
    | Annotated[TcpLine, help_text("A TCP endpoint that speaks Modbus TCP.", "Modbus TCP 的 TCP 端点。")]
    | Annotated[
        RtuTcpLine,
        help_text(
            "A serial server: raw serial bytes through TCP.", "串口服务器：通过 TCP 透传串口数据（RTU over TCP）。"
        ),
    ]
)
ListeningLines = (
    Annotated[
        TcpServerLine,
        help_text("A TCP port that fire transmission devices connect to.", "供用户信息传输装置接入的 TCP 端口。"),
    ]
    | Annotated[
        UdpLine,
        help_text("A UDP port that fire transmission devices send to.", "供用户信息传输装置上报的 UDP 端口。"),
    ]
)
