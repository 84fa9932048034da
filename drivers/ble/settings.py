"""Wearables as profiles and sites describe them, and as the driver takes them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from courtyard.drivers.ble.setup import Setup
from courtyard.drivers.lines.settings import Seconds, help_text

Connect = Literal["never", "always", "when_heard"]
Call = Literal["sos", "fall"]
_UUID = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-F]{4}$",
        extra={"allowed": ("four digits, such as 2A37", "四位十六进制数，例如 2A37")},
    ),
]


class WearableProfile(msgspec.Struct, frozen=True, tag_field="protocol", tag="ble", forbid_unknown_fields=True):
    """A type of wearable, button or Bluetooth sensor."""

    title_en: Annotated[str, help_text("Title in English.", "英文名称。", example="Heart rate band")]
    title_zh: Annotated[str, help_text("Title in Chinese.", "中文名称。", example="心率手环")]
    measures: Annotated[
        tuple[str, ...],
        help_text("Points that it gives.", "可提供的测点。", example=["vital.heart_rate", "battery.level"]),
    ] = ()
    source: Annotated[str, help_text("Where this comes from.", "资料出处。")] = ""
    adverts: Annotated[
        tuple[Literal["bthome", "eddystone", "ibeacon", "mibeacon", "minew", "minew-door", "blueup", "battery"], ...],
        help_text("Families of adverts that it sends; for `courtyard scan ble`.", "发送的广播类型，供扫描识别。"),
    ] = ()
    services: Annotated[
        tuple[_UUID, ...],
        help_text(
            "Services that it advertises; for `courtyard scan ble`.", "广播的服务，供扫描识别。", example=["180D"]
        ),
    ] = ()
    connect: Annotated[
        Connect,
        help_text(
            "Whether it is connected to: never, always, or when_heard, for meters that wake up only to be read.",
            "是否建立连接：never 不连接，always 保持连接，when_heard 仅在设备唤醒时连接。",
        ),
    ] = "never"
    characteristics: Annotated[
        tuple[_UUID, ...],
        help_text("Characteristics that are subscribed to.", "订阅的特征。", example=["2A37"]),
    ] = ()
    stale_s: Annotated[
        Seconds,
        Meta(ge=1, le=3600),
        help_text("Silence of a connection after which it is made anew.", "连接静默多久后重新建立。"),
    ] = field(default=15.0, name="stale")
    silent_s: Annotated[
        Seconds,
        Meta(ge=5, le=2_592_000),
        help_text("Silence after which the device counts as gone.", "多久没有信号视为设备失联。"),
    ] = field(default=300.0, name="silent")
    priority: Annotated[
        int,
        Meta(ge=1, le=9),
        help_text("Who gets a connection first, when there are too few; 1 is first.", "连接数不足时的优先级，1 最高。"),
    ] = 5
    sets_clock: Annotated[
        bool,
        help_text("Whether its clock is set at each connection.", "连接时是否校准其时钟。"),
    ] = False
    alerts: Annotated[
        bool,
        help_text(
            "Whether it buzzes or blinks when somebody answers its call: it has the service Immediate Alert (1802).",
            "求助得到确认时设备能否振动或闪烁：须具有 Immediate Alert（1802）服务。",
        ),
    ] = False
    paired: Annotated[
        bool,
        help_text(
            "Whether it speaks only to whom it is paired with: `courtyard pair DEVICE`.",
            "设备是否只与已配对的网关通信：用 courtyard pair 设备编号 配对。",
        ),
    ] = False
    key: Annotated[
        bool,
        help_text("Whether it needs the key of its adverts.", "是否必须提供广播密钥。"),
    ] = False
    restarts_below: Annotated[
        int,
        Meta(ge=0, le=1_000_000),
        help_text(
            "A counter below this may follow a higher one: the device counts anew after a change of its battery.",
            "计数小于此值时允许回退：设备更换电池后会重新计数。",
        ),
    ] = 0
    calls: Annotated[
        dict[str, Call],
        help_text(
            "What ways of pressing a button mean.",
            "各种按键方式的含义。",
            example={"press": "sos", "long_press": "fall"},
        ),
    ] = {}
    beacon: Annotated[
        bool,
        help_text(
            "Calls for help by changing its identity; the site names both identities.",
            "通过改变标识求助；站点文件须给出两种标识。",
        ),
    ] = False


class BleDevice(msgspec.Struct, frozen=True):
    """One wearable, ready for the driver.  `address` as people write it, upper case."""

    id: str
    address: str
    profile: WearableProfile
    setup: Setup
