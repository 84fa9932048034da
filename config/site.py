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
from courtyard.config.kinds import Bytes, File, Pattern, SecretFile, TimeOfDay
from courtyard.config.lifts import Lift, Vision
from courtyard.config.page import Web
from courtyard.config.presence import Presence
from courtyard.config.second_path import Escalation, Modem
from courtyard.config.station import Station
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


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An allow-listed actuator, held only by a lease."""

    name: Annotated[Name, help_text("Name that rules and commands use.", "规则和命令使用的名称。", example="siren-b03")]
    device: Annotated[Name, help_text("Device that switches it.", "执行动作的设备。", example="relay-b03")]
    target: Annotated[str, help_text("What is written on that device.", "在该设备上写入的对象。", example="siren")]
    active: Annotated[
        bool,
        help_text(
            "Value written while it is held; its opposite releases it.", "保持期间写入的值；释放时写入相反的值。"
        ),
    ] = True
    cap_s: Annotated[
        Seconds,
        Meta(ge=0.1, le=86_400),
        help_text("Longest uninterrupted hold; then it releases by itself.", "最长连续保持时间，到时自动释放。"),
    ] = field(default=60.0, name="cap")
    use: Annotated[
        Literal["general", "door-hold"],
        help_text(
            "What it is for: door-hold is wired to a lift's own door-hold input, and nothing but the `hold` of that "
            "lift can switch it, no rule and no command.",
            "用途：door-hold 接电梯自带的开门保持输入，只有该电梯的 hold 能使其动作，规则和命令均不可用。",
        ),
    ] = "general"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition worth an alarm."""

    name: Annotated[Name, help_text("Name of the rule; part of the alarm's id.", "规则名称，是报警编号的一部分。")]
    kind: Annotated[
        Literal["threshold", "unreachable", "reverse_flow", "night_flow"],
        help_text(
            "Condition: a value outside its limits, a device that does not answer, water that flows backwards, "
            "flow that never stops at night.",
            "条件：数值超限、设备无应答、水倒流、夜间用水不停。",
        ),
    ]
    devices: Annotated[
        tuple[Pattern, ...],
        Meta(min_length=1),
        help_text("Device ids that it watches; * stands for any text.", "监视的设备编号；* 代表任意文本。"),
    ] = ("*",)
    severity: Annotated[
        Literal[1, 2, 3, 4],
        help_text(
            "1 endangers life, 2 needs somebody today, 3 needs somebody soon, 4 is for the record.",
            "1 危及生命，2 当天须处理，3 尽快处理，4 仅作记录。",
        ),
    ] = 3
    point: Annotated[
        str | None,
        help_text("Point that the rule watches.", "规则监视的测点。", example="water.pressure", kind="point"),
    ] = None
    above: Annotated[
        float | None,
        help_text("Alarm above this value, in the point's unit.", "高于此值时报警，单位同测点。", example=600),
    ] = None
    below: Annotated[
        float | None,
        help_text("Alarm below this value, in the point's unit.", "低于此值时报警，单位同测点。", example=150),
    ] = None
    hysteresis: Annotated[
        float,
        Meta(ge=0),
        help_text("How far back the value must come before the alarm ends.", "数值须回落多少报警才解除。"),
    ] = 0.0
    for_s: Annotated[
        Seconds,
        Meta(le=2_592_000),
        help_text("How long the condition must hold before the alarm.", "条件持续多久才报警。"),
    ] = field(default=0.0, name="for")
    start: Annotated[
        TimeOfDay,
        help_text(
            "When the night of a night_flow rule begins, in the gateway's time zone.",
            "night_flow 规则中夜间时段的开始时刻，按网关时区。",
            example="23:30",
        ),
    ] = "02:00"
    end: Annotated[
        TimeOfDay,
        help_text(
            "When that night ends; a time before `start` is the next morning.",
            "夜间时段的结束时刻；早于 start 时指次日。",
            example="05:00",
        ),
    ] = "05:00"
    outputs: Annotated[
        tuple[Name, ...],
        help_text("Outputs held while the alarm is active and not acknowledged.", "报警有效且未确认期间保持的输出。"),
    ] = ()


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
