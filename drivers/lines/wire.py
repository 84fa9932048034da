"""An open line: bytes out, bytes in, and one word when it is lost.

Invariants
1. `send` never blocks and never raises for a fault of the line; the listener's `lost` tells it.
2. `lost` is called at most once and never after `close`; after either, `received` is not called again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from courtyard.drivers.base import Fault
from courtyard.drivers.lines.settings import LineSettings, SerialLine


class Listener(Protocol):
    """Whoever owns the line."""

    def received(self, data: bytes) -> None:
        """Some bytes, cut anywhere."""

    def lost(self, fault: Fault) -> None:
        """The line has gone; the wire is closed already."""


class Wire(Protocol):
    """An open serial port or connection."""

    @property
    def is_open(self) -> bool:
        """Whether it has neither been closed nor lost."""

    def send(self, data: bytes) -> None: ...

    def close(self) -> None:
        """Ends it; a second call does nothing."""


OpenWire = Callable[[LineSettings, Listener], Awaitable[Wire]]


async def open_wire(settings: LineSettings, listener: Listener) -> Wire:
    """Opens a line.  Raises DriverError with the Fault that names the cure; takes a few seconds at most."""
    if isinstance(settings, SerialLine):
        from courtyard.drivers.lines.serial_port import open_serial

        return await open_serial(settings, listener)
    from courtyard.drivers.lines.tcp import open_tcp

    return await open_tcp(settings, listener)
