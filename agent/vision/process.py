"""The gateway's side of one vision worker: starts it, tells it what to look at, takes its reports.

Invariants
1. A worker that dies, or says nothing for SILENCE_S, is started again with back-off; it gets all its orders anew.
2. It ends with `run`: its input closes, and after a grace time it is killed.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from courtyard.agent.vision.messages import LONGEST_LINE, Attach, Detach, Keep, Load, Order, Report, reports
from courtyard.drivers.base import Fault, Text
from courtyard.drivers.camera.hub import FIRST_RETRY_S, LAST_RETRY_S, STABLE_S, end, how_it_ended

COMMAND: Final = (sys.executable, "-m", "courtyard.agent.vision.worker")
SILENCE_S: Final = 30.0
"""A worker tells every five seconds that it gets on; loading a model takes some."""


class VisionProcess:
    """Used from the event loop only; has an effect while `run` is running."""

    def __init__(
        self,
        start: Load,
        told: Callable[[Report], None],
        failed: Callable[[Fault | None], None],
        command: Sequence[str] = COMMAND,
    ) -> None:
        """`failed` hears of every end that nobody asked for, and with None that it works again."""
        self._start, self._told, self._failed, self._command = start, told, failed, command
        self._attached: dict[str, Attach] = {}
        self.process: asyncio.subprocess.Process | None = None

    def attach(self, order: Attach) -> None:
        """Looks at this lift's pictures; an order that is the same as before changes nothing."""
        if self._attached.get(order.lift) != order:
            self._attached[order.lift] = order
            self._send(order)

    def detach(self, lift: str) -> None:
        if self._attached.pop(lift, None) is not None:
            self._send(Detach(lift))

    def keep(self, order: Keep) -> None:
        """Keeps pictures of a moment; lost when the worker dies."""
        self._send(order)

    async def run(self) -> None:
        """Until cancelled."""
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            began_s = loop.time()
            reason = await self._live()
            failures = 0 if loop.time() - began_s > STABLE_S else min(failures + 1, 10)
            self._failed(
                Fault(
                    "vision.worker",
                    Text(
                        f"The process that looks at the lifts ended unexpectedly ({reason}); it is started again.",
                        f"识别电梯画面的进程意外退出（{reason}），正在自动重启。",
                    ),
                    Text("If this repeats, send a support bundle.", "若反复出现，请发送支持包。"),
                )
            )
            await asyncio.sleep(min(FIRST_RETRY_S * 2**failures, LAST_RETRY_S))

    async def _live(self) -> str:
        """One life of the process; why it ended."""
        environment = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PYTHONPATH")}
        environment["OMP_NUM_THREADS"] = environment["OPENBLAS_NUM_THREADS"] = "1"
        process = self.process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            limit=LONGEST_LINE,
        )
        try:
            self._send(self._start)
            for order in self._attached.values():
                self._send(order)
            return await self._listen(process)
        finally:
            self.process = None
            await end(process)

    async def _listen(self, process: asyncio.subprocess.Process) -> str:
        assert process.stdout is not None
        while True:
            try:
                async with asyncio.timeout(SILENCE_S):
                    line = await process.stdout.readline()
                if not line:
                    await process.wait()
                    return how_it_ended(process.returncode)
                report = reports.decode(line)
            except TimeoutError:
                return "silent"
            except (ValueError, msgspec.DecodeError):
                return "not its protocol"
            self._told(report)

    def _send(self, order: Order) -> None:
        """A worker that has died gets everything again with its next life."""
        if self.process is not None and self.process.stdin is not None and not self.process.stdin.is_closing():
            self.process.stdin.write(msgspec.json.encode(order) + b"\n")
