"""A checked site, ready for the wiring: one immutable value, and the difference between two of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import msgspec

from courtyard.config.care import PRESENCE
from courtyard.config.catalogue import Catalogue, Point
from courtyard.config.fire import FireModbusPanel, FirePanel
from courtyard.config.panels import ResolvedPanel
from courtyard.config.site import Site
from courtyard.drivers.base import Text
from courtyard.drivers.ble.settings import BleDevice
from courtyard.drivers.camera.login import InstalledCamera
from courtyard.drivers.fire.ports import TITLES as PANEL_TITLES
from courtyard.drivers.modbus.settings import ModbusDevice

DriverDevice = ModbusDevice | BleDevice
Family = Literal["modbus", "fire", "fire-modbus", "ble", "camera"]
"""What drives a device; all that hangs on one line is of one family."""


CAMERAS = "cameras/onvif"
"""What stands for the network that cameras are on; no line of a site can have this name."""


class InstalledDevice(msgspec.Struct, frozen=True):
    """One device: as the site has it, and ready for its driver.

    `driver` is what the drivers of its family take, `profile` its type.  `place` is the whole path from the region
    down; `title` names the device type; `points` is what it measures, by point name.
    """

    id: str
    family: Family
    line: str
    driver: Any
    place: str
    profile: str
    title: Text
    name: str | None = None
    install: int = 1
    every_s: float | None = None
    points: Mapping[str, Point] = {}


class Line(msgspec.Struct, frozen=True):
    """One line and what its driver takes of the devices on it, in the order of the file; without devices no family."""

    settings: Any
    family: Family | None
    devices: tuple[Any, ...]


class Snapshot(msgspec.Struct, frozen=True):
    """Everything that the agent runs on.  `directory` is where relative file names of the site begin."""

    site: Site
    directory: Path
    catalogue: Catalogue
    lines: Mapping[str, Line]
    devices: Mapping[str, InstalledDevice]


class Change(NamedTuple):
    """Names that came, went, or mean something else than before."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


class Difference(NamedTuple):
    """What a reload must touch; everything else keeps running.

    `lines` compares the settings of lines alone; a device that moved, or whose profile, place or options changed, is
    in `devices`.
    """

    gateway: bool
    journal: bool
    uplinks: Change
    lines: Change
    devices: Change
    outputs: Change
    rules: Change
    residents: Change
    second_path: bool = False
    """Escalations and their modem."""
    lifts: bool = False
    """Lifts, and how they are watched."""

    def __bool__(self) -> bool:
        return any(self)


def resolve(
    site: Site,
    drivers: Mapping[str, DriverDevice],
    directory: Path,
    catalogue: Catalogue,
    panels: Iterable[ResolvedPanel] = (),
) -> Snapshot:
    """Joins a site with the devices that were resolved for their driver, by device id, and with its fire panels."""
    installed = chain(_devices(site, drivers, catalogue), (_panel(site, *panel) for panel in panels))
    devices = {device.id: device for device in installed}
    lines = {
        line.name: Line(
            line,
            next(
                (device.family for device in devices.values() if device.line == line.name), _listening(site, line.name)
            ),
            tuple(device.driver for device in devices.values() if device.line == line.name),
        )
        for line in site.lines
    }
    cameras = [_camera(site, InstalledCamera(camera, directory)) for camera in site.cameras]
    if cameras:
        devices |= {camera.id: camera for camera in cameras}
        lines[CAMERAS] = Line(None, "camera", tuple(camera.driver for camera in cameras))
    return Snapshot(site, directory, catalogue, MappingProxyType(lines), MappingProxyType(devices))


def _listening(site: Site, line: str) -> Family | None:
    """What drives a line on which nothing hangs, but which hears where residents are."""
    return "ble" if site.presence is not None and line in site.presence.places else None


def _devices(site: Site, drivers: Mapping[str, DriverDevice], catalogue: Catalogue) -> Iterator[InstalledDevice]:
    for device in site.devices:
        driver = drivers[device.id]
        yield InstalledDevice(
            device.id,
            "ble" if isinstance(driver, BleDevice) else "modbus",
            device.line,
            driver,
            f"{site.gateway.place}/{device.place}" if device.place else site.gateway.place,
            device.profile,
            Text(driver.profile.title_en, driver.profile.title_zh),
            device.name,
            device.install,
            device.every_s,
            {point: catalogue[point] for point in _points(site, driver, device.id)},
        )


def _points(site: Site, device: DriverDevice, name: str) -> tuple[str, ...]:
    if isinstance(device, BleDevice):
        located = site.presence is not None and any(name in resident.devices for resident in site.residents)
        return (*device.profile.measures, "signal.strength", *((PRESENCE,) if located else ()))
    return tuple(point.register.point for point in device.points)


def _camera(site: Site, camera: InstalledCamera) -> InstalledDevice:
    settings = camera.settings
    place = f"{site.gateway.place}/{settings.place}" if settings.place else site.gateway.place
    title = Text("ONVIF camera", "ONVIF 摄像机")
    return InstalledDevice(settings.id, "camera", CAMERAS, camera, place, "camera/onvif", title, settings.name)


def _panel(site: Site, panel: FirePanel | FireModbusPanel, driver: Any) -> InstalledDevice:
    speaks = isinstance(panel, FirePanel)
    kind = panel.protocol if isinstance(panel, FirePanel) else panel.model
    return InstalledDevice(
        panel.id,
        "fire" if speaks else "fire-modbus",
        panel.line,
        driver,
        f"{site.gateway.place}/{panel.place}" if panel.place else site.gateway.place,
        f"fire/{kind}",
        PANEL_TITLES[kind],
        panel.name,
    )


def difference(old: Snapshot, new: Snapshot) -> Difference:
    """What changed from `old` to `new`."""
    before, after = old.site, new.site
    return Difference(
        before.gateway != after.gateway,
        before.journal != after.journal,
        _compare({each.name: each for each in before.uplinks}, {each.name: each for each in after.uplinks}),
        _compare(
            {name: line.settings for name, line in old.lines.items()},
            {name: line.settings for name, line in new.lines.items()},
        ),
        _compare(old.devices, new.devices),
        _compare({each.name: each for each in before.outputs}, {each.name: each for each in after.outputs}),
        _compare({each.name: each for each in before.rules}, {each.name: each for each in after.rules}),
        _compare({each.id: each for each in before.residents}, {each.id: each for each in after.residents}),
        (before.escalations, before.modem) != (after.escalations, after.modem),
        (before.lifts, before.vision) != (after.lifts, after.vision),
    )


def _compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Change:
    return Change(
        tuple(name for name in new if name not in old),
        tuple(name for name in old if name not in new),
        tuple(name for name in new if name in old and new[name] != old[name]),
    )
