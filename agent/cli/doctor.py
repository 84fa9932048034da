"""`courtyard doctor`: what ails this box, and what to do about it."""

from __future__ import annotations

import argparse

import msgspec
from rich.console import Console

from courtyard.agent.tools.box import Box
from courtyard.agent.tools.doctor import Check, Verdict, examine
from courtyard.drivers.base import Text

_MARKS: dict[Verdict, tuple[str, Text]] = {
    "ok": ("green", Text("ok     ", "正常")),
    "warning": ("yellow", Text("warning", "注意")),
    "fault": ("bold red", Text("FAULT  ", "故障")),
}


def run(options: argparse.Namespace) -> int:
    """Exit status 0 when nothing is a fault, else 1."""
    checks = examine(Box(options.site, options.data, options.socket))
    if options.json:
        print(msgspec.json.encode([_data(check) for check in checks]).decode())
    else:
        console = Console(highlight=False, markup=False, soft_wrap=True)
        for check in checks:
            colour, word = _MARKS[check.verdict]
            console.print(word.say(options.lang), style=colour, end="  ")
            console.print(f"{check.name}: {check.what.say(options.lang)}")
            if check.verdict != "ok":
                console.print(f"         {check.cure.say(options.lang)}")
    return 1 if any(check.verdict == "fault" for check in checks) else 0


def _data(check: Check) -> dict[str, object]:
    return {**check._asdict(), "what": check.what._asdict(), "cure": check.cure._asdict()}
