"""The driver of each family of devices: one function in `DRIVERS`, which imports it only when a site has it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from courtyard.agent.notebook import JournalNotebook
from courtyard.agent.recorder import GatewayClock
from courtyard.config.snapshot import Family, InstalledDevice, Line, Snapshot
from courtyard.config.wearables import secrets_in
from courtyard.drivers.base import Driver
from courtyard.drivers.lines.settings import BleLine

if TYPE_CHECKING:
    from courtyard.drivers.ble.radio import Radio
    from courtyard.drivers.ble.rooms import Rooms


class Surroundings(NamedTuple):
    """What a driver may need besides its line: the gateway's clock, the time zone of the site, a place for small state
    that outlives the process, and whom to tell what is heard where; the last two where there are any."""

    clock: GatewayClock
    zone: tzinfo
    notebook: JournalNotebook | None = None
    rooms: Rooms | None = None
    directory: Path = Path()
    """Of the site file, which names secrets relative to it."""


MakeDriver = Callable[[Line, Surroundings], Driver]
"""Makes the driver of a line; called inside the event loop."""


def _modbus(line: Line, surroundings: Surroundings) -> Driver:
    from courtyard.drivers.modbus.driver import ModbusDriver

    return ModbusDriver(line.settings, line.devices, surroundings.clock)


def _fire(line: Line, surroundings: Surroundings) -> Driver:
    from courtyard.drivers.fire.panel import PanelDriver

    clock = surroundings.clock
    return PanelDriver(line.settings, line.devices, clock, surroundings.zone, trusted=lambda: clock.quality == "synced")


def _fire_modbus(line: Line, surroundings: Surroundings) -> Driver:
    from courtyard.drivers.fire.registers import RegisterDriver

    return RegisterDriver(line.settings, line.devices, surroundings.clock)


def _cameras(line: Line, surroundings: Surroundings) -> Driver:
    from courtyard.drivers.camera.driver import CameraDriver

    return CameraDriver(line.devices, surroundings.clock)


def _ble(line: Line, surroundings: Surroundings) -> Driver:
    from courtyard.drivers.ble.bluez.radio import BluezRadio
    from courtyard.drivers.ble.driver import BleDriver

    settings: BleLine = line.settings
    radios: dict[str, Radio] = {adapter: BluezRadio(adapter) for adapter in settings.adapters}
    if settings.proxies:
        from courtyard.drivers.ble.esphome.radio import ProxyRadio

        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        secrets = secrets_in(surroundings.directory, Path(folder) if folder else None)
        for proxy in settings.proxies:
            radios[proxy.name] = ProxyRadio(proxy.name, proxy.host, proxy.port, partial(secrets, proxy.key_file))
    return BleDriver(
        settings.name,
        line.devices,
        radios,
        surroundings.clock,
        surroundings.zone,
        slots=settings.connections,
        notebook=surroundings.notebook,
        rooms=surroundings.rooms,
        receivers={proxy.name: proxy.name for proxy in settings.proxies},
    )


DRIVERS: Mapping[Family, MakeDriver] = {
    "camera": _cameras,
    "modbus": _modbus,
    "ble": _ble,
    "fire": _fire,
    "fire-modbus": _fire_modbus,
}
"""By the family of what hangs on the line."""


def open_driver(snapshot: Snapshot, device: InstalledDevice, clock: GatewayClock) -> Driver:
    """The driver of the line of one device, for somebody who runs no gateway.  Make it inside the event loop."""
    line = snapshot.lines[device.line]
    return DRIVERS[device.family](line, Surroundings(clock, zone_of(snapshot), directory=snapshot.directory))


def zone_of(snapshot: Snapshot) -> ZoneInfo:
    """The time zone of the site."""
    return ZoneInfo(snapshot.site.gateway.timezone)
