"""The history of a site: how it is kept, which points are counters, where they wrap, which meter hangs where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from courtyard.agent.history.history import PointHistory
from courtyard.agent.history.minutes import Gauges
from courtyard.agent.history.rollup import Keep
from courtyard.config.snapshot import InstalledDevice, Snapshot
from courtyard.drivers.base import Fault
from courtyard.drivers.modbus.counting import dial_of
from courtyard.drivers.modbus.settings import ModbusDevice


def history_of(
    snapshot: Snapshot, directory: Path, wall_ms: Callable[[], int], say: Callable[[Fault | None], None]
) -> PointHistory:
    """The history as the site wants it; nothing is opened before it runs."""
    settings = snapshot.site.history
    history = PointHistory(
        directory,
        quota_bytes=settings.quota,
        keep=Keep(settings.minutes_s, settings.hours_s, settings.days_s),
        zone=ZoneInfo(snapshot.site.gateway.timezone),
        wall_ms=wall_ms,
        say=say,
    )
    history.adjust(gauges_of(snapshot))
    return history


def gauges_of(snapshot: Snapshot) -> Mapping[str, Gauges]:
    """The counters of every device by its id."""
    return {device.id: Gauges(device.install, _counters(device)) for device in snapshot.devices.values()}


def _counters(device: InstalledDevice) -> dict[str, float | None]:
    moduli: dict[str, float | None] = {}
    if isinstance(device.driver, ModbusDevice):
        moduli = {dial.name: dial.modulus for dial in map(dial_of, device.driver.points)}
    return {name: moduli.get(name) for name, point in device.points.items() if point.type == "counter"}
