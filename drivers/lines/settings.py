"""Settings of the lines that carry bytes.  Help texts are English and Chinese; see `config` for how they are read."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


def help_text(en: str, zh: str, **more: object) -> Meta:
    """Metadata of one setting: its help in both languages and, as keywords, `example`, `secret`, `unit`, `kind`."""
    return Meta(description=en, extra={"zh": zh, **more})


Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class SerialLine(msgspec.Struct, frozen=True, tag_field="kind", tag="serial", forbid_unknown_fields=True):
    """A serial port: RS-485 or RS-232."""

    name: Name
    port: Annotated[str, help_text("Device path; prefer /dev/serial/by-id.", "设备路径,建议使用 /dev/serial/by-id。", example="/dev/serial/by-id/usb-FTDI-0")]
    baud: Annotated[int, Meta(ge=300, le=921600)] = 9600
    data_bits: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    echo: Annotated[bool, help_text("The adapter echoes what it sends.", "适配器会回显所发送的数据。")] = False


class TcpLine(msgspec.Struct, frozen=True, tag_field="kind", tag="tcp", forbid_unknown_fields=True):
    """A TCP endpoint that speaks the protocol's own TCP framing (Modbus TCP)."""

    name: Name
    host: str
    port: Annotated[int, Meta(ge=1, le=65535)] = 502


class RtuTcpLine(msgspec.Struct, frozen=True, tag_field="kind", tag="rtu-tcp", forbid_unknown_fields=True):
    """A serial server: raw serial bytes through TCP."""

    name: Name
    host: str
    port: Annotated[int, Meta(ge=1, le=65535)]
    baud: Annotated[int, Meta(ge=300, le=921600), help_text("Speed of the serial side, for the silent interval.", "串口侧波特率,用于计算静默间隔。")] = 9600


LineSettings = SerialLine | TcpLine | RtuTcpLine
