"""The serial ports of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

NAMES: Final = ("ttyUSB*", "ttyACM*", "ttyS[0-9]*", "ttyAMA*")


class SerialPort(NamedTuple):
    """`port` is the name to write down, `device` what it leads to now."""

    port: str
    device: str


def serial_ports(folder: Path = Path("/dev")) -> list[SerialPort]:
    """All of them, the names that survive replugging first."""
    stable = sorted((folder / "serial/by-id").glob("*"))
    known = {port.resolve() for port in stable}
    plain = [port for name in NAMES for port in sorted(folder.glob(name)) if port not in known]
    return [SerialPort(str(port), str(port.resolve())) for port in (*stable, *plain)]
