"""What a site tells of its fire systems and of their parts, in the addresses of GB/T 26875.3-2011.

The site's own words only: tables of panels, and the lists of names that installers export from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from courtyard.config.snapshot import InstalledDevice, Snapshot
from courtyard.config.station import Station
from courtyard.drivers.fire.naming import Column, naming

FIRE_SYSTEM: Final = 1
EVERY_COLUMN: Final[tuple[Column, ...]] = ("controller", "loop", "address")


class Listed(NamedTuple):
    """A system or a part that the site names, and the panel that it belongs to."""

    device: str
    text: str


class Inventory(NamedTuple):
    """`columns` says, by device, what the numbers of a part's name are; `own` its system address, where the site
    gives one; `systems` and `parts` are by address."""

    own: Mapping[str, int] = {}
    columns: Mapping[str, tuple[Column, ...]] = {}
    systems: Mapping[tuple[int, int], Listed] = {}
    parts: Mapping[tuple[int, int, int], Listed] = {}


def inventory_of(snapshot: Snapshot, station: Station) -> Inventory:
    """Of all fire panels of a site; a part that two panels have in the same system is the first one's."""
    site = snapshot.site
    columns: dict[str, tuple[Column, ...]] = {}
    systems: dict[tuple[int, int], Listed] = {}
    parts: dict[tuple[int, int, int], Listed] = {}
    for panel in [each.id for each in site.fire_panels] + [each.id for each in site.fire_modbus_panels]:
        installed = snapshot.devices[panel]
        own = station.systems.get(panel)
        columns[panel] = named = _columns(installed)
        names = {**installed.driver.places, **installed.driver.names}
        numbers = {own if own is not None else 1}
        for source, text in names.items():
            address = address_of(source, named, own)
            if address is not None and address[1] is not None:
                parts.setdefault((FIRE_SYSTEM, address[0], address[1]), Listed(panel, text))
                numbers.add(address[0])
        for number in sorted(numbers):
            systems.setdefault((FIRE_SYSTEM, number), Listed(panel, _described(installed, len(names))))
    return Inventory(station.systems, columns, systems, parts)


def address_of(source: str, columns: tuple[Column, ...], own: int | None) -> tuple[int, int | None] | None:
    """System and component address of `2-6-12`; a name without a component is the whole system.

    None for a name that is not made of numbers.  A loop stands in the high word, its point in the low one; one
    number or four bytes are taken as they are.
    """
    words = source.split("-")
    if not all(word.isascii() and word.isdigit() for word in words):
        return None
    numbers = [int(word) for word in words]
    system = 1
    if columns[0] == "controller":
        system = numbers.pop(0) & 0xFF
    component: int | None
    match numbers:
        case []:
            component = None
        case [loop] if "loop" in columns:
            component = (loop & 0xFFFF) << 16
        case [number]:
            component = number & 0xFFFFFFFF
        case [loop, point]:
            component = (loop & 0xFFFF) << 16 | point & 0xFFFF
        case [first, second, third, fourth]:
            component = first << 24 & 0xFF000000 | (second & 0xFF) << 16 | (third & 0xFF) << 8 | fourth & 0xFF
        case _:
            return None
    return (system if own is None else own), component


def _columns(panel: InstalledDevice) -> tuple[Column, ...]:
    return naming(panel.profile.partition("/")[2], getattr(panel.driver, "addresses", "")).columns


def _described(panel: InstalledDevice, parts: int) -> str:
    words = (panel.title.zh, panel.name, panel.place, f"{parts} 个部件" if parts else None)
    return "，".join(word for word in words if word)
