"""The panel driver between a simulated panel and a sink that remembers, in virtual time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from courtyard.drivers.base import DriverError, Fault, NotKept, Reading, Signal
from courtyard.drivers.fire.panel import PanelDriver
from courtyard.drivers.fire.settings import FirePanel
from courtyard.drivers.lines.faults import line_fault
from courtyard.drivers.lines.settings import LineSettings, RtuTcpLine, SerialLine
from courtyard.drivers.lines.wire import Listener, Wire
from hw_sim.panels.attach import Attached
from hw_sim.panels.panel import Panel
from tests.virtual_time import elapse as elapse
from tests.virtual_time import virtual

T = TypeVar("T")
SERIAL = SerialLine(name="fire-1", port="/dev/ttyV0")
SERVER = RtuTcpLine(name="fire-1", host="server", port=4001)
FULL = os.environ.get("COURTYARD_CAMPAIGN") == "full"
START_MS = 1_795_329_015_000
"""2026-11-22T06:30:15Z."""
virtually = virtual


class LoopClock:
    """Both clocks follow the running loop."""

    def wall_ms(self) -> int:
        return START_MS + self.mono_ms()

    def mono_ms(self) -> int:
        return round(asyncio.get_running_loop().time() * 1000)


class Memory:
    """A sink.  `disk` closed makes signals wait, `keeps` False makes them come back as not kept."""

    def __init__(self) -> None:
        self.signals: list[Signal] = []
        self.times: list[float] = []
        """When each was said to the sink."""
        self.faults: dict[str, list[str | None]] = {}
        self.keeps = True
        self.disk = asyncio.Event()
        self.disk.set()

    def reading(self, reading: Reading) -> None:
        raise AssertionError("a panel has no readings")

    async def signal(self, signal: Signal) -> None:
        self.signals.append(signal)
        self.times.append(asyncio.get_running_loop().time())
        await self.disk.wait()
        if not self.keeps:
            raise NotKept(signal.device)

    def health(self, subject: str, fault: Fault | None) -> None:
        self.faults.setdefault(subject, []).append(fault.code if fault else None)

    def began(self, kind: str) -> list[str]:
        """Sources of what began, in order; without the records of what has no end."""
        return [each.source for each in self.signals if each.kind == kind and each.active and each.severity < 4]

    def life(self, kind: str) -> list[bool]:
        """Beginnings and ends of a condition, in order."""
        return [each.active for each in self.signals if each.kind == kind]


@dataclass
class PanelLine:
    """A panel at the far end of a wire; `open` is an OpenWire.  `said` is what the driver sent and when."""

    panel: Panel
    fault: Fault | None = None
    said: list[tuple[float, bytes]] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)
    deaf: bool = False
    """The panel hears nothing."""
    attached: Attached | None = None
    _listener: Listener | None = None
    wire: _PanelWire | None = None

    async def open(self, settings: LineSettings, listener: Listener) -> Wire:
        self.opened.append(asyncio.get_running_loop().time())
        if self.fault is not None:
            raise DriverError(self.fault, settings.name)
        self._listener = listener
        self.wire = _PanelWire(self)
        if self.attached is None:
            self.attached = Attached(self.panel, self.bring, asyncio.get_running_loop().time)
        return self.wire

    def bring(self, data: bytes) -> None:
        """Bytes arrive at the driver, if there is a wire."""
        if self.wire is not None and self.wire.is_open and self._listener is not None:
            self._listener.received(data)

    def cut(self) -> None:
        """The cable is out."""
        self.fault = line_fault("line.open.missing", port="/dev/ttyV0")
        if self.wire is not None and self._listener is not None and self.wire.is_open:
            self.wire.close()
            self._listener.lost(line_fault("line.lost.unplugged", port="/dev/ttyV0"))

    def mend(self) -> None:
        self.fault = None


class _PanelWire:
    def __init__(self, line: PanelLine) -> None:
        self._line = line
        self.is_open = True

    def send(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._line.said.append((loop.time(), data))
        if self._line.attached is not None and not self._line.deaf:
            loop.call_soon(self._line.attached.heard, data)

    def close(self) -> None:
        self.is_open = False


class Watched:
    """A running driver; `async with`."""

    def __init__(
        self, panel: Panel, *settings: FirePanel, line: LineSettings = SERIAL, chance: Callable[[], float] = lambda: 1.0
    ) -> None:
        self.panel, self.line, self.sink = panel, PanelLine(panel), Memory()
        self.driver = PanelDriver(line, settings, LoopClock(), open_line=self.line.open, chance=chance)

    async def __aenter__(self) -> Watched:
        self._running = asyncio.get_running_loop().create_task(self.driver.run(self.sink))
        await elapse(0.01)
        return self

    async def __aexit__(self, *error: object) -> None:
        if self.line.attached is not None:
            self.line.attached.close()
        self._running.cancel()
        await asyncio.wait((self._running,))
        if not self._running.cancelled():
            await self._running

    def play(self, incident: Sequence[object]) -> None:
        assert self.line.attached is not None
        self.line.attached.play(incident)  # type: ignore[arg-type]
