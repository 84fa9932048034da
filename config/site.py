"""The site as installers write it: one typed table per TOML table of `site.toml`.

Attribute names carry units; the names in the file are the ones given with `field(name=...)`.  Type, default, help in
both languages and example of a setting stand here and nowhere else: the JSON Schema, the example site and the settings
reference are generated from these annotations (`python -m courtyard.config.generate`).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from courtyard.config.care import Answer, Resident
from courtyard.config.device import Device
from courtyard.config.fire import FireModbusPanel, FirePanel
from courtyard.config.history import History
from courtyard.config.kinds import Bytes
from courtyard.config.lifts import Lift, Vision
from courtyard.config.modules import Ability
from courtyard.config.output import Output
from courtyard.config.page import Web
from courtyard.config.presence import Presence
from courtyard.config.rule import Rule
from courtyard.config.second_path import Escalation, Modem
from courtyard.config.uplink import Uplink
from courtyard.drivers.camera.settings import Camera
from courtyard.drivers.lines.settings import BleLine, LineSettings, ListeningLines, Name, Seconds, help_text

Bluetooth = Annotated[BleLine, help_text("A Bluetooth adapter, for wearables.", "蓝牙适配器，用于穿戴设备。")]


class Gateway(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This box: its identity and where it stands."""

    id: Annotated[
        Name,
        help_text(
            "Name of this gateway, unique on the platform; part of every topic.",
            "网关编号，在平台上必须唯一；会出现在每个主题中。",
            example="gw-0007",
        ),
    ]
    place: Annotated[
        str,
        Meta(
            pattern=r"^[0-9]{6}/[0-9]{3}/[0-9]{3}/[0-9]{4}$",
            extra={
                "allowed": ("6/3/3/4 digits, such as 370213/005/012/0007", "6/3/3/4 位数字，例如 370213/005/012/0007")
            },
        ),
        help_text(
            "GB/T 2260 region / street / community / compound.",
            "GB/T 2260 行政区划代码 / 街道 / 社区 / 小区。",
            example="370213/005/012/0007",
        ),
    ]
    timezone: Annotated[
        str,
        Meta(extra={"kind": "timezone"}),
        help_text("Time zone in which people at the site live.", "站点所在的时区。"),
    ] = "Asia/Shanghai"
    language: Annotated[
        Literal["zh-CN", "en"],
        help_text("Language of messages and of the status page.", "提示信息和状态页面的语言。"),
    ] = "zh-CN"
    off: Annotated[
        tuple[Ability, ...],
        help_text(
            "Abilities that rest: their tables stay in this file, are checked, and count for nothing.",
            "暂停使用的功能：相应配置段保留在文件中并照常检查，但不起作用。",
            example=["residents"],
        ),
    ] = ()


class JournalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Disk buffer."""

    quota: Annotated[
        Bytes,
        Meta(ge=1_000_000),
        help_text(
            "Disk space that records may take; when full, the oldest readings go first.",
            "记录可占用的磁盘空间；写满后最先淘汰最早的读数。",
        ),
    ] = 2_000_000_000
    alarm_reserve: Annotated[
        Bytes,
        Meta(ge=0),
        help_text("Part of the quota that only alarms may take.", "配额中仅供报警记录使用的部分。"),
    ] = 50_000_000
    reading_commit_s: Annotated[
        Seconds,
        Meta(le=3600),
        help_text(
            "How long readings may wait in memory before they are written; 60s spares flash cards, 0s loses nothing.",
            "读数写盘前可在内存中停留的时间；60s 可减少闪存卡磨损，0s 则断电也不丢失。",
        ),
    ] = field(default=0.0, name="reading_commit")


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole `site.toml`."""

    gateway: Annotated[Gateway, help_text("This box: its identity and where it stands.", "本网关：编号和安装位置。")]
    journal: Annotated[JournalSettings, help_text("Disk buffer of all records.", "所有记录的磁盘缓存。")] = (
        JournalSettings()
    )
    history: Annotated[
        History, help_text("Minutes, hours and days of every point, for charts.", "各测点的分钟、小时、日历史曲线。")
    ] = History()
    uplinks: Annotated[
        tuple[Uplink, ...],
        help_text("Platforms that get the records.", "接收记录的平台。"),
    ] = ()
    lines: Annotated[
        tuple[LineSettings | ListeningLines | Bluetooth, ...],
        help_text("Wires and sockets that devices hang on.", "连接设备的线路。"),
    ] = ()
    devices: Annotated[
        tuple[Device, ...],
        help_text("Installed points: meters, relay boards, detectors.", "安装点：水表、继电器板、探测器。"),
    ] = ()
    fire_panels: Annotated[
        tuple[FirePanel, ...],
        help_text(
            "Fire panels and transmission devices that speak by themselves; the gateway only listens to them.",
            "主动上报的消防控制器和用户信息传输装置；网关对其只监听。",
        ),
    ] = ()
    fire_modbus_panels: Annotated[
        tuple[FireModbusPanel, ...],
        help_text("Fire panels that are read over Modbus.", "通过 Modbus 读取的消防控制器。"),
    ] = ()
    cameras: Annotated[
        tuple[Camera, ...],
        help_text(
            "ONVIF cameras: what they see is judged here, their video never leaves.",
            "ONVIF 摄像机：画面只在本机分析，视频不外传。",
        ),
    ] = ()
    lifts: Annotated[
        tuple[Lift, ...],
        help_text("Lifts into which no e-bike may go.", "禁止电动自行车进入的电梯。"),
    ] = ()
    vision: Annotated[Vision, help_text("How lifts are watched.", "电梯画面的识别方式。")] = Vision()
    outputs: Annotated[
        tuple[Output, ...],
        help_text("Actuators that may be switched, each held only by a lease.", "允许动作的执行器，只能限时保持。"),
    ] = ()
    rules: Annotated[tuple[Rule, ...], help_text("Conditions worth an alarm.", "需要报警的条件。")] = ()
    escalations: Annotated[
        tuple[Escalation, ...],
        help_text(
            "What happens when no platform confirms an alarm of severity 1 in time.",
            "一级报警未被平台及时确认时的升级步骤。",
        ),
    ] = ()
    modem: Annotated[
        Modem | None, help_text("Modem for text messages of escalations.", "升级步骤发送短信所用的模块。")
    ] = None
    residents: Annotated[
        tuple[Resident, ...],
        help_text("Residents in the care of the house, under pseudonyms.", "受照护的住户（使用代号）。"),
    ] = ()
    answer: Annotated[
        Answer,
        help_text("How a call for help is answered at the wearer.", "如何让求助者得知求助已被受理。"),
    ] = Answer()
    presence: Annotated[
        Presence | None,
        help_text(
            "In which room residents are. Without this table nobody is located.",
            "住户所在房间；没有此表则不做定位。",
        ),
    ] = None
    web: Annotated[
        Web | None,
        help_text(
            "Status page for a browser on the local network. Without this table there is no page.",
            "局域网浏览器可访问的状态页面；没有此表则不提供页面。",
        ),
    ] = None

    @property
    def installed(self) -> tuple[Device | FirePanel | FireModbusPanel | Camera | Lift, ...]:
        """Everything that has an id and a place of its own."""
        return (*self.devices, *self.fire_panels, *self.fire_modbus_panels, *self.cameras, *self.lifts)
