"""A whole compound of units: serial lines, TCP endpoints and the devices on them, from a plain description.

[[lines]]
name = "rs485-1"
kind = "serial"          # serial, port, tcp, rtu-tcp
path = "/tmp/rs485-1"    # serial: where the port appears; default: in the fleet's folder
baud = 9600

[[devices]]
id = "wm-601"
model = "tuf-2000"
line = "rs485-1"
address = 17
options = { people = 4 }
"""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hw_sim.boards import Bank, LoadMeter, PulseCollector, RelayBoard
from hw_sim.clock import SimClock
from hw_sim.detectors import Sm7571, Ug3
from hw_sim.device import Device
from hw_sim.line import Line
from hw_sim.meters import Bove, KaifengXintai, Tuf2000, UltraD
from hw_sim.panels.registers import Gst200Panel, Gst5000Panel, NotifierPanel
from hw_sim.port import SerialPort
from hw_sim.served import Served
from hw_sim.slave import Bus, RtuStation, TcpServer, Unit

MODELS: dict[str, Callable[..., Device]] = {
    model.model: model
    for model in (
        *(Tuf2000, KaifengXintai, Bove, UltraD, PulseCollector, RelayBoard, LoadMeter, Bank),
        *(Gst200Panel, Gst5000Panel, NotifierPanel, Sm7571, Ug3),
    )
}
WATER_METERS = ("tuf-2000", "kaifeng-xintai", "bove", "ultrad")
METERS = (*WATER_METERS, "pulse-collector")
PER_SERIAL_LINE = 32
USB_BREAK_S = 0.05
"""Silence that surely ends a frame behind a USB adapter, which lumps bytes."""


@dataclass
class LineSpec:
    """One line or endpoint.

    kind: `serial` (a paced pty at `path`; with `other` the far end is a second pty instead of units), `port` (the
    real serial port `path`), `tcp`, `rtu-tcp`.  `port` 0 picks a free one, `baud` 0 leaves RTU over TCP unpaced.
    `strict` units drop a request that comes without the legal silence.
    """

    name: str
    kind: str = "serial"
    path: str = ""
    other: str = ""
    baud: int = 9600
    bits: int = 11
    fifo: int = 8
    strict: bool = True
    host: str = "127.0.0.1"
    port: int = 0


@dataclass
class DeviceSpec:
    """One unit; `options` go to the model (seed, people, start_m3, words, ...)."""

    id: str
    model: str
    line: str
    address: int
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class Spec:
    """What a fleet consists of."""

    lines: list[LineSpec]
    devices: list[DeviceSpec]


def load(path: Path) -> Spec:
    """Reads a description in TOML or JSON; raises ValueError for what it does not know."""
    text = path.read_text(encoding="utf-8")
    table = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    try:
        spec = Spec(
            [LineSpec(**line) for line in table.pop("lines", [])],
            [DeviceSpec(**device) for device in table.pop("devices", [])],
        )
    except TypeError as error:
        raise ValueError(f"{path}: {error}") from error
    if table:
        raise ValueError(f"{path}: unknown {', '.join(table)}")
    return spec


def demo() -> Spec:
    """A house: one serial line with a meter of every model and a relay board."""
    devices = [
        DeviceSpec(f"wm-{address:02d}", model, "meters", address, {"seed": address, "start_m3": 100.0 * address})
        for address, model in enumerate(METERS, start=1)
    ]
    return Spec([LineSpec("meters")], [*devices, DeviceSpec("relays", "relay-board", "meters", 10)])


