"""All commands and their arguments, in the language of the person who types them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from courtyard.agent.cli.arguments import Arguments
from courtyard.drivers.base import Language, Text

SITE = Path("/etc/courtyard/site.toml")
DATA = Path("/var/lib/courtyard")
SOCKET = Path("/run/courtyard/control.sock")
ALONE = frozenset({"models"})
"""What `vision` does with nothing behind it."""


LANGUAGES: tuple[Language, ...] = ("en", "zh-CN")


def preferred_language(arguments: Sequence[str] = (), environment: Mapping[str, str] = os.environ) -> Language:
    """What `--lang` asks for; else Chinese when the locale says so (LC_ALL, LC_MESSAGES, LANG in that order)."""
    asked = [argument.removeprefix("--lang=") for argument in arguments if argument.startswith("--lang=")]
    asked += [value for option, value in pairwise(arguments) if option == "--lang"]
    named = [language_named(each) for each in asked]
    for language in LANGUAGES:
        if language in named:
            return language
    locale = next((environment[key] for key in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(key)), "")
    return "zh-CN" if locale.startswith("zh") else "en"


def language_named(text: str) -> str:
    """`zh`, `zh_CN.UTF-8` and `chinese` are zh-CN, `en-US` is en; what is neither stays as it is."""
    return next((language for start, language in _NAMES.items() if text.lower().startswith(start)), text)


_NAMES: Mapping[str, Language] = {"zh": "zh-CN", "cn": "zh-CN", "chinese": "zh-CN", "中": "zh-CN", "en": "en"}


def command_first(arguments: Sequence[str]) -> list[str]:
    """`--json` and `--lang` may stand before the command too: they are moved behind it."""
    leading: list[str] = []
    rest = list(arguments)
    while rest and (rest[0] in ("--json", "--lang") or rest[0].startswith("--lang=")):
        size = 2 if rest[0] == "--lang" else 1
        leading, rest = leading + rest[:size], rest[size:]
    return [*rest[:1], *leading, *rest[1:]] if rest else []


class _Commands:
    """Adds commands to a parser; every one gets --json and --lang."""

    def __init__(self, parser: Arguments, language: Language) -> None:
        self._language: Language = language
        self._actions = parser.add_subparsers(metavar=Text("COMMAND", "命令").say(language), required=True)

    def say(self, en: str, zh: str) -> str:
        return Text(en, zh).say(self._language)

    def add(self, name: str, en: str, zh: str) -> argparse.ArgumentParser:
        text = self.say(en, zh)
        command = self._actions.add_parser(name, help=text, description=text, language=self._language)
        command.set_defaults(command=f"courtyard.agent.cli.{name.replace('-', '_')}")
        command.add_argument("--json", action="store_true", help=self.say("print data", "输出 JSON 数据"))
        said = self.say("output language", "输出语言")
        command.add_argument("--lang", type=language_named, choices=LANGUAGES, default=self._language, help=said)
        return command

    def choice(self, command: argparse.ArgumentParser, name: str, choices: Mapping[str, tuple[str, str]]) -> None:
        """A word that says what the command does, each with its meaning in both languages."""
        words = self.say("; ", "；").join(f"{word}: {self.say(*meaning)}" for word, meaning in choices.items())
        command.add_argument(name, choices=choices, metavar=f"{{{','.join(choices)}}}", help=words)

    def site(self, command: argparse.ArgumentParser) -> None:
        command.add_argument("--site", type=Path, default=SITE, help=self.say("site file", "站点文件"))

    def data(self, command: argparse.ArgumentParser) -> None:
        command.add_argument("--data", type=Path, default=DATA, help=self.say("data directory", "数据目录"))

    def socket(self, command: argparse.ArgumentParser) -> None:
        command.add_argument("--socket", type=Path, default=SOCKET, help=self.say("control socket", "控制套接字"))


def build(language: Language, version: str) -> argparse.ArgumentParser:
    """The whole command line."""
    title = Text("Courtyard: edge gateway agent of a residential compound", "Courtyard：住宅小区边缘网关")
    parser = Arguments("courtyard", description=title.say(language), language=language)
    shown = Text("show the version", "显示版本").say(language)
    parser.add_argument("--version", action="version", version=f"courtyard {version}", help=shown)
    commands = _Commands(parser, language)
    _daemon(commands)
    _site(commands)
    _drills(commands)
    _lines(commands)
    _journal(commands)
    _residents(commands)
    _vision(commands)
    _box(commands)
    return parser


class _Word(argparse.Action):
    """Stores the word that says what is done; what stands in ALONE needs nothing behind it."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        setattr(namespace, self.dest, values)
        if values in ALONE:
            for following in parser._actions:
                following.required = following.required and following.dest != "targets"


