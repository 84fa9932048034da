"""What the gateway shows of itself to a platform: its numbering, its devices, and the secrets it must not show."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.records import Inventory, encode
from courtyard.agent.uplinks.endpoint import Endpoint
from courtyard.buffer.journal import Journal
from courtyard.config.site import Site
from courtyard.config.snapshot import InstalledDevice, Snapshot
from courtyard.config.uplink import Uplink
from courtyard.drivers.base import DriverError
from courtyard.drivers.camera.login import InstalledCamera


class Numbering:
    """The journal's numbering as an uplink sees it; alarms follow when it begins anew."""

    def __init__(self, journal: Journal, book: AlarmBook) -> None:
        self._journal, self._book = journal, book

    @property
    def epoch(self) -> str:
        return self._journal.epoch

    @property
    def heads(self) -> Mapping[str, int]:
        return self._journal.heads

    async def renew_epoch(self, reason: str) -> None:
        await self._journal.renew_epoch(reason)
        self._book.renumber()


def platforms_of(site: Site, device: str) -> dict[str, bool]:
    """The uplinks that get the alarms of a device, and whether their platform can say that it has them."""
    return {
        uplink.name: uplink.commands or uplink.station is not None
        for uplink in site.uplinks
        if not uplink.only_escalated
        and "alarm" in uplink.filter.lanes
        and any(fnmatchcase(device, pattern) for pattern in uplink.filter.devices)
    }


def secrets_of(settings: Uplink, directory: Path, credentials: Path | None) -> list[str]:
    """The secrets in use for one uplink, as far as they can be read."""
    try:
        password = Endpoint.of(settings, directory, credentials).password()
    except DriverError:
        return []  # the uplink meets the same refusal when it connects, and names it with its cure
    return [password] if password else []


def camera_secrets(snapshot: Snapshot) -> list[str]:
    """The passwords of the site's cameras, as far as they can be read."""
    found = []
    for device in snapshot.devices.values():
        if isinstance(device.driver, InstalledCamera):
            try:
                found.append(device.driver.login().password)
            except DriverError:
                continue  # the driver meets the same refusal when it logs in, and names it with its cure
    return found


def inventory_of(snapshot: Snapshot) -> dict[str, bytes]:
    """The whole inventory, encoded, by device id."""
    gateway = snapshot.site.gateway.id
    return {device.id: encode(_inventory_of(gateway, device)) for device in snapshot.devices.values()}


def _inventory_of(gateway: str, device: InstalledDevice) -> Inventory:
    return Inventory(
        v=1,
        gateway=gateway,
        device=device.id,
        place=device.place,
        profile=device.profile,
        install=device.install,
        name=device.name,
        title_en=device.title.en,
        title_zh=device.title.zh,
        every_s=device.every_s,
        points={name: point.unit or "" for name, point in device.points.items()},
    )
