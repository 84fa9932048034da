"""`courtyard status`: how the running gateway fares: what is wrong, since when, what to do."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from courtyard.agent.cli.gateway import asked
from courtyard.agent.control import ask
from courtyard.agent.lift_words import WHY
from courtyard.drivers.base import Language, Text


def run(options: argparse.Namespace) -> int:
    """Exit status 0 when all is well, 1 when something is wrong or no gateway runs."""
    status = asyncio.run(one_answer(options.socket, "status", options.lang))
    if options.json:
        print(msgspec.json.encode(status).decode())
    else:
        _show(status, options.lang, Console())
    return 1 if status["faults"] else 0


async def one_answer(socket: Path, do: str, language: Language, **arguments: Any) -> Any:
    """Asks the running daemon.  Raises Refused when none runs."""
    with asked(socket, language):
        async for kind, value in ask(socket, do, **arguments):
            if kind == "result":
                return value
    return None


def _show(status: dict[str, Any], language: Language, console: Console) -> None:
    key = "zh" if language == "zh-CN" else "en"
    faults = status["faults"]
    if not faults:
        console.print(Text("All well.", "一切正常。").say(language), style="bold green")
    for subject, fault in faults.items():
        console.print(
            f"[bold red]{subject}[/bold red]  {fault['what'][key]}\n    {fault['cure'][key]}", highlight=False
        )
    headings = {
        "en": ("uplink", "connected", "backlog", "records", "in flight", "refused"),
        "zh-CN": ("平台", "连接", "积压", "已发记录", "发送中", "拒收"),
    }
    table = Table(*headings[language], box=None)
    for uplink in status["uplinks"]:
        connected = Text("yes", "是") if uplink["connected_since_ms"] else Text("NO", "否")
        backlog = sum(lane[0] for lane in uplink["backlog"].values())
        cells = (backlog, uplink["records"], uplink["in_flight_messages"], uplink["refused"])
        table.add_row(uplink["name"], connected.say(language), *map(str, cells))
    if status["uplinks"]:
        console.print(table)
    for course in status["escalations"]:
        steps = ", ".join(f"{step} {kept.get('state', 'pending')}" for step, kept in course["steps"].items())
        waits = Text("no platform has confirmed", "无平台确认").say(language) if course["phase"] == "waiting" else ""
        line = " · ".join(filter(None, (course["escalation"], course["alarm_id"], waits, steps)))
        console.print(line, style="bold yellow", highlight=False, markup=False)
    for lift in status["lifts"]:
        console.print(_lift(lift).say(language), highlight=False, markup=False)
    journal = status["journal"]
    used, quota = journal["used_bytes"], journal["quota_bytes"]
    text = Text(
        f"journal: epoch {journal['epoch']}, {used / 1e6:.1f} of {quota / 1e6:.0f} MB"
        + ("" if journal["durable"] else ", IN MEMORY ONLY"),
        f"数据缓存：纪元 {journal['epoch']}，{used / 1e6:.1f} / {quota / 1e6:.0f} MB"
        + ("" if journal["durable"] else "，仅在内存中"),
    )
    console.print(text.say(language), highlight=False)


def _lift(lift: dict[str, Any]) -> Text:
    why, score = WHY[lift["why"]], f"{lift['score']:.2f}/{lift['threshold']:.2f}"
    return Text(f"lift {lift['id']}: {why.en} ({score})", f"电梯 {lift['id']}：{why.zh}（{score}）")