def number(text: str) -> int:
    """A whole number, decimal or with 0x.  Raises ValueError."""
    return int(text, 0)


def duration_s(text: str) -> float:
    """Seconds of `120s`, `2m` or `120`.  Raises ValueError."""
    unit = {"s": 1.0, "m": 60.0}.get(text[-1:])
    return float(text[:-1]) * unit if unit else float(text)


def _daemon(commands: _Commands) -> None:
    say = commands.say
    run = commands.add("run", "run the gateway in the foreground", "在前台运行网关")
    run.add_argument("site", type=Path, nargs="?", default=SITE, help=say("site file", "站点文件"))
    commands.data(run)
    commands.socket(run)
    run.add_argument(
        "--page",
        metavar=say("HOST:PORT", "主机:端口"),
        help=say(
            "where the page listens while there is no site file; 0.0.0.0:8443 by default",
            "尚无站点文件时页面监听的地址，默认 0.0.0.0:8443",
        ),
    )
    demo = commands.add("demo", "show everything with simulated devices", "用模拟设备演示全部功能")
    demo.add_argument(
        "--check",
        action="store_true",
        help=say("unattended: break and heal, verify that nothing is missing", "无人值守：断开再恢复，核对数据无缺失"),
    )
    status = commands.add("status", "how the running gateway fares", "查看运行中网关的状态")
    commands.socket(status)


def _site(commands: _Commands) -> None:
    say = commands.say
    check = commands.add("check", "check a site file; offline", "离线检查站点文件")
    check.add_argument("site", type=Path, nargs="?", default=SITE, help=say("site file", "站点文件"))
    check.set_defaults(lang=None)  # the site's own language


def _drills(commands: _Commands) -> None:
    say = commands.say
    drill = commands.add("drill", "a test alarm to the platform, measured", "发起测试报警并测量到平台的全过程")
    what = say(
        "a device id; list shows past drills; verify checks their signatures",
        "设备编号；list 列出历次演练；verify 校验其签名",
    )
    drill.add_argument("what", metavar=say("DEVICE|list|verify", "设备编号|list|verify"), help=what)
    drill.add_argument("--class", dest="alarm_class", default="fire", help=say("alarm class", "报警类别"))
    drill.add_argument(
        "--full", action="store_true", help=say("sirens and text messages too", "同时启动警号并发送短信")
    )
    drill.add_argument(
        "--wait", type=float, default=60.0, metavar="S", help=say("longest wait, seconds", "最长等待秒数")
    )
    commands.data(drill)
    commands.socket(drill)


