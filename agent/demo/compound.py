"""The compound of the demo: what is simulated, and the site file that describes it to the agent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from courtyard.agent.demo import car, house

GATEWAY = "gw-demo"
PLACE = "370213/005/012/0007"


class Unit(NamedTuple):
    """One simulated device and where it is installed."""

    id: str
    model: str
    line: str
    address: int
    place: str
    people: int = 3


SERIAL, TCP, SERIAL_SERVER = "meters", "plant-room", "block-3"
LINES = {SERIAL: "serial", TCP: "tcp", SERIAL_SERVER: "rtu-tcp"}
UNITS = (
    Unit("wm-b01-u01-101", "tuf-2000", SERIAL, 1, "b01/u01/f01/r101"),
    Unit("wm-b01-u01-102", "kaifeng-xintai", SERIAL, 2, "b01/u01/f01/r102", 2),
    Unit("wm-b01-u01-201", "bove", SERIAL, 3, "b01/u01/f02/r201", 4),
    Unit("wm-b01-u01-202", "ultrad", SERIAL, 4, "b01/u01/f02/r202", 1),
    Unit("wm-b02-inlet", "tuf-2000", TCP, 1, "b02/x-inlet", 40),
    Unit("wm-b02-garden", "ultrad", TCP, 2, "b02/x-garden", 6),
    Unit("relay-b02", "relay-board", TCP, 10, "b02/x-plant-room"),
    Unit("wm-b03-u01-301", "kaifeng-xintai", SERIAL_SERVER, 1, "b03/u01/f03/r301"),
    Unit("wm-b03-u01-302", "bove", SERIAL_SERVER, 2, "b03/u01/f03/r302", 5),
)
METERS = tuple(unit for unit in UNITS if unit.model != "relay-board")
EVERY_S = 1.0
PANEL, FIRE_LINE = "panel-b01", "fire-panel"
NAMES_FILE = "names/panel-b01.csv"
PARTS = {(6, 12): ("b01/u01/f06", "1号楼6层走廊"), (7, 12): ("b01/u01/f07", "1号楼7层走廊")}
"""Smoke detectors of the fire panel, by loop and address: where they are, and what the panel's list calls them."""


def simulator_spec() -> str:
    """The same compound, as hw-sim reads it (JSON)."""
    lines = [{"name": name, "kind": kind} for name, kind in LINES.items()]
    devices = [
        {
            "id": unit.id,
            "model": unit.model,
            "line": unit.line,
            "address": unit.address,
            "options": _options(unit, seed),
        }
        for seed, unit in enumerate(UNITS)
    ]
    return json.dumps({"lines": lines, "devices": devices})


def _options(unit: Unit, seed: int) -> dict[str, Any]:
    if unit.model == "relay-board":
        return {}
    return {"seed": seed, "people": unit.people, "start_m3": 100.0 + 37 * seed}


def names_text() -> str:
    """The list of detectors, as an installer exports it from the panel."""
    rows = [f"{loop},{address},{place},{text}" for (loop, address), (place, text) in PARTS.items()]
    return "\n".join(("loop,address,place,text", *rows)) + "\n"


def site_text(
    described: Mapping[str, Any],
    panel: Mapping[str, Any],
    bluetooth: Mapping[str, Any],
    lift: Mapping[str, Any],
    *,
    broker_port: int,
    page_port: int,
    language: str,
) -> str:
    """The site file.  `described` is what the running simulators say of their lines: paths and ports; `bluetooth` of
    the residents' wearables, `lift` of the camera in the car."""
    lines = {line["name"]: line for line in described["lines"]}
    parts = [
        f'[gateway]\nid = "{GATEWAY}"\nplace = "{PLACE}"\nlanguage = "{language}"\n',
        f'[[uplinks]]\nname = "platform"\nurl = "mqtt://127.0.0.1:{broker_port}"\nfrom = "oldest"\n',
        f'[web]\nlisten = "127.0.0.1"\nport = {page_port}\ntls = false\n',
        *(_line(name, kind, lines[name]) for name, kind in LINES.items()),
        *(_device(unit) for unit in UNITS),
        f'[[lines]]\nname = "{FIRE_LINE}"\nkind = "serial"\nport = "{panel["path"]}"\nbaud = {panel["baud"]}\n',
        f'[[fire_panels]]\nid = "{PANEL}"\nline = "{FIRE_LINE}"\nprotocol = "jbf"\nspeak = true\n'
        f'place = "b01/x-fire-room"\nnames = "{NAMES_FILE}"\n',
        '[[outputs]]\nname = "siren"\ndevice = "relay-b02"\ntarget = "siren"\ncap = "30s"\n',
        '[[rules]]\nname = "meter-silent"\nkind = "unreachable"\ndevices = ["wm-*"]\nseverity = 2\n'
        'outputs = ["siren"]\n',
        '[[rules]]\nname = "reverse-flow"\nkind = "reverse_flow"\ndevices = ["wm-*"]\nseverity = 3\n',
        '[[rules]]\nname = "night-flow"\nkind = "night_flow"\ndevices = ["wm-b01-*"]\nseverity = 3\n',
        '[[rules]]\nname = "burst"\nkind = "threshold"\ndevices = ["wm-b01-*", "wm-b03-*"]\npoint = "water.flow"\n'
        'above = 3.0\nhysteresis = 0.5\nfor = "5s"\nseverity = 2\n',
        house.site_text(bluetooth),
        car.site_text(lift),
    ]
    return "\n".join(parts)


def _line(name: str, kind: str, described: Mapping[str, Any]) -> str:
    if kind == "serial":
        return f'[[lines]]\nname = "{name}"\nkind = "serial"\nport = "{described["path"]}"\nbaud = 9600\n'
    return f'[[lines]]\nname = "{name}"\nkind = "{kind}"\nhost = "127.0.0.1"\nport = {described["port"]}\n'


EXTRA = {
    "tuf-2000": "options = { multiplier = 1 }\n",
    "relay-board": 'points = [{ point = "relay.1", address = 0, type = "bool", function = 1 }]\n'
    'writes = [{ name = "siren", kind = "coil", address = 0 }, { name = "lamp", kind = "coil", address = 1 }]\n',
}
"""What a profile leaves to the site."""


def _device(unit: Unit) -> str:
    family = "io" if unit.model == "relay-board" else "water"
    return (
        f'[[devices]]\nid = "{unit.id}"\nprofile = "{family}/{unit.model}"\nline = "{unit.line}"\n'
        f'address = {unit.address}\nevery = "{EVERY_S:g}s"\nplace = "{unit.place}"\n{EXTRA.get(unit.model, "")}'
    )


def write_spec(folder: Path) -> Path:
    """Writes the simulator's description; returns its path."""
    path = folder / "compound.json"
    path.write_text(simulator_spec())
    return path
