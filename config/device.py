"""Devices as installers write them: meters, relay boards, detectors, wearables."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from courtyard.config.kinds import Place, SecretFile
from courtyard.drivers.lines.settings import Name, Seconds, help_text
from courtyard.drivers.modbus.settings import RegisterPoint, WriteTarget

Identity = Annotated[
    str,
    Meta(
        pattern=r"^([0-9A-Fa-f]{8}-?([0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}"
        r"(/([0-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])){0,2}"
        r"|[0-9A-Fa-f]{20}(/([0-9A-Fa-f]{2}){1,6})?)$",
        extra={
            "allowed": (
                "UUID/major/minor of an iBeacon, or namespace/instance of an Eddystone beacon (hexadecimal)",
                "iBeacon 的 UUID/major/minor，或 Eddystone 的 namespace/instance（十六进制）",
            )
        },
    ),
]


class Beacon(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a beacon calls for help: by showing another identity."""

    normal: Annotated[
        Identity,
        help_text(
            "Identity at rest; minor and major may be left out.",
            "平时的标识；major、minor 可省略。",
            example="00112233-4455-6677-8899-AABBCCDDEEFF/7/1",
        ),
    ]
    alarm: Annotated[
        Identity,
        help_text(
            "Identity when somebody has pressed.",
            "按下求助后的标识。",
            example="00112233-4455-6677-8899-AABBCCDDEEFF/7/2",
        ),
    ]
    means: Annotated[Literal["sos", "fall"], help_text("What it calls for.", "求助类型：呼救或跌倒。")] = "sos"


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One installed point: a meter, a relay board, a detector."""

    id: Annotated[
        Name,
        help_text(
            "Name of the installed point; stays the same when the meter is swapped.",
            "安装点编号；更换仪表后保持不变。",
            example="wm-b03-u02-601",
        ),
    ]
    profile: Annotated[
        str,
        Meta(
            pattern=r"^[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*$",
            extra={"allowed": ("family/name, such as water/tuf-2000", "类别/名称，例如 water/tuf-2000")},
        ),
        help_text(
            "Device type: family/name, of the product or of the folder profiles/ beside this file.",
            "设备模板：类别/名称，可以是自带模板，也可以是本文件旁 profiles/ 目录中的模板。",
            example="water/tuf-2000",
            kind="profile",
        ),
    ]
    line: Annotated[Name, help_text("Line that it hangs on.", "所接的线路。", example="rs485-1")]
    address: Annotated[
        Annotated[int, Meta(ge=0, le=255)]
        | Annotated[
            str,
            Meta(
                pattern=r"^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$",
                extra={
                    "allowed": ('the address of a wearable: "C0:FF:EE:00:00:01"', '穿戴设备地址："C0:FF:EE:00:00:01"')
                },
            ),
        ],
        help_text(
            "Unit address on the line; 1 to 247 on a serial line. Of a wearable, its Bluetooth address.",
            "在线路上的从站地址；串口为 1～247。穿戴设备填写蓝牙地址。",
            example=17,
        ),
    ]
    place: Annotated[
        Place | None,
        help_text(
            "Where it stands: b building / u unit / f floor / r room; x- for anything else (b03/x-lift1).",
            "安装位置：b 楼栋 / u 单元 / f 楼层 / r 房间；其他位置用 x- 开头（b03/x-lift1）。",
            example="b03/u02/f06/r601",
        ),
    ] = None
    every_s: Annotated[Seconds, Meta(ge=0.01, le=604_800), help_text("How often it is read.", "读取周期。")] = field(
        default=60.0, name="every"
    )
    install: Annotated[
        int,
        Meta(ge=1),
        help_text("Counts the meters at this point; add 1 at a swap.", "该安装点的第几块表；换表时加 1。"),
    ] = 1
    name: Annotated[
        str | None,
        Meta(extra={"kind": "text"}),
        help_text("Name for people.", "便于识别的名称。", example="3号楼2单元601 水表"),
    ] = None
    options: Annotated[
        dict[str, float],
        help_text("Numbers that the profile asks for.", "设备模板要求填写的参数。", example={"multiplier": 1}),
    ] = {}
    points: Annotated[
        tuple[RegisterPoint, ...],
        help_text(
            "Points of this device, for profiles that are templates.", "该设备的测点，仅用于由站点文件给出测点的模板。"
        ),
    ] = ()
    writes: Annotated[
        tuple[WriteTarget, ...],
        help_text(
            "What outputs may write on this device, for profiles that are templates.",
            "允许输出写入的对象，仅用于由站点文件给出测点的模板。",
        ),
    ] = ()
    key_file: Annotated[
        SecretFile | None,
        help_text(
            "File that holds the key of a wearable's adverts: 32 hexadecimal digits and nothing else.",
            "存放穿戴设备广播密钥的文件，仅含 32 位十六进制数。",
        ),
    ] = None
    beacon: Annotated[
        Beacon | None,
        help_text(
            "Identities of a beacon that calls for help by changing its own.", "通过改变自身标识求助的信标的两种标识。"
        ),
    ] = None
    commands: Annotated[
        tuple[str, ...],
        help_text(
            "What a platform's commands may write on this device, of what its profile or `writes` lists.",
            "允许平台命令写入该设备的对象，须是模板或 writes 中列出的对象。",
            example=(),
        ),
    ] = ()