def _lines(commands: _Commands) -> None:
    say = commands.say
    read = commands.add("read", "read one device now", "立即读取一台设备")
    read.add_argument("device", metavar=say("DEVICE", "设备"), help=say("device id of the site", "站点中的设备编号"))
    read.add_argument("--raw", action="store_true", help=say("also the last frames", "同时显示最近的报文"))
    commands.site(read)
    commands.socket(read)

    identify = commands.add("identify", "have a device buzz or blink, to find it", "让设备振动或闪烁，便于查找")
    which = say("device id of the site", "站点中的设备编号")
    identify.add_argument("device", metavar=say("DEVICE", "设备"), help=which)
    commands.socket(identify)

    scan = commands.add("scan", "find devices on a line", "扫描线路上的设备")
    kinds = {
        "modbus": ("units on a line, with the profile that fits", "线路上的从站及匹配的设备模板"),
        "serial": ("serial ports of this box", "本机串口"),
        "ble": ("wearables and beacons around", "周围的穿戴设备和信标"),
        "cameras": ("ONVIF cameras on the network", "网络中的 ONVIF 摄像机"),
    }
    commands.choice(scan, "what", kinds)
    where = scan.add_mutually_exclusive_group()
    where.add_argument("--line", help=say("a line of the site", "站点中的线路名"))
    where.add_argument("--port", help=say("serial device path", "串口设备路径"))
    where.add_argument("--tcp", metavar="HOST:PORT", help="Modbus TCP")
    where.add_argument("--rtu-tcp", metavar="HOST:PORT", help=say("RTU over TCP", "RTU over TCP（串口服务器）"))
    scan.add_argument("--baud", default="9600", help=say("speeds to try, comma separated", "尝试的波特率，逗号分隔"))
    scan.add_argument("--parity", default="N", help=say("parities to try, such as NE", "尝试的校验位，如 NE"))
    scan.add_argument("--units", default="1-247", help=say("addresses, such as 1-32,100", "地址范围，如 1-32,100"))
    hosts = say("cameras: addresses or networks to ask one by one", "摄像机：逐个探测的地址或网段")
    scan.add_argument("--hosts", nargs="+", default=(), metavar="HOST", help=hosts)
    scan.add_argument("--hosts-from", type=Path, metavar="FILE", help=say("the same, one a line", "同上，每行一个"))
    scan.add_argument("--interface", help=say("cameras: own address to ask from", "摄像机：本机用于探测的 IP 地址"))
    seconds = say("cameras, ble: how long to listen", "摄像机、蓝牙：监听秒数")
    scan.add_argument("--seconds", type=float, default=8.0, help=seconds)
    commands.site(scan)
    commands.socket(scan)

    pair = commands.add("pair", "pair a wearable with this box, for a limited time", "在限定时间内与穿戴设备配对")
    who = say("device id of the site, or an address", "站点中的设备编号，或蓝牙地址")
    pair.add_argument("device", metavar=say("DEVICE", "设备"), help=who)
    how_long = say("how long it may take, 5s to 5m", "允许的时间，5s～5m")
    pair.add_argument("--for", dest="seconds", type=duration_s, default=120.0, metavar="TIME", help=how_long)
    pair.add_argument("--passkey", help=say("six digits of the device (default: ask)", "设备的六位配对码（默认询问）"))
    pair.add_argument("--remove", action="store_true", help=say("forget its keys", "删除配对密钥"))
    pair.add_argument("--line", help=say("a line of the site", "站点中的线路名"))
    commands.socket(pair)

    decode = commands.add("decode", "take a frame apart, field by field", "逐字段解析报文")
    protocol = say(
        "its name, such as modbus or gb26875; any other word lists all",
        "协议名称，如 modbus、gb26875；填其他词可列出全部",
    )
    decode.add_argument("protocol", metavar=say("PROTOCOL", "协议"), help=protocol)
    octets = say("the bytes in hexadecimal; - reads stdin", "十六进制字节；- 表示从标准输入读取")
    decode.add_argument("hex", nargs="+", metavar="HEX", help=octets)
    decode.add_argument("--profile", help=say("device profile, to show points", "设备模板，用于显示测点"))
    decode.add_argument("--address", type=number, help=say("first register", "起始寄存器地址"))


def _journal(commands: _Commands) -> None:
    say = commands.say
    journal = commands.add("journal", "look into the journal", "查看数据缓存")
    actions = {
        "status": ("what it holds, and what platforms still lack", "已存数据及各平台待发数据"),
        "tail": ("the newest records", "最新的记录"),
        "export": ("all records, one JSON object a line", "导出全部记录，每行一个 JSON"),
        "verify": ("look for damage", "检查数据是否损坏"),
    }
    commands.choice(journal, "action", actions)
    journal.add_argument("--lane", choices=("alarm", "event", "reading"), help=say("one lane only", "仅一个通道"))
    journal.add_argument("--count", type=int, default=20, help=say("records to show", "显示的记录数"))
    commands.data(journal)


def _residents(commands: _Commands) -> None:
    say = commands.say
    residents = commands.add("residents", "consent of residents, with an audit trail", "住户的同意及其审计记录")
    actions = {
        "list": ("who has consented", "列出同意情况"),
        "grant": ("a resident consents", "登记同意"),
        "withdraw": ("a resident no longer does", "撤回同意"),
        "audit": ("who did what, and when", "查看操作记录"),
        "export": ("what is kept of a resident", "导出某住户的数据"),
        "erase": ("delete what is kept of a resident", "删除某住户的数据"),
    }
    commands.choice(residents, "action", actions)
    who = say("resident id of the site", "站点中的住户代号")
    residents.add_argument("resident", nargs="?", metavar=say("RESIDENT", "住户"), help=who)
    residents.add_argument("--by", default="", help=say("who does it (default: the user)", "经办人（默认为当前用户）"))
    residents.add_argument(
        "--note", default="", help=say("for the audit trail, such as the number of the form", "备注，如同意书编号")
    )
    commands.site(residents)
    commands.data(residents)


