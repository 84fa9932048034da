"""`courtyard scan modbus|serial`: what is on a line, with speed, address and the profile that it may be."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table

from courtyard.agent.candidates import as_data, candidates
from courtyard.agent.cli import scan_ble, scan_cameras
from courtyard.agent.control import Refused, ask, daemon_listens
from courtyard.agent.scannable import refuse_where_panels_hang, scannable
from courtyard.agent.serial_ports import serial_ports
from courtyard.config.present import present
from courtyard.config.read import check_site
from courtyard.drivers.base import Language, Text
from courtyard.drivers.lines.settings import LineSettings, RtuTcpLine, SerialLine, TcpLine
from courtyard.drivers.modbus.scan import Progress, scan

ANSWER_S = 3600.0
NO_ANSWER = Text(
    "Nothing answered. Check A/B wiring, the power of the devices, speed and parity.",
    "没有设备应答。请检查 A/B 接线、设备供电、波特率和校验位。",
)
NO_PORT = Text(
    "This machine has no serial port. Plug in the adapter; if it is, sudo dmesg says why its driver does not take it.",
    "本机没有串口。请插入适配器；若已插入，sudo dmesg 会说明驱动未识别的原因。",
)


def run(options: argparse.Namespace) -> int:
    """Exit status 0 when something was found."""
    if options.what == "ble":
        return scan_ble.run(options)
    if options.what == "cameras":
        return scan_cameras.run(options)
    found = [port._asdict() for port in serial_ports()] if options.what == "serial" else asyncio.run(_modbus(options))
    if options.json:
        print(msgspec.json.encode(found).decode())
    else:
        _show(found, options.what, options.lang, Console())
    return 0 if found else 1


async def _modbus(options: argparse.Namespace) -> list[dict[str, Any]]:
    units, bauds = numbers(options.units, options.lang), speeds(options.baud, options.lang)
    parities = letters(options.parity, options.lang)
    found: list[dict[str, Any]] = []
    with Bar(console=Console(stderr=True), transient=True, disable=options.json) as bar:
        task = bar.add_task(Text("scanning", "正在扫描").say(options.lang), total=None)
        async for kind, value in _steps(options, units, bauds, parities):
            if kind == "progress":
                bar.update(task, total=value["total"], completed=value["done"])
            else:
                found.append(value)
    return found


async def _steps(
    options: argparse.Namespace, units: Sequence[int], bauds: Sequence[int], parities: Sequence[str]
) -> AsyncIterator[tuple[str, Any]]:
    if options.line and daemon_listens(options.socket):
        request = {"line": options.line, "units": list(units)}
        async for kind, value in ask(options.socket, "scan", timeout_s=ANSWER_S, **request):
            if kind == "progress":
                yield ("found", value["found"]) if "found" in value else ("progress", value)
        return
    line = _line(options)
    site = check_site(options.site).snapshot
    if site is not None:
        refuse_where_panels_hang(site, line)
    steps: asyncio.Queue[tuple[str, Any] | None] = asyncio.Queue(maxsize=1024)

    def tell(progress: Progress) -> None:
        if not steps.full():
            steps.put_nowait(("progress", {"done": progress.done, "total": progress.total}))

    async def search() -> None:
        try:
            known = candidates((options.site.parent / "profiles",))
            tries: dict[str, Any] = {"bauds": bauds, "parities": parities} if isinstance(line, SerialLine) else {}
            async for each in scan(line, units=units, candidates=known, progress=tell, **tries):
                await steps.put(("found", as_data(each)))
        finally:
            await steps.put(None)

    searching = asyncio.create_task(search())
    try:
        while (step := await steps.get()) is not None:
            yield step
        await searching
    finally:
        searching.cancel()


def _line(options: argparse.Namespace) -> LineSettings:
    if options.port:
        return SerialLine("scan", options.port)
    for given, kind in ((options.tcp, TcpLine), (options.rtu_tcp, RtuTcpLine)):
        if given:
            host, _, port = given.rpartition(":")
            if not host or not port.isdigit():
                text = Text(
                    f"{given} names no endpoint. Write host and port, such as 192.168.1.20:502.",
                    f"{given} 不是有效的端点。请写主机和端口，例如 192.168.1.20:502。",
                )
                raise Refused(text.say(options.lang))
            return kind("scan", host, int(port))
    if not options.line:
        text = Text(
            "Nothing says where to look. Give --line NAME (a line of the site), --port /dev/..., --tcp HOST:PORT or "
            "--rtu-tcp HOST:PORT.",
            "未指定扫描位置。请给出 --line 线路名（站点中的线路）、--port /dev/...、--tcp 主机:端口 或 "
            "--rtu-tcp 主机:端口。",
        )
        raise Refused(text.say(options.lang))
    verdict = check_site(options.site)
    if verdict.snapshot is None:
        raise Refused(present(verdict.mistakes, options.lang))
    lines = verdict.snapshot.lines
    if options.line not in lines:
        names = ", ".join(lines)
        text = Text(
            f"The site has no line {options.line}. Name one of: {names}.",
            f"站点中没有线路 {options.line}。请改用：{names}。",
        )
        raise Refused(text.say(options.lang))
    return scannable(verdict.snapshot, options.line)


def numbers(text: str, language: Language) -> list[int]:
    """Addresses such as `1-32,100`.  Raises Refused."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or not (last or first).isdecimal() or not 1 <= int(first) <= int(last or first) <= 247:
            refusal = Text(
                f"{part.strip()!r} in --units names no addresses. Write numbers from 1 to 247, such as 1-32,100.",
                f"--units 中的“{part.strip()}”不是有效的地址。请填写 1～247，例如 1-32,100。",
            )
            raise Refused(refusal.say(language), 2)
        found += range(int(first), int(last or first) + 1)
    return list(dict.fromkeys(found))


