"""`courtyard identify DEVICE`: a device that can buzz or blink does so, to be found among others."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

import msgspec
from rich.console import Console

from courtyard.agent.cli.gateway import asked
from courtyard.agent.control import ask
from courtyard.drivers.base import Text

LONGEST_S = 60.0
LOOKING = Text("Waiting until the device is heard, half a minute at most ...", "正在等待设备信号，最长半分钟……")
DONE = Text("{name} has buzzed for {seconds:g} s.", "{name} 已振动提示 {seconds:g} 秒。")


def run(options: argparse.Namespace) -> int:
    """Exit status 0 when the device has done it.  Raises Refused."""
    console = Console(stderr=options.json, highlight=False)
    with console.status(LOOKING.say(options.lang)), asked(options.socket, options.lang):
        answer = asyncio.run(_answer(options))
    if options.json:
        print(msgspec.json.encode(answer).decode())
    console.print(DONE.say(options.lang).format(name=options.device, seconds=answer["seconds"]))
    return 0


async def _answer(options: argparse.Namespace) -> Any:
    async for kind, value in ask(options.socket, "identify", timeout_s=LONGEST_S, device=options.device):
        if kind == "result":
            return value
    return None
