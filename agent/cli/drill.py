"""`courtyard drill DEVICE|list|verify`: a test alarm to the platform's own word, and the signed list of such drills."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from courtyard.agent.cli.gateway import asked
from courtyard.agent.control import Refused, ask
from courtyard.agent.drills.drill import Result, Stage
from courtyard.agent.drills.evidence import Checked, Entry, Evidence
from courtyard.agent.drills.words import STAGES
from courtyard.drivers.base import Language, Text

GRACE_S = 30.0
PROBLEMS = {
    "unreadable": Text("cannot be read", "无法读取"),
    "chain": Text("does not follow from the line before", "与上一条记录不衔接"),
    "number": Text("has a wrong number", "编号错误"),
    "key": Text("was signed with another key", "由其他密钥签名"),
    "signature": Text("has a wrong signature", "签名错误"),
}


def run(options: argparse.Namespace) -> int:
    """Exit status 0 when everything arrived, or the list is sound; 1 otherwise."""
    if options.what in ("list", "verify"):
        return _list(options)
    answer = asyncio.run(_drill(options))
    if options.json:
        print(msgspec.json.encode(answer).decode())
    return 0 if answer["passed"] else 1


async def _drill(options: argparse.Namespace) -> Any:
    language: Language = options.lang
    console = Console(quiet=options.json)
    announced = Text(
        f"DRILL: test alarm of {options.what}" + (", with sirens and text messages" if options.full else ""),
        f"演练：{options.what} 的测试报警" + ("，将启动警号并发送短信" if options.full else ""),
    )
    console.print(announced.say(language), style="bold yellow", highlight=False)
    wish = {"device": options.what, "class": options.alarm_class, "full": options.full, "wait_s": options.wait}
    by = os.environ.get("SUDO_USER") or os.environ.get("USER") or "?"
    with asked(options.socket, language):
        async for kind, value in ask(options.socket, "drill", timeout_s=options.wait + GRACE_S, by=by, **wish):
            if kind == "progress":
                console.print(_stage(msgspec.convert(value, Stage), language), highlight=False)
            else:
                _conclude(value, language, console)
                return value
    raise Refused(Text("The gateway gave no answer.", "网关没有应答。").say(language))


def _stage(stage: Stage, language: Language) -> str:
    name = STAGES.get(stage.name, Text(stage.name, stage.name)).say(language)
    return f"{stage.ms:10.1f} ms  {name}{f'  {stage.who}' if stage.who else ''}"


def _conclude(answer: dict[str, Any], language: Language, console: Console) -> None:
    drill, kept = msgspec.convert(answer["drill"], Result), answer["kept"]
    for missing in drill.missing:
        name, _, who = missing.partition(" ")
        word = STAGES.get(name, Text(name, name)).say(language)
        text = Text(f"NOT in time: {word} {who}", f"未按时完成：{word} {who}")
        console.print(text.say(language).rstrip(), style="bold red", highlight=False)
    passed = (
        Text("The drill passed.", "演练通过。") if drill.passed else Text("The drill did NOT pass.", "演练未通过。")
    )
    console.print(passed.say(language), style="bold green" if drill.passed else "bold red")
    where = Text(
        f"Entry {kept['number']}, {kept['hash'][:16]}, key {kept['key']}.",
        f"记录第 {kept['number']} 条，{kept['hash'][:16]}，密钥 {kept['key']}。",
    )
    console.print(where.say(language), style="dim", highlight=False)


def _list(options: argparse.Namespace) -> int:
    data: Path = options.data
    evidence, language = Evidence(data), options.lang
    try:
        checked = evidence.verify() if options.what == "verify" else [Checked(each, None) for each in evidence.read()]
    except OSError as error:
        text = Text(f"cannot read {evidence.folder}: {error}", f"无法读取 {evidence.folder}：{error}")
        raise Refused(text.say(language)) from error
    bad = sum(each.problem is not None for each in checked)
    if options.json:
        print(msgspec.json.encode([{"entry": each.entry, "problem": each.problem} for each in checked]).decode())
        return 1 if bad else 0
    console = Console()
    console.print(_table((each.entry for each in checked if each.entry), language))
    for number, each in enumerate(checked, 1):
        if each.problem is not None:
            problem = PROBLEMS[each.problem]
            line = Text(f"Line {number} {problem.en}.", f"第 {number} 行{problem.zh}。")
            console.print(line.say(language), style="bold red", highlight=False)
    if options.what == "verify":
        verdict = (
            Text(f"{bad} of {len(checked)} entries are not sound.", f"{len(checked)} 条记录中有 {bad} 条不可信。")
            if bad
            else Text(f"All {len(checked)} entries are sound.", f"全部 {len(checked)} 条记录完好。")
        )
        console.print(verdict.say(language), style="bold red" if bad else "bold green", highlight=False)
    return 1 if bad else 0


def _table(entries: Iterable[Entry], language: Language) -> Table:
    headings = {
        "en": ("no.", "at", "device", "by", "full", "received after", "result"),
        "zh-CN": ("编号", "时间", "设备", "发起人", "完整", "平台收到用时", "结果"),
    }
    table = Table(*headings[language], box=None)
    for entry in entries:
        drill = entry.drill
        received = [stage.ms for stage in drill.stages if stage.name == "received"]
        result = Text("passed", "通过") if drill.passed else Text(", ".join(drill.missing), "，".join(drill.missing))
        cells = (drill.device, drill.by, "x" if drill.full else "", f"{max(received):.0f} ms" if received else "-")
        table.add_row(str(entry.number), drill.at, *cells, result.say(language))
    return table
