"""Keeps one line open: opens it, and again after every loss, with jittered and bounded delays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from courtyard.drivers.base import DriverError, Fault, Text
from courtyard.drivers.lines.settings import LineSettings, SerialLine, TcpLine
from courtyard.drivers.lines.wire import OpenWire
from courtyard.drivers.modbus.link import Link, Records
from courtyard.drivers.modbus.rtu_link import RtuLink
from courtyard.drivers.modbus.tcp_link import TcpLink
from courtyard.drivers.modbus.timing import Backoff

LONGEST_SERIAL_BACKOFF_S = 2.0
"""Opening a serial port costs nothing, and an adapter that was plugged in again should work at once."""
LONGEST_TCP_BACKOFF_S = 10.0
REOPEN_S = 0.1
"""Within this, a line that has worked is opened again for the first time."""
STALE_WAITS = 3
"""Polls in vain in a row, without one byte, after which a connection is taken for dead and made anew."""

CLOSED = Fault(
    "line.closed", Text("The line is not open.", "线路未打开。"), Text("It opens by itself.", "线路会自动打开。")
)
STALE = Fault(
    "line.tcp.stale",
    Text("The connection carries nothing any more.", "连接已无任何数据。"),
    Text("It is made anew by itself.", "会自动重新连接。"),
)


def make_link(line: LineSettings, records: Records, on_lost: Callable[[Fault], None]) -> Link:
    """The link that speaks the framing of a line."""
    if isinstance(line, TcpLine):
        return TcpLink(records, on_lost, CLOSED)
    return RtuLink(line, records, on_lost, CLOSED)


class Connection:
    """One line and its link.  `fault` is why the line is down, None while it is up or being opened again at once."""

    def __init__(
        self, line: LineSettings, open_line: OpenWire, chance: Callable[[], float], changed: Callable[[], None]
    ) -> None:
        self.line = line
        self.records = Records()
        self.fault: Fault | None = None
        self.reopen_at = 0.0
        """Loop time from which on `open` is worth a try."""
        self.link = make_link(line, self.records, self._lost)
        self._open_line, self._chance, self._changed = open_line, chance, changed
        self._opening = asyncio.Lock()
        self._backoff = Backoff(LONGEST_SERIAL_BACKOFF_S if isinstance(line, SerialLine) else LONGEST_TCP_BACKOFF_S)
        self._fruitful = False
        self._waits_in_vain = 0

    async def open(self) -> bool:
        """One attempt; whether the line is up now.  When it is not, `fault` says why."""
        async with self._opening:
            if not self.link.up:
                self._fruitful = False
                self._waits_in_vain = 0
                try:
                    self.link.attach(await self._open_line(self.line, self.link))
                except DriverError as error:
                    self._down(error.fault)
            return self.link.up

    def close(self) -> None:
        self.link.close(CLOSED)

    def heard(self) -> None:
        """Somebody on the line has answered."""
        self._fruitful = True
        self.fault = None
        self._backoff.reset()

    def waited_in_vain(self) -> None:
        """A device gave no answer.  A connection may be dead without anybody having said so."""
        self.fault = None
        self._waits_in_vain = 0 if self.link.heard else self._waits_in_vain + 1
        self.link.heard = False
        if self._waits_in_vain >= STALE_WAITS and not isinstance(self.line, SerialLine):
            self.link.close(STALE)
            self._lost(STALE)

    def _lost(self, fault: Fault) -> None:
        self.link.count("lost")
        if self._fruitful or fault is STALE:
            self.fault = None
            self.reopen_at = asyncio.get_running_loop().time() + REOPEN_S * self._chance()
        else:
            self._down(fault)
        self._changed()

    def _down(self, fault: Fault) -> None:
        self.fault = fault
        self.reopen_at = asyncio.get_running_loop().time() + self._backoff.next_s(self._chance())
