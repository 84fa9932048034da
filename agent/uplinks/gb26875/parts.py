"""Which part of which fire system an alarm is about, in the addresses of GB/T 26875.3-2011, 8.2.1."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

from courtyard.agent.records import Details
from courtyard.agent.uplinks.gb26875.inventory import EVERY_COLUMN, FIRE_SYSTEM, Inventory, address_of

OF_SYSTEMS: Final = frozenset({"mains_fault", "battery_fault", "bus_fault"})
"""Alarm classes that are a matter of the whole panel, whatever their source."""
DETECTORS: Final[Mapping[str, int]] = {
    "smoke": 40,
    "heat": 30,
    "flame": 69,
    "combined": 50,
    "gas": 10,
    "manual": 23,
    "hydrant": 24,
    "electrical": 16,
    "flow": 96,
    "pressure": 99,
    "module": 84,
    "sounder": 121,
    "door": 102,
    "panel": 1,
}
"""What a detector is, where the panel gave no component type of the standard, to component type (table 5)."""
DETECTOR: Final = 25


_ADDRESS = re.compile(r"(?:t[0-9]{1,3}-)?([0-9]{1,10}(?:-[0-9]{1,10})*)")
"""`2-6-12`, or `t12-1-0-348` in another kind of system."""


class About(Protocol):
    """What says which part is meant; an alarm record is one."""

    @property
    def device(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def alarm_class(self) -> str: ...
    @property
    def details(self) -> Details: ...


class Said(NamedTuple):
    """The same of an event of a device."""

    device: str
    source: str
    alarm_class: str
    details: Details


class Part(NamedTuple):
    """What an alarm is about; without component type and address it is the whole system."""

    system_type: int
    system_address: int
    component_type: int | None = None
    component_address: int = 0


def part_of(record: About, inventory: Inventory) -> Part:
    """From what the panel calls its part, or the standard's own codes where it gave them.

    A part without numbers of its own gets a component address from its name, which stays the same.
    """
    details, own = record.details, inventory.own.get(record.device)
    name = _ADDRESS.fullmatch(record.source.rpartition("/")[2])
    columns = inventory.columns.get(record.device, EVERY_COLUMN)
    address = address_of(name[1], columns, own) if name else None
    system_type = _small(details.get("system_type"), FIRE_SYSTEM)
    system = address[0] if address else own if own is not None else 1
    whole = address[1] is None if address else details.get("detector") == "panel"
    if record.alarm_class in OF_SYSTEMS or whole:
        return Part(system_type, system)
    detector = DETECTORS.get(str(details.get("detector") or record.alarm_class), DETECTOR)
    kind = _small(details.get("component_type"), detector)
    if address is not None and address[1] is not None:
        return Part(system_type, system, kind, address[1])
    return Part(system_type, system, kind, zlib.crc32(f"{record.device}:{record.source}".encode()))


def _small(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255 else otherwise
