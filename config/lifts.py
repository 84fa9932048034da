"""Settings of lifts into which no e-bike may go: what is watched, what warns, what holds the door, what forbids it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta, field

from courtyard.config.kinds import Bytes, Pattern, Place
from courtyard.drivers.lines.settings import Name, Seconds, help_text

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Polygon = tuple[tuple[Share, ...], ...]
"""Corners as [x, y], in shares of the picture: [0, 0] is top left, [1, 1] bottom right."""
Looks = Annotated[
    str,
    Meta(
        pattern=r"^([1-9]|1[0-6])/([1-9]|1[0-6])$",
        extra={"allowed": ('so many of the last looks, such as "2/3"', '最近若干次识别中的次数，例如 "2/3"')},
    ),
]
OWN_SOUNDS = ("speech", "chime")
"""What the product brings for a loudspeaker."""
SHIPPED = "shipped"
MOST_WORKERS = 4
DOOR_HOLD = "door-hold"


class Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A point of a device that is true or false."""

    device: Annotated[Name, help_text("Device that reads the contact.", "读取该触点的设备。", example="lift-io-b03")]
    point: Annotated[
        str, help_text("Point of the contact on that device.", "触点对应的测点。", example="input.1", kind="point")
    ]
    active: Annotated[
        bool,
        help_text(
            "Value of the point while it is so; false for an inverted contact.", "成立时测点的值；常闭触点填 false。"
        ),
    ] = True


