"""`courtyard scan ble`: the wearables that are around, live, and which of them has just been pressed."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from rich.console import Console
from rich.live import Live
from rich.table import Table

from courtyard.agent.ble_scan import LONGEST_S, looks, own_driver, wearables
from courtyard.agent.clock import SystemClock
from courtyard.agent.control import Refused, ask, daemon_listens
from courtyard.config.present import present
from courtyard.config.read import check_site
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import DriverError, Language, Text
from courtyard.drivers.lines.settings import BleLine

HEADINGS = {
    "en": ("address", "signal", "name", "may be", "site", ""),
    "zh-CN": ("地址", "信号", "名称", "可能的型号", "站点", ""),
}
PRESS = Text(
    "Press the button of the device now: its line is marked. {left:.0f} s left.",
    "现在请按下设备按钮，对应行会有标记。剩余 {left:.0f} 秒。",
)
PRESSED = Text("pressed", "已按下")
CHANGED = Text("speaks anew", "内容变化")
MOST_ROWS = 40


def run(options: argparse.Namespace) -> int:
    """Exit status 0 when something was heard.  Raises Refused."""
    seconds = min(max(options.seconds, 1.0), LONGEST_S)
    found = asyncio.run(_watch(options, seconds))
    if options.json:
        print(msgspec.json.encode(found).decode())
    elif not found:
        text = Text(
            "Nothing was heard. Bring the device closer, press its button, or change its battery.",
            "没有收到任何信号。请将设备靠近网关、按下按钮，或更换电池。",
        )
        Console().print(text.say(options.lang), highlight=False)
    return 0 if found else 1


async def _watch(options: argparse.Namespace, seconds: float) -> list[dict[str, Any]]:
    site = check_site(options.site) if options.site.is_file() else None
    known = _known(site.snapshot) if site is not None and site.snapshot is not None else {}
    found: list[dict[str, Any]] = []
    console, ends_s = Console(stderr=options.json), asyncio.get_running_loop().time() + seconds
    with Live(console=console, refresh_per_second=4, transient=options.json) as live:
        async for rows in _rows(options, seconds):
            found = [{**row, "device": known.get(row["address"], "")} for row in rows]
            live.update(_table(found, options.lang, max(0.0, ends_s - asyncio.get_running_loop().time())))
    return found


async def _rows(options: argparse.Namespace, seconds: float) -> AsyncIterator[list[dict[str, Any]]]:
    if daemon_listens(options.socket):
        request = {"line": options.line, "seconds": seconds}
        async for kind, value in ask(options.socket, "scan_ble", timeout_s=LONGEST_S, **request):
            if kind == "progress":
                yield value["seen"]
        return
    try:
        async with own_driver(adapters(options), SystemClock()) as driver:
            async for rows in looks(driver, seconds, wearables((options.site.parent / "profiles",))):
                yield rows
    except DriverError as error:
        fault = error.fault
        raise Refused(f"{fault.what.say(options.lang)} {fault.cure.say(options.lang)}") from error


def adapters(options: argparse.Namespace) -> tuple[str, ...]:
    """Of the line that was named; hci0 where none was."""
    if not options.line:
        return ("hci0",)
    verdict = check_site(options.site)
    if verdict.snapshot is None:
        raise Refused(present(verdict.mistakes, options.lang))
    line = verdict.snapshot.lines.get(options.line)
    if line is None or not isinstance(line.settings, BleLine):
        text = Text(f"{options.line} is not a Bluetooth line of the site.", f"{options.line} 不是站点中的蓝牙线路。")
        raise Refused(text.say(options.lang))
    return line.settings.adapters


def _known(snapshot: Snapshot) -> dict[str, str]:
    """Ids of the wearables of a site by address."""
    return {device.driver.address: device.id for device in snapshot.devices.values() if device.family == "ble"}


def _table(rows: list[dict[str, Any]], language: Language, left_s: float) -> Table:
    table = Table(*HEADINGS[language], box=None, caption=PRESS.say(language).format(left=left_s))
    for row in rows[:MOST_ROWS]:
        note = PRESSED if row["presses"] else CHANGED if row["changes"] else Text("", "")
        guesses = ", ".join(row["guesses"][:3])
        style = "bold red" if row["presses"] else None
        cells = (row["address"], f"{row['rssi']} dBm", row["name"], guesses, row["device"], note.say(language))
        table.add_row(*cells, style=style)
    return table
