"""Joins a panel to a paced serial line or to a TCP connection, in real or in virtual time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from hw_sim.line import Line
from hw_sim.panels.event import Happening
from hw_sim.panels.panel import Panel


class Attached:
    """A panel whose bytes go somewhere; begins when made, ends with `close`."""

    def __init__(self, panel: Panel, send: Callable[[bytes], object], now: Callable[[], float]) -> None:
        self.panel = panel
        self._send = send
        self._now = now
        self._handle: asyncio.TimerHandle | None = None
        self._happenings: set[asyncio.TimerHandle] = set()
        self._turn()

    def play(self, incident: Sequence[Happening]) -> None:
        """Lets an incident happen from now on."""
        loop = asyncio.get_running_loop()
        for after_s, event in incident:
            self._happenings.add(loop.call_later(after_s, self._happen, event))

    def heard(self, data: bytes, start: float = 0.0, end: float = 0.0) -> None:
        """Bytes arrived at the panel (a station of a `Line`)."""
        for said in self.panel.heard(data, self._now()):
            self._send(said)
        self._turn()

    def close(self) -> None:
        for handle in (*self._happenings, *([self._handle] if self._handle else [])):
            handle.cancel()

    def _happen(self, event: object) -> None:
        self.panel.happen(event)  # type: ignore[arg-type]
        self._turn()

    def _turn(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        for said in self.panel.due(self._now()):
            if said:
                self._send(said)
        due = self.panel.next_due()
        if due is not None:
            self._handle = asyncio.get_running_loop().call_later(max(due - self._now(), 0.001), self._turn)


def to_line(panel: Panel, line: Line, now: Callable[[], float] = time.monotonic) -> Attached:
    """Puts the panel at end b of a line; its words take their bit-times."""
    attached = Attached(panel, line.transmit, now)
    line.attach(attached)
    return attached


async def to_tcp(
    panel: Panel, host: str, port: int, now: Callable[[], float] = time.monotonic
) -> tuple[Attached, asyncio.Task[None]]:
    """Connects the panel as a TCP client; the task ends when the connection does."""
    reader, writer = await asyncio.open_connection(host, port)
    attached = Attached(panel, writer.write, now)

    async def listen() -> None:
        try:
            while data := await reader.read(4096):
                attached.heard(data)
        finally:
            attached.close()
            writer.close()

    return attached, asyncio.get_running_loop().create_task(listen())