class Level(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A point of a device that tells the floor of the car."""

    device: Annotated[Name, help_text("Device that knows the floor.", "提供楼层的设备。", example="lift-io-b03")]
    point: Annotated[str, help_text("Point with the floor.", "楼层测点。", example="lift.floor", kind="point")]


class Commissioning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who connected the door-hold input and tested it in the lift."""

    maintainer: Annotated[
        str,
        Meta(min_length=2, max_length=100),
        help_text(
            "Maintenance company and person who wired and tested it.",
            "完成接线和测试的维保单位及人员。",
            example="某某电梯维保公司 王工",
        ),
    ]
    date: Annotated[
        str,
        Meta(
            pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
            extra={"allowed": ('a day, such as "2026-11-20"', '日期，例如 "2026-11-20"')},
        ),
        help_text("Day of the test.", "测试日期。", example="2026-11-20"),
    ]


class Lift(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One lift car."""

    install: ClassVar[int] = 1

    id: Annotated[Name, help_text("Name of the lift.", "电梯编号。", example="lift-b03-1")]
    camera: Annotated[
        Name,
        help_text(
            "Camera in the car, one of [[cameras]].", "轿厢内的摄像机（[[cameras]] 之一）。", example="cam-b03-lift1"
        ),
    ]
    place: Annotated[Place | None, help_text("Where the lift is.", "电梯的位置。", example="b03/x-lift1")] = None
    name: Annotated[
        str | None,
        Meta(extra={"kind": "text"}),
        help_text("Name for people.", "便于识别的名称。", example="3号楼1号梯"),
    ] = None
    floor_region: Annotated[
        Polygon,
        help_text(
            "Corners of the car's floor, as shares of the picture's width and height; `courtyard vision region CAMERA` "
            "draws them. Without it, the whole picture counts.",
            "轿厢地面在画面中的多边形顶点（宽、高的比例）；可用 courtyard vision region 绘制。不填则整个画面有效。",
            example=[[0.15, 0.3], [0.85, 0.3], [0.95, 1.0], [0.05, 1.0]],
        ),
    ] = ()
    door_region: Annotated[
        Polygon,
        help_text(
            "Corners of the strip in front of the door, where an e-bike counts too.",
            "门口区域的多边形顶点，此处的电动自行车同样计入。",
            example=[[0.3, 0.1], [0.7, 0.1], [0.7, 0.3], [0.3, 0.3]],
        ),
    ] = ()
    door_closed: Annotated[
        Contact | None,
        help_text(
            "Contact that says that the door is closed: then only key frames are looked at.",
            "门已关闭的触点：关门期间只分析关键帧。",
        ),
    ] = None
    level: Annotated[Level | None, help_text("Where the floor of the car can be read.", "轿厢所在楼层的来源。")] = None
    fire: Annotated[
        Contact | None,
        help_text("The lift's fire contact: releases and forbids.", "电梯消防触点：释放并禁止保持开门。"),
    ] = None
    fire_return: Annotated[
        Contact | None,
        help_text("The lift's fire-return contact: releases and forbids.", "电梯迫降触点：释放并禁止保持开门。"),
    ] = None
    firefighter: Annotated[
        Contact | None,
        help_text("The lift's firefighter contact: releases and forbids.", "消防员操作触点：释放并禁止保持开门。"),
    ] = None
    fire_alarms: Annotated[
        tuple[Pattern, ...],
        help_text(
            "Devices whose fire and smoke alarms release and forbid too; * stands for any text.",
            "其火警、烟雾报警也会释放并禁止保持开门的设备；* 代表任意文本。",
        ),
    ] = ("*",)
    warn: Annotated[
        tuple[Name, ...],
        help_text(
            "Outputs held while an e-bike is seen: lamp, sounder.",
            "发现电动自行车期间保持的输出：灯、警号。",
            example=["lamp-lift1"],
        ),
    ] = ()
    voice: Annotated[
        Annotated[str, Meta(min_length=1, max_length=300)] | None,
        help_text(
            'What this box says through its own loudspeaker: "speech" (a chime and Chinese words), "chime", or a WAV '
            "file beside the site file.",
            '本网关扬声器播放的提示："speech" 为提示音加中文语音，"chime" 仅提示音，或站点文件旁的 WAV 文件。',
            example="sounds/ebike.wav",
        ),
    ] = None
    hold: Annotated[
        Name | None,
        help_text(
            'Output with use = "door-hold", wired only to the lift\'s own door-hold input.',
            '用途为 use = "door-hold" 的输出，只能接到电梯自带的开门保持输入。',
            example="door-lift1",
        ),
    ] = None
    commissioned: Annotated[
        Commissioning | None,
        help_text(
            "Who wired and tested the door hold; until then the lift warns and never holds.",
            "开门保持由谁接线并测试；填写之前只警告，绝不保持开门。",
        ),
    ] = None
    cap_s: Annotated[
        Seconds,
        Meta(ge=5, le=600),
        help_text("Longest hold of the door; then it closes.", "最长保持开门时间，到时放行关门。"),
    ] = field(default=60.0, name="cap")
    warn_at: Annotated[
        Share | None,
        help_text(
            "Least score that warns; otherwise that of this lift's calibration, or of the model.",
            "报警的最低分值；不填则使用本梯标定值，或模型自带值。",
            example=0.5,
        ),
    ] = None
    hold_at: Annotated[
        Share | None,
        help_text(
            "Least score that holds the door; otherwise a little more than what warns.",
            "保持开门的最低分值；不填则略高于报警分值。",
            example=0.6,
        ),
    ] = None


class Vision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How cameras of lifts are looked at."""

    model: Annotated[
        str,
        Meta(min_length=1, max_length=300),
        help_text(
            'The detector: "shipped" is the product\'s own; otherwise the manifest of an ONNX model of the site.',
            '检测模型："shipped" 为产品自带模型；也可填写站点文件旁 ONNX 模型的清单文件。',
            example="models/own.toml",
        ),
    ] = SHIPPED
    activated: Annotated[
        Annotated[
            str,
            Meta(
                pattern=r"^[0-9a-f]{12,64}$",
                extra={"allowed": ("the first 12 or more digits of the model's hash", "模型哈希的前 12 位或更多")},
            ),
        ]
        | None,
        help_text(
            "Hash of the site's own model that may act; any other only runs in shadow.",
            "允许启用的自备模型的哈希；其他模型只在影子模式下运行。",
            example="5e884898da28",
        ),
    ] = None
    shadow: Annotated[
        bool,
        help_text(
            "Whether everything is only noted: no alarm, no warning, no held door.",
            "影子模式：只记录，不报警、不提示、不保持开门。",
        ),
    ] = False
    workers: Annotated[
        int,
        Meta(ge=1, le=MOST_WORKERS),
        help_text("Processes that look at pictures, one thread each.", "分析画面的进程数，每个进程一个线程。"),
    ] = 1
    load: Annotated[
        float,
        Meta(ge=0.1, le=1.0),
        help_text(
            "Share of a core that each of them may take for looking; more is shed evenly.",
            "每个进程用于识别的 CPU 核占用上限；超出时各摄像机均匀减少识别次数。",
        ),
    ] = 0.8
    warn: Annotated[
        Looks,
        help_text(
            "Of how many looks how many must see it before a warning.", "报警前，最近若干次识别中需要看到的次数。"
        ),
    ] = "2/3"
    hold: Annotated[
        Looks,
        help_text("The same before a door is held.", "保持开门前，最近若干次识别中需要看到的次数。"),
    ] = "3/5"
    clear_s: Annotated[
        Seconds,
        Meta(ge=1, le=60),
        help_text("How long nothing must be seen before it is over.", "多久未再看到后解除。"),
    ] = field(default=3.0, name="clear")
    cool_down_s: Annotated[
        Seconds,
        Meta(ge=5, le=600),
        help_text("How long a door is not held again after its cap.", "达到最长保持时间后，多久内不再保持。"),
    ] = field(default=30.0, name="cool_down")
    pictures: Annotated[
        Literal["none", "local", "platform"],
        help_text(
            "Pictures of an alarm, heads blurred: none are kept, a clip and a picture stay on this box, or a small "
            "picture goes to the platforms too.",
            "报警画面（人头已打码）：不保存；短片和图片仅存于本机；或同时向平台上报一张小图。",
        ),
    ] = "local"
    clip_quota: Annotated[
        Bytes,
        Meta(ge=10_000_000),
        help_text(
            "Disk space that they may take; the oldest go first.", "报警画面可占用的磁盘空间；写满后最先淘汰最早的。"
        ),
    ] = 500_000_000
    sound_device: Annotated[
        str,
        Meta(pattern=r"^[A-Za-z0-9_:,.=-]{1,100}$", extra={"allowed": ("an ALSA device", "ALSA 设备名")}),
        help_text("ALSA device of the loudspeaker; `aplay -L` lists them.", "扬声器的 ALSA 设备；可用 aplay -L 查看。"),
    ] = "default"
