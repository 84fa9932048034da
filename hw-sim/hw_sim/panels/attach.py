"""Joins a panel to a paced serial line or to a TCP connection, in real or in virtual time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from hw_sim.line import Line
from hw_sim.panels.event import Event, Happening
from hw_sim.panels.panel import Panel

RECONNECT_S = 1.0


class Attached:
    """A panel whose bytes go somewhere; begins when made, ends with `close`."""

    def __init__(self, panel: Panel, send: Callable[[bytes], object], now: Callable[[], float]) -> None:
        self.panel = panel
        self.mute = False
        """What it says does not come out: a cut wire, a port that was switched off."""
        self._send = send
        self._now = now
        self._handle: asyncio.TimerHandle | None = None
        self._happenings: list[asyncio.TimerHandle] = []
        self._turn()

    def play(self, incident: Sequence[Happening]) -> None:
        """Lets an incident happen from now on."""
        loop = asyncio.get_running_loop()
        self._happenings = [handle for handle in self._happenings if handle.when() > loop.time()]
        for after_s, event in incident:
            self._happenings.append(loop.call_later(after_s, self.happen, event))

    def heard(self, data: bytes, start: float = 0.0, end: float = 0.0) -> None:
        """Bytes arrived at the panel (a station of a `Line`)."""
        for said in self.panel.heard(data, self._now()):
            self._say(said)
        self._turn()

    def close(self) -> None:
        for handle in (*self._happenings, *([self._handle] if self._handle else [])):
            handle.cancel()

    def happen(self, event: Event) -> None:
        """Something happens in the building now."""
        self.panel.happen(event)
        self._turn()

    def _say(self, data: bytes) -> None:
        if not self.mute:
            self._send(data)

    def _turn(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        for said in self.panel.due(self._now()):
            if said:
                self._say(said)
        due = self.panel.next_due()
        if due is not None:
            self._handle = asyncio.get_running_loop().call_later(max(due - self._now(), 0.001), self._turn)


def to_line(panel: Panel, line: Line, now: Callable[[], float] = time.monotonic) -> Attached:
    """Puts the panel at end b of a line; its words take their bit-times."""
    attached = Attached(panel, line.transmit, now)
    line.attach(attached)
    return attached


class TcpClient:
    """A panel that connects to a server and connects again when the connection ends.

    What it says while there is no connection is lost, as on a cable that is out.
    """

    def __init__(self, panel: Panel, host: str, port: int, now: Callable[[], float] = time.monotonic) -> None:
        self.connections = 0
        self.connected = asyncio.Event()
        self.failures = 0
        self._host, self._port = host, port
        self._writer: asyncio.StreamWriter | None = None
        self.attached = Attached(panel, self._send, now)
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        self.attached.close()
        self._task.cancel()
        await asyncio.wait((self._task,))

    def unplug(self) -> None:
        """Cuts the connection; a new one is tried after a second."""
        if self._writer is not None:
            self._writer.transport.abort()

    def _send(self, data: bytes) -> None:
        if self._writer is not None:
            self._writer.write(data)

    async def _keep(self) -> None:
        while True:
            try:
                reader, self._writer = await asyncio.open_connection(self._host, self._port)
                self.connections += 1
                self.connected.set()
                while data := await reader.read(4096):
                    self.attached.heard(data)
            except OSError:
                self.failures += 1  # refused or reset: tried again, as a device in the field does
            finally:
                if self._writer is not None:
                    self._writer.close()
                    self._writer = None
                    self.connected.clear()
            await asyncio.sleep(RECONNECT_S)