def _box(commands: _Commands) -> None:
    say = commands.say
    users = commands.add("users", "accounts and tokens of the status page", "管理状态页面的账户和令牌")
    actions = {
        "list": ("accounts", "列出账户"),
        "add": ("a new account", "新建账户"),
        "remove": ("delete an account", "删除账户"),
        "passwd": ("set a password", "设置密码"),
        "code": ("a one-time code, for a forgotten password", "生成一次性代码（忘记密码时用）"),
        "tokens": ("tokens of programs", "列出程序令牌"),
        "token": ("a new token", "新建令牌"),
        "revoke": ("end a token", "吊销令牌"),
    }
    commands.choice(users, "action", actions)
    users.add_argument("name", nargs="?", metavar=say("NAME", "名称"), help=say("account or token", "账户或令牌名称"))
    roles, scopes = ("viewer", "manager", "installer"), ("wall", "view", "metrics", "acknowledge", "cameras", "report")
    users.add_argument("--role", choices=roles, default="viewer", help=say("role of a new account", "新账户的角色"))
    scope = say("what a new token is good for; may be repeated", "新令牌的权限，可重复给出")
    users.add_argument("--scope", choices=(*scopes, "test"), action="append", help=scope)
    users.add_argument("--days", type=int, help=say("days that a new token lives", "新令牌的有效天数"))
    commands.data(users)

    doctor = commands.add("doctor", "what ails this box, and what to do", "检查本机状况并给出处理办法")
    bundle = commands.add("support-bundle", "one file for who can help; no secrets", "导出支持包（不含密码）")
    bundle.add_argument("--output", type=Path, metavar="FILE", help=say("file to write", "输出文件"))
    for command in (doctor, bundle):
        commands.site(command)
        commands.data(command)
        commands.socket(command)


def _vision(commands: _Commands) -> None:
    say = commands.say
    vision = commands.add(
        "vision", "e-bikes in lifts: the detector, and the setting up", "电梯内电动自行车：检测模型与调试"
    )
    actions = ("score", "watch", "region", "calibrate", "evidence")
    heads = ("retrain", "activate", "rollback", "forget", "mark", "heads", "models")
    vision.add_argument(
        "action",
        choices=actions + heads,
        action=_Word,
        help=say(
            "score pictures; watch a recording or an RTSP stream; draw the region of a camera; set the threshold of a "
            "lift; list or erase [NAME ...] what is kept of alarms; learn a head of its own from what was wrong in a "
            "lift, activate it, roll it back, forget all of it, mark an event that was no e-bike, show the heads; "
            "models lists what all lifts are looked at with; activate, rollback of a hash: of the site's own detector",
            "score 识别图像；watch 分析录像或 RTSP 流；region 绘制摄像机区域；calibrate 标定电梯阈值；"
            "evidence list 列出、evidence erase 删除报警画面；retrain 用本梯误报重新训练、activate 启用、"
            "rollback 回退、forget 清除、mark 标记误报事件、heads 查看；models 列出全部电梯使用的模型；"
            "activate、rollback 后接模型哈希时启用或撤下自备模型",
        ),
    )
    what = say(
        "pictures, source, camera, lift, event; list or erase", "图像、视频源、摄像机、电梯、事件；list 或 erase"
    )
    vision.add_argument("targets", nargs="+", default=[], metavar="TARGET", help=what)
    vision.add_argument("--model", type=Path, help=say("manifest of an ONNX model", "ONNX 模型的清单文件"))
    vision.add_argument(
        "--output", type=Path, default=Path("region.png"), help=say("region: picture to write", "region：输出的图片")
    )
    vision.add_argument(
        "--picture", type=Path, help=say("region: draw on this picture", "region：在此图片上绘制，不向摄像机取图")
    )
    for part, en, zh in (("floor", "the floor", "地面"), ("door", "the door", "门口")):
        corners = say(f"region: corners of {en} to try", f"region：试用的{zh}顶点")
        vision.add_argument(f"--{part}", metavar='"x,y x,y …"', help=corners)
    vision.add_argument(
        "--anyway", action="store_true", help=say("calibrate: also from less than a day", "calibrate：不足一天也标定")
    )
    commands.site(vision)
    commands.data(vision)
