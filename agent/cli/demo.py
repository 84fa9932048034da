"""`courtyard demo`: everything with simulated devices; `--check` proves it unattended."""

from __future__ import annotations

import argparse
import asyncio
from importlib.util import find_spec

from rich.console import Console

from courtyard.agent.control import Refused
from courtyard.drivers.base import Text


def run(options: argparse.Namespace) -> int:
    """Exit status 0 when all arrived (or the person ended the demo), 1 otherwise."""
    if find_spec("hw_sim") is None:
        raise Refused(
            Text(
                "the demo needs the simulators: from a checkout run make setup, or pip install ./hw-sim",
                "演示需要模拟器：请在源码目录运行 make setup，或 pip install ./hw-sim",
            ).say(options.lang)
        )
    return asyncio.run(_perform(options))


async def _perform(options: argparse.Namespace) -> int:
    from courtyard.agent.demo.show import performance
    from courtyard.agent.demo.unattended import check
    from courtyard.agent.demo.view import watch

    console = Console(quiet=options.json)
    async with performance(options.lang) as show:
        if options.check:
            return 0 if await check(show, console) else 1
        await watch(show, console)
        return 0
