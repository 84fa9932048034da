"""`courtyard scan cameras`: the ONVIF cameras that answer a probe, as they answer."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.live import Live
from rich.table import Table

from courtyard.agent.control import Refused
from courtyard.config.read import check_site
from courtyard.drivers.base import Language, Text

LONGEST_LIST = 4096
"""Lines of a file of addresses."""
LONGEST_S = 120.0
HEADINGS = {"en": ("address", "model", "name", "site", "identity"), "zh-CN": ("地址", "型号", "名称", "站点", "标识")}


def run(options: argparse.Namespace) -> int:
    """Exit status 0 when a camera was found.  Raises Refused."""
    from courtyard.drivers.camera.discovery import MOST_TARGETS, NoTarget, targets

    try:
        unicast = targets((*options.hosts, *_listed(options.hosts_from, options.lang)))
    except NoTarget as error:
        text = Text(
            f"{error.text}: give an address (192.168.2.64), an address with its port (192.168.2.64:3702) or a network "
            f"(192.168.2.0/24), {MOST_TARGETS} addresses at most.",
            f"{error.text}：请填写地址（192.168.2.64）、带端口的地址（192.168.2.64:3702）或网段（192.168.2.0/24），"
            f"总计不超过 {MOST_TARGETS} 个地址。",
        )
        raise Refused(text.say(options.lang)) from error
    found = asyncio.run(_scan(options, unicast))
    if options.json:
        print(msgspec.json.encode(found).decode())
    else:
        Console().print(_table(found, options.lang) if found else nothing(options.lang), highlight=False)
    return 0 if found else 1


async def _scan(options: argparse.Namespace, unicast: list[tuple[str, int]]) -> list[dict[str, Any]]:
    from courtyard.drivers.camera.discovery import scan

    known = _site(options.site)
    rows: list[dict[str, Any]] = []
    try:
        with Live(console=Console(stderr=True), refresh_per_second=4, transient=True) as live:
            live.update(_table(rows, options.lang))
            async for found in scan(
                unicast,
                interface=options.interface,
                multicast=not unicast,
                listen_s=min(max(options.seconds, 1.0), LONGEST_S) / 2,
            ):
                camera = known.get(found.host, "")
                rows.append({**found._asdict(), "claimed": list(found.claimed), "camera": camera})
                live.update(_table(rows, options.lang))
    except OSError as error:
        text = Text(
            f"Nothing can be sent on this network ({error.strerror}): name an address of this box with --interface.",
            f"无法在该网络上发送探测（{error.strerror}）：请用 --interface 指定本机的一个 IP 地址。",
        )
        raise Refused(text.say(options.lang)) from error
    return rows


def nothing(language: Language) -> str:
    """What to do when no camera answered."""
    return Text(
        "No camera answered. Switch ONVIF on in the cameras; behind a router name their addresses: "
        "courtyard scan cameras --hosts 192.168.2.0/24",
        "没有摄像机应答。请在摄像机中启用 ONVIF；跨网段时请给出地址：courtyard scan cameras --hosts 192.168.2.0/24",
    ).say(language)


def _listed(file: Path | None, language: Language) -> list[str]:
    """Addresses of a file, one a line; # begins a remark."""
    if file is None:
        return []
    try:
        with file.open(encoding="utf-8") as lines:
            texts = [line.partition("#")[0].strip() for line, _ in zip(lines, range(LONGEST_LIST), strict=False)]
    except (OSError, UnicodeDecodeError) as error:
        text = Text(f"{file} cannot be read ({error}).", f"无法读取 {file}（{error}）。")
        raise Refused(text.say(language)) from error
    return [text for text in texts if text]


def _site(file: Path) -> dict[str, str]:
    """Cameras of the site by host, where there is a site that can be read."""
    from courtyard.drivers.camera.addresses import device_service

    snapshot = check_site(file).snapshot
    cameras = snapshot.site.cameras if snapshot is not None else ()
    return {device_service(camera.address).split("/")[2].partition(":")[0]: camera.id for camera in cameras}


def _table(rows: list[dict[str, Any]], language: Language) -> Table:
    table = Table(box=None)
    for heading in HEADINGS[language]:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(row["address"], row["hardware"], row["name"], row["camera"], row["identity"])
    return table
