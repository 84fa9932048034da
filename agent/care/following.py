"""Which residents' devices are followed from room to room, as the site says."""

from __future__ import annotations

from courtyard.config.snapshot import Snapshot
from courtyard.drivers.ble.presence import Terms
from courtyard.drivers.ble.rooms import Rooms
from courtyard.drivers.ble.settings import BleDevice


def follow(rooms: Rooms, snapshot: Snapshot) -> None:
    """From now on as this site wants it; nothing is followed where it does not say so."""
    presence, worn = snapshot.site.presence, {name for each in snapshot.site.residents for name in each.devices}
    devices = {
        device.driver.address: name
        for name, device in snapshot.devices.items()
        if name in worn and isinstance(device.driver, BleDevice)
    }
    rooms.adjust(presence.places if presence else {}, presence.terms if presence else Terms(), devices)
