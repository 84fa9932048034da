"""What the history must know of a site: which points are counters, where they wrap, which meter hangs where."""

from __future__ import annotations

from collections.abc import Mapping

from courtyard.agent.history.minutes import Gauges
from courtyard.config.snapshot import InstalledDevice, Snapshot
from courtyard.drivers.modbus.counting import dial_of
from courtyard.drivers.modbus.settings import ModbusDevice


def gauges_of(snapshot: Snapshot) -> Mapping[str, Gauges]:
    """The counters of every device by its id."""
    return {device.id: Gauges(device.install, _counters(device)) for device in snapshot.devices.values()}


def _counters(device: InstalledDevice) -> dict[str, float | None]:
    moduli: dict[str, float | None] = {}
    if isinstance(device.driver, ModbusDevice):
        moduli = {dial.name: dial.modulus for dial in map(dial_of, device.driver.points)}
    return {name: moduli.get(name) for name, point in device.points.items() if point.type == "counter"}
