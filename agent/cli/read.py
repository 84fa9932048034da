"""`courtyard read DEVICE`: one device, now; through the running gateway, or on the line itself when none runs."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from courtyard.agent.cli.status import one_answer
from courtyard.agent.clock import SystemClock
from courtyard.agent.control import Refused, daemon_listens
from courtyard.agent.families import open_driver
from courtyard.agent.lines import SPEAKS_BY_ITSELF
from courtyard.agent.records import instant
from courtyard.config.catalogue import Catalogue
from courtyard.config.present import present
from courtyard.config.read import check_site
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import Driver, DriverError, Language, Reads, Text, Traces


def run(options: argparse.Namespace) -> int:
    """Exit status 0 when the device answered."""
    verdict = check_site(options.site)
    if verdict.snapshot is None:
        raise Refused(present(verdict.mistakes, options.lang))
    if options.device not in verdict.snapshot.devices:
        raise Refused(_unknown(options.device, list(verdict.snapshot.devices)).say(options.lang))
    if daemon_listens(options.socket):
        answer = asyncio.run(one_answer(options.socket, "read", options.lang, device=options.device, raw=options.raw))
    else:
        answer = msgspec.to_builtins(asyncio.run(_read_here(verdict.snapshot, options.device, options.raw)))
    if options.json:
        print(msgspec.json.encode(answer).decode())
    else:
        _show(answer, verdict.snapshot.catalogue, options.lang, Console())
    return 0 if answer.get("reading") else 1


def _unknown(device: str, known: Sequence[str]) -> Text:
    """The nearest names first, at most twenty."""
    near = get_close_matches(device, known, 3)
    names = ", ".join([*near, *(name for name in known if name not in near)][:20])
    if not names:
        return Text("The site has no device yet. Add one to its file.", "站点中还没有设备。请在站点文件中添加。")
    return Text(
        f"The site has no device {device}. Name one of: {names}.", f"站点中没有设备 {device}。请改用：{names}。"
    )


async def _read_here(snapshot: Snapshot, device: str, raw: bool) -> dict[str, Any]:
    driver = open_driver(snapshot, snapshot.devices[device], SystemClock())
    try:
        if not isinstance(driver, Reads):
            raise DriverError(SPEAKS_BY_ITSELF, device)
        return {"reading": await driver.read(device), "frames": _frames(driver, device) if raw else []}
    except DriverError as error:
        if not raw:
            raise
        fault = error.fault
        words = {"code": fault.code, "what": fault.what._asdict(), "cure": fault.cure._asdict()}
        return {"fault": words, "frames": _frames(driver, device)}


def _frames(driver: Driver, device: str) -> Sequence[Any]:
    return driver.frames(device) if isinstance(driver, Traces) else ()


def _show(answer: dict[str, Any], catalogue: Catalogue, language: Language, console: Console) -> None:
    if fault := answer.get("fault"):
        key = "zh" if language == "zh-CN" else "en"
        console.print(f"{fault['what'][key]}\n  {fault['cure'][key]}", style="bold red", highlight=False)
    if reading := answer.get("reading"):
        headings = {"en": ("point", "", "value", "unit", "quality"), "zh-CN": ("测点", "", "数值", "单位", "质量")}
        table = Table(*headings[language], box=None)
        for name, value in reading["values"].items():
            point = catalogue[name]
            shown = "" if value is None else f"{value:.6g}" if isinstance(value, float) and value < 1e4 else str(value)
            quality = reading["quality"].get(name, "")
            table.add_row(name, point.label.say(language), shown, point.unit or "", quality)
        console.print(table)
    for frame in answer.get("frames", ()):
        at_ms, direction, data = frame
        arrow = {"sent": "->", "received": "<-"}[direction]
        console.print(f"{instant(at_ms)} {arrow} {data}", style="dim", highlight=False, soft_wrap=True)