def compound(
    units: int = 250,
    *,
    tcp: int = 2,
    rtu_tcp: int = 2,
    models: tuple[str, ...] = METERS,
    baud: int = 9600,
    options: dict[str, Any] | None = None,
) -> Spec:
    """`units` meters in equal shares: serial lines of at most 32, `tcp` and `rtu_tcp` endpoints of at most 32."""
    on_tcp = min(units, (tcp + rtu_tcp) * PER_SERIAL_LINE, (units * (tcp + rtu_tcp) + 7) // 8 if tcp + rtu_tcp else 0)
    serial = -(-(units - on_tcp) // PER_SERIAL_LINE)
    lines = [LineSpec(f"rs485-{i + 1}", baud=baud) for i in range(serial)]
    endpoints = [LineSpec(f"tcp-{i + 1}", "tcp") for i in range(tcp)]
    endpoints += [LineSpec(f"rtu-tcp-{i + 1}", "rtu-tcp", baud=baud) for i in range(rtu_tcp)]
    devices = []
    for number in range(units):
        group = endpoints if number < on_tcp else lines
        index = number if number < on_tcp else number - on_tcp
        line, address = group[index % len(group)].name, index // len(group) + 1
        model = models[number % len(models)]
        living = {"seed": number, "people": number % 5, "start_m3": float(number * 7)} if model in METERS else {}
        devices.append(DeviceSpec(f"wm-{number + 1:03d}", model, line, address, living | (options or {})))
    return Spec(lines + endpoints, devices)


class Fleet:
    """A running fleet in this process's event loop.

    folder: where serial ports appear that have no path of their own.
    """

    def __init__(
        self, spec: Spec, folder: Path, *, clock: SimClock | None = None, served: Served | None = None
    ) -> None:
        self.spec = spec
        self.clock = clock or SimClock()
        self.served = served or Served()
        self.lines: dict[str, Line] = {}
        self.ports: dict[str, SerialPort] = {}
        self.endpoints: dict[str, TcpServer] = {}
        self.stations: dict[str, RtuStation] = {}
        self.devices: dict[str, Device] = {}
        self.stopped = asyncio.Event()
        self._folder = folder

    async def open(self) -> Fleet:
        """Raises ValueError for a description that makes no sense, OSError for a port or path that is taken."""
        units: dict[str, list[Unit]] = {line.name: [] for line in self.spec.lines}
        now = self.clock()
        for device in self.spec.devices:
            if device.model not in MODELS:
                raise ValueError(f"{device.id}: unknown model {device.model!r}; known: {', '.join(MODELS)}")
            if device.line not in units:
                raise ValueError(f"{device.id}: unknown line {device.line!r}; known: {', '.join(units)}")
            options = dict(device.options)
            if device.model in WATER_METERS:
                options.setdefault("address", device.address)
            try:
                made = MODELS[device.model](now, **options)
            except TypeError as error:
                raise ValueError(f"{device.id}: {error}") from error
            self.devices[device.id] = made
            units[device.line].append(Unit(device.address, device.id, made))
        for line in self.spec.lines:
            bus = Bus(units[line.name], self.served, self.clock)
            if line.kind == "serial":
                path = Path(line.path) if line.path else self._folder / line.name
                other = Path(line.other) if line.other else None
                wire = Line(path, other, baud=line.baud, bits=line.bits, fifo=line.fifo)
                if other is None:
                    self.stations[line.name] = RtuStation(bus, wire, strict=line.strict)
                    wire.attach(self.stations[line.name])
                self.lines[line.name] = wire.open()
            elif line.kind == "port":
                port = SerialPort(Path(line.path), baud=line.baud, bits=line.bits)
                self.stations[line.name] = RtuStation(bus, port, strict=False, break_s=USB_BREAK_S)
                port.attach(self.stations[line.name])
                self.ports[line.name] = port.open()
            else:
                server = TcpServer(
                    bus, framing=line.kind, baud=line.baud if line.kind == "rtu-tcp" else 0, bits=line.bits
                )
                self.endpoints[line.name] = await server.open(line.host, line.port)
        return self

    def describe(self) -> dict[str, Any]:
        """Names, paths, ports and addresses, as a ready line or a test wants them."""
        return {
            "lines": [
                {"name": name, "kind": "serial", "path": str(line.path), "baud": line.baud}
                for name, line in self.lines.items()
            ]
            + [{"name": name, "kind": "port", "path": str(port.path)} for name, port in self.ports.items()]
            + [
                {"name": name, "kind": server.framing, "host": server.host, "port": server.port}
                for name, server in self.endpoints.items()
            ],
            "devices": [
                {"id": device.id, "model": device.model, "line": device.line, "address": device.address}
                for device in self.spec.devices
            ],
        }

    async def close(self) -> None:
        for line in self.lines.values():
            line.close()
        for port in self.ports.values():
            port.close()
        for server in self.endpoints.values():
            await server.close()
        self.served.close()