def speeds(text: str, language: Language) -> list[int]:
    """Speeds such as `9600,19200`.  Raises Refused."""
    for part in text.split(","):
        if not part.strip().isdecimal() or not 300 <= int(part) <= 4_000_000:
            refusal = Text(
                f"{part.strip()!r} in --baud is no speed. Write bits per second, such as 9600,19200.",
                f"--baud 中的“{part.strip()}”不是有效的波特率。请填写每秒位数，例如 9600,19200。",
            )
            raise Refused(refusal.say(language), 2)
    return [int(part) for part in text.split(",")]


def letters(text: str, language: Language) -> list[str]:
    """Parities such as `NE`.  Raises Refused."""
    if not text or set(text.upper()) - set("NEO"):
        refusal = Text(
            f"{text!r} in --parity names no parities. Write letters out of N (none), E (even), O (odd), such as NE.",
            f"--parity 中的“{text}”不是有效的校验位。请用 N（无）、E（偶）、O（奇）中的字母，例如 NE。",
        )
        raise Refused(refusal.say(language), 2)
    return list(dict.fromkeys(text.upper()))


def _show(found: list[dict[str, Any]], what: str, language: Language, console: Console) -> None:
    if not found:
        text = NO_PORT if what == "serial" else NO_ANSWER
        console.print(text.say(language))
        return
    if what == "serial":
        for port in found:
            console.print(port["port"], highlight=False)
        return
    headings = {"en": ("unit", "speed", "function", "may be"), "zh-CN": ("地址", "波特率", "功能码", "可能的型号")}
    table = Table(*headings[language], box=None)
    for each in found:
        speed = f"{each['baud']} {each['parity'] or ''}" if each["baud"] else ""
        guesses = ", ".join(f"{guess['profile']} ({guess['share']:.0%})" for guess in each["guesses"][:3])
        table.add_row(str(each["unit"]), speed, str(each["function"]), guesses)
    console.print(table)
