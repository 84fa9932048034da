"""Where meters may be searched for: only where to ask strangers can harm nothing."""

from __future__ import annotations

import os
from typing import Any

from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import DriverError, Fault, Text
from courtyard.drivers.lines.settings import LineSettings, RtuTcpLine, SerialLine, TcpLine

NO_METERS = Fault(
    "line.no_meters",
    Text(
        "This line does not carry Modbus meters; nothing is ever sent there to search.",
        "该线路不是 Modbus 仪表线路，不允许在其上发送扫描报文。",
    ),
    Text("Scan a line of meters.", "请扫描仪表线路。"),
)


def scannable(snapshot: Snapshot, name: str) -> LineSettings:
    """The settings of a line on which meters may be searched for: to ask strangers there can harm nothing.

    Raises DriverError for a line that carries something else.
    """
    line = snapshot.lines[name]
    if line.family in (None, "modbus") and isinstance(line.settings, SerialLine | TcpLine | RtuTcpLine):
        return line.settings
    raise DriverError(NO_METERS, name)


def refuse_where_panels_hang(snapshot: Snapshot, settings: LineSettings) -> None:
    """Raises DriverError when these settings lead to the wire of a line of the site that must not be scanned."""
    for name, line in snapshot.lines.items():
        if _wire(line.settings) == _wire(settings) is not None:
            scannable(snapshot, name)


def _wire(settings: Any) -> str | None:
    if isinstance(settings, SerialLine):
        return os.path.realpath(settings.port)
    return f"{settings.host}:{settings.port}" if isinstance(settings, TcpLine | RtuTcpLine) else None
