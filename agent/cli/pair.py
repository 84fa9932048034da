"""`courtyard pair DEVICE`: lets one wearable pair with this box, for a limited time, and asks for its passkey."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from rich.console import Console

from courtyard.agent.cli.gateway import asked
from courtyard.agent.control import ask
from courtyard.drivers.base import Language, Text

GRACE_S = 30.0
STAGES = {
    "listening": Text(
        "Listening. Switch the device on and put it into its pairing mode.", "正在监听。请打开设备并使其进入配对模式。"
    ),
    "pairing": Text("Heard. Pairing through {adapter} ...", "已收到信号，正在通过 {adapter} 配对……"),
}
LEFT = Text("{left} s left", "剩余 {left} 秒")
PASSKEY = Text("Passkey that the device shows (empty: give up): ", "设备显示的配对码（直接回车则取消）：")
SAME = Text("Does the device show {number:06d}? [y/N] ", "设备显示的数字是否为 {number:06d}？[y/N] ")
SHOW = Text("Type {number:06d} on the device.", "请在设备上输入 {number:06d}。")
PAIRED = Text("{name} is paired with {adapter}.", "{name} 已与 {adapter} 配对。")
REMOVED = Text("The pairing with {name} was removed.", "已删除与 {name} 的配对。")
NOT_PAIRED = Text("{name} was not paired.", "{name} 没有配对。")


def run(options: argparse.Namespace, read: Callable[[str], str] = input) -> int:
    """Exit status 0 when the device is paired, or not paired any more.  `read` asks the person.  Raises Refused."""
    with asked(options.socket, options.lang):
        return asyncio.run(_remove(options) if options.remove else _pair(options, read))


async def _pair(options: argparse.Namespace, read: Callable[[str], str]) -> int:
    language: Language = options.lang
    console = Console(stderr=options.json, highlight=False)
    wish = {"device": options.device, "line": options.line, "seconds": options.seconds}
    with console.status("") as status:
        async for kind, value in ask(options.socket, "pair", timeout_s=GRACE_S, **wish):
            if kind == "result":
                if options.json:
                    print(msgspec.json.encode(value).decode())
                console.print(PAIRED.say(language).format(name=options.device, adapter=value["adapter"]))
            elif "left_s" in value:
                status.update(LEFT.say(language).format(left=value["left_s"]))
            elif "stage" in value:
                console.print(STAGES[value["stage"]].say(language).format(adapter=value["adapter"]))
            elif "show" in value:
                console.print(SHOW.say(language).format(number=value["show"]))
            else:
                status.stop()
                await _answer(options, value, read)
                status.start()
    return 0


async def _answer(options: argparse.Namespace, question: dict[str, Any], read: Callable[[str], str]) -> None:
    """Asks the person, unless the command line has the answer already; progress waits in the socket meanwhile."""
    language: Language = options.lang
    if question["ask"] == "same":
        words = await asyncio.to_thread(read, SAME.say(language).format(number=question["number"]))
        answer = question["number"] if words.strip().lower() in ("y", "yes", "是") else None
    else:
        words = options.passkey or await asyncio.to_thread(read, PASSKEY.say(language))
        answer = int(words) if words.strip().isdecimal() else None
    async for _ in ask(options.socket, "pair_answer", answer=answer):
        continue


async def _remove(options: argparse.Namespace) -> int:
    removed = False
    async for _, value in ask(options.socket, "unpair", device=options.device, line=options.line):
        removed = value["removed"]
        if options.json:
            print(msgspec.json.encode(value).decode())
    text = REMOVED if removed else NOT_PAIRED
    Console(stderr=options.json, highlight=False).print(text.say(options.lang).format(name=options.device))
    return 0 if removed else 1
