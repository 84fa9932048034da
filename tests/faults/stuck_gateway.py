"""The daemon with a driver for the line `hall` that hangs for ever: the first one made; those after it are real.

Started with the site file, the data directory and the control socket.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from courtyard.agent import logs
from courtyard.agent.clock import SystemClock
from courtyard.agent.daemon import Daemon
from courtyard.agent.families import DRIVERS, Surroundings
from courtyard.agent.notify import Notifier
from courtyard.config.redact import Redactor
from courtyard.config.snapshot import Line
from courtyard.drivers.base import Driver, Sink


class Hanging:
    """It never asks anything, and says so."""

    async def run(self, sink: Sink) -> None:
        await asyncio.get_running_loop().create_future()

    def on_time(self) -> bool:
        return False


def main() -> None:
    hung = False

    def make(line: Line, surroundings: Surroundings) -> Driver:
        nonlocal hung
        if line.settings.name != "hall" or hung:
            return DRIVERS["modbus"](line, surroundings)
        hung = True
        return Hanging()

    site, data, control = map(Path, sys.argv[1:])
    redactor = Redactor()
    logs.set_up(redactor)
    daemon = Daemon(
        site,
        data,
        control,
        clock=SystemClock(),
        notifier=Notifier.from_environment(),
        redactor=redactor,
        drivers={**DRIVERS, "modbus": make},
    )
    asyncio.run(daemon.run())


if __name__ == "__main__":
    main()
