"""What a Modbus device type is, as data.

A profile lists registers; the driver coalesces them into requests.  Addresses are PDU addresses (0-based).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from courtyard.drivers.lines.settings import Seconds, help_text

Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]
"""Order of the four bytes of a 32-bit value on the wire; for 64 bits the same rule over four words."""
NumberType = Literal[
    "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64", "bcd16", "bcd32", "bcd64", "bool"
]
Function = Literal[1, 2, 3, 4]
Address = Annotated[
    int,
    Meta(ge=0, le=65535),
    help_text("PDU address, counted from 0.", "PDU 地址，从 0 开始计数。", example=8),
]
Encoding = Annotated[
    NumberType, help_text("Type of the number in the registers.", "寄存器中数值的类型。", example="float32")
]
Scale = Annotated[float, help_text("Factor of the raw number.", "原始数值的系数。", example=0.001)]
ByteOrder = Annotated[
    Order | None,
    help_text(
        "Order of the bytes on the wire, where it differs from the profile's.",
        "线路上的字节顺序，仅在与设备模板不同时填写。",
    ),
]


class Fraction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The second half of an integer + fraction pair; always fetched in the same request as the first."""

    address: Address
    type: Encoding
    scale: Scale = 1.0
    order: ByteOrder = None


class RegisterPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One point of a profile: where it stands, how it is encoded, what it becomes.

    value = (decode(type, order) + fraction) * scale + offset, then from `unit` into the catalogue's unit.
    """

    point: Annotated[
        str, help_text("Name in the point catalogue.", "测点目录中的名称。", example="water.volume.total", kind="point")
    ]
    address: Address
    type: Encoding
    unit: Annotated[
        str | None,
        help_text(
            "UCUM unit of the value after scale and offset; converted into the catalogue's unit.",
            "经系数和偏移换算后的 UCUM 单位；会自动换算为测点目录的单位。",
            example="L",
        ),
    ] = None
    function: Annotated[
        Function | None,
        help_text(
            "Function code that reads it, where it differs from the profile's.",
            "读取功能码，仅在与设备模板不同时填写。",
        ),
    ] = None
    order: ByteOrder = None
    scale: Scale = 1.0
    offset: Annotated[
        float,
        help_text(
            "Added after the factor, in `unit`; the initial dial reading of a pulse meter.",
            "乘以系数后再加上的值，单位同 unit；脉冲表填写初始表盘读数。",
        ),
    ] = 0.0
    scale_option: Annotated[
        str | None,
        help_text(
            "Profile option whose value multiplies `scale` (a multiplier set on the meter's front panel).",
            "与 scale 相乘的模板选项名称（例如在表头面板上设置的倍率）。",
        ),
    ] = None
    fraction: Annotated[
        Fraction | None,
        help_text(
            "Second half of an integer + fraction pair, read in the same request.",
            "整数加小数表示法的小数部分，与整数部分在同一请求中读取。",
        ),
    ] = None
    mask: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        help_text(
            "Bits that count; a yes/no point is true when any of them is set.",
            "有效位；布尔测点在其中任一位为 1 时为真。",
            example=4,
        ),
    ] = None
    map: Annotated[
        dict[str, str | bool] | None,
        help_text(
            "Raw integer (as text) to value, for codes; a code that is not listed is bad:decode.",
            "代码对照表：原始整数（写成文本）对应的值；未列出的代码标记为 bad:decode。",
        ),
    ] = None
    sentinels: Annotated[
        tuple[int, ...],
        help_text(
            "Raw integers that mean 'no value', besides the ones common to all types.",
            "除通用无效值外，表示“无数值”的原始整数。",
        ),
    ] = ()
    minimum: Annotated[
        float | None,
        help_text("Smallest believable value, in the catalogue's unit.", "可信的最小值，单位同测点目录。"),
    ] = None
    maximum: Annotated[
        float | None,
        help_text("Largest believable value, in the catalogue's unit.", "可信的最大值，单位同测点目录。"),
    ] = None
    counter_width: Annotated[
        Literal[16, 32, 64] | None,
        help_text("Binary width at which this counter wraps.", "计数器溢出归零的二进制位数。"),
    ] = None
    counter_digits: Annotated[
        Annotated[int, Meta(ge=1, le=20)] | None,
        help_text("Decimal digits after which a BCD dial wraps.", "BCD 字轮溢出归零的十进制位数。"),
    ] = None
    counter: Annotated[
        bool,
        help_text(
            "A total that only grows: a decrease is marked uncertain. counter_width and counter_digits imply it.",
            "只增不减的累计量：数值减小时标记为存疑。填写 counter_width 或 counter_digits 时自动启用。",
        ),
    ] = False
    max_rate_per_h: Annotated[
        Annotated[float, Meta(gt=0)],
        help_text(
            "Largest believable change of a counter in an hour, in the catalogue's unit; tells a wrap and reverse "
            "flow from a replaced meter.",
            "计数器每小时可信的最大变化量，单位同测点目录；用于区分溢出归零、反向流动与换表。",
        ),
    ] = 20.0
    as_text: Annotated[
        bool,
        help_text(
            "Decimal digits kept as text with leading zeros (serial numbers).",
            "以文本形式保留十进制数字及前导零（用于表号）。",
        ),
    ] = False


class Option(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number that only the site knows, such as a totaliser multiplier."""

    name: Annotated[str, help_text("Name that the site uses.", "站点文件中使用的名称。", example="multiplier")]
    title_en: Annotated[str, help_text("Title in English.", "英文标题。")]
    title_zh: Annotated[str, help_text("Title in Chinese.", "中文标题。")]
    default: Annotated[
        float | None,
        help_text("Value when the site gives none; without it the option is required.", "默认值；不填则该选项为必填。"),
    ] = None


class WriteTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A coil or register that an output or an allow-listed command may write."""

    name: Annotated[str, help_text("Name that outputs and commands use.", "输出和命令使用的名称。", example="siren")]
    kind: Annotated[Literal["coil", "register"], help_text("What is written.", "写入对象：线圈或寄存器。")]
    address: Address
    minimum: Annotated[
        int, Meta(ge=0, le=65535), help_text("Smallest value that may be written.", "允许写入的最小值。")
    ] = 0
    maximum: Annotated[
        int, Meta(ge=0, le=65535), help_text("Largest value that may be written.", "允许写入的最大值。")
    ] = 65535
    read_back: Annotated[
        bool,
        help_text(
            "Whether reading the same address afterwards shows the value written.",
            "写入后读取同一地址是否会得到写入的值。",
        ),
    ] = True
    settle_s: Annotated[
        Seconds,
        Meta(ge=0, le=60),
        help_text(
            "Longest time until the value written can be read back; 30s for a motor valve.",
            "写入后可回读到新值的最长时间；电动阀约 30s。",
        ),
    ] = field(default=2.0, name="settle")


class ModbusProfile(msgspec.Struct, frozen=True, tag_field="protocol", tag="modbus", forbid_unknown_fields=True):
    """A Modbus device type."""

    title_en: Annotated[str, help_text("Title in English.", "英文名称。", example="TUF-2000 ultrasonic flow meter")]
    title_zh: Annotated[str, help_text("Title in Chinese.", "中文名称。", example="TUF-2000 超声波流量计")]
    points: Annotated[tuple[RegisterPoint, ...], help_text("What can be read.", "可读取的测点。")] = ()
    source: Annotated[str, help_text("Where the register map comes from.", "寄存器表的出处。")] = ""
    function: Annotated[Function, help_text("Function code that reads the points.", "读取测点的功能码。")] = 3
    order: Annotated[
        Order,
        help_text(
            "Order of the bytes of a 32-bit number on the wire; 64 bits follow the same rule.",
            "32 位数值在线路上的字节顺序；64 位数值遵循同样的规则。",
        ),
    ] = "ABCD"
    max_registers: Annotated[
        int, Meta(ge=1, le=125), help_text("Most registers of one request.", "单次请求最多读取的寄存器数。")
    ] = 125
    max_gap: Annotated[
        int,
        Meta(ge=0, le=124),
        help_text(
            "Unused registers that may be read along to save a request.", "为减少请求次数，允许顺带读取的空闲寄存器数。"
        ),
    ] = 16
    timeout_s: Annotated[
        Seconds, Meta(ge=0.01, le=30), help_text("Time allowed for an answer.", "等待应答的最长时间。")
    ] = field(default=0.5, name="timeout")
    late_s: Annotated[
        Seconds,
        Meta(ge=0, le=60),
        help_text(
            "Longest time after a request at which this device has been seen to answer.",
            "请求发出后该设备最迟可能应答的时间。",
        ),
    ] = field(default=3.0, name="late")
    retries: Annotated[int, Meta(ge=0, le=5), help_text("Further tries after no answer.", "无应答时的重试次数。")] = 2
    wake: Annotated[
        bool,
        help_text(
            "Battery meter: the first request after a pause may be lost.", "电池供电仪表：停顿后的第一个请求可能丢失。"
        ),
    ] = False
    template: Annotated[bool, help_text("The site gives the points.", "测点由站点文件给出。")] = False
    shared_address: Annotated[
        bool,
        help_text(
            "Several devices of a site may have the same unit address: the channels of a collector.",
            "站点的多个设备可以使用同一从站地址（采集器的各个通道）。",
        ),
    ] = False
    options: Annotated[
        tuple[Option, ...], help_text("Numbers that only the site knows.", "只有现场才知道的参数。")
    ] = ()
    writes: Annotated[
        tuple[WriteTarget, ...],
        help_text("What outputs and commands may write.", "允许输出和命令写入的对象。"),
    ] = ()


class ModbusPoint(msgspec.Struct, frozen=True):
    """A register point made ready for one device: options filled in, unit conversion folded into one line.

    catalogue value = raw * gain + bias.  `decimals` is how many decimal places of that value the registers can
    carry, and of a floating-point type how many `gain` and `bias` have (None: endless); rounding to it takes off
    what binary arithmetic added.
    """

    register: RegisterPoint
    gain: float
    bias: float
    decimals: int | None = None


class ModbusDevice(msgspec.Struct, frozen=True):
    """One device on a line, as the site has it, resolved against profile and catalogue."""

    id: str
    address: int
    profile: ModbusProfile
    points: tuple[ModbusPoint, ...]
    every_s: float
