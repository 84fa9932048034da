"""`courtyard demo`: everything with simulated devices; `--check` proves it unattended."""

from __future__ import annotations

import argparse
import asyncio
import signal
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
    try:
        return asyncio.run(_perform(options))
    except asyncio.CancelledError:
        return 1


async def _perform(options: argparse.Namespace) -> int:
    from courtyard.agent.demo.show import performance
    from courtyard.agent.demo.unattended import check
    from courtyard.agent.demo.view import watch

    loop, own = asyncio.get_running_loop(), asyncio.current_task()
    assert own is not None
    for number in (signal.SIGTERM, signal.SIGHUP):  # a terminal that is closed takes the simulators with it
        loop.add_signal_handler(number, own.cancel)
    console = Console(quiet=options.json)
    async with performance(options.lang) as show:
        if options.check:
            return 0 if await check(show, console) else 1
        await watch(show, console)
        return 0
