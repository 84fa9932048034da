"""One adapter of BlueZ as a `Radio`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from bleak import BleakScanner
from bleak.backends.bluezdbus.version import BlueZFeatures
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakBluetoothNotAvailableError, BleakDBusError, BleakError
from dbus_fast import DBusError

from courtyard.drivers.base import DriverError, Fault
from courtyard.drivers.ble.bluez.link import BluezLink, bounded
from courtyard.drivers.ble.bluez.watch import StackWatch, fault_of_error
from courtyard.drivers.ble.faults import adapter_fault
from courtyard.drivers.ble.gatt.characteristics import short_uuid
from courtyard.drivers.ble.radio import Heard, Link, LinkFailed
from courtyard.drivers.ble.receive import Advertisement

START_S = 5.0
MOST_REMEMBERED = 4096
_FILTERS = {"DuplicateData": True}
"""Every packet, also of devices whose bytes did not change: some adapters take a second packet of one address for a
repeat even where a button was pressed in between."""
_NOTHING: Mapping[Any, Any] = {}
_short = lru_cache(1024)(short_uuid)


class _Last(NamedTuple):
    """What bleak last gave for one device."""

    services: object
    companies: object
    rssi: int | None


_NEVER = _Last(None, None, None)


class BluezRadio:
    """A `Radio` of `radio`.  `adapter` is `hci0`.  Make it inside the event loop."""

    def __init__(self, adapter: str = "hci0") -> None:
        self._adapter = adapter
        self._watch = StackWatch(adapter)
        self._scanner: BleakScanner | None = None
        self._told: Callable[[Heard], None] = lambda heard: None
        self._stale: dict[str, Advertisement] = {}
        self._last: dict[str, _Last] = {}

    async def open(self, heard: Callable[[Heard], None]) -> asyncio.Future[Fault]:
        self._stale = dict(await self._watch.open())
        if not BlueZFeatures.checked_bluez_version:
            await BlueZFeatures.check_bluez_version()
        if not BlueZFeatures.supported_version:
            raise DriverError(adapter_fault("bluez_old"), self._adapter)
        self._last.clear()
        self._told = heard
        scanner = BleakScanner(self._heard, bluez={"adapter": self._adapter, "filters": _FILTERS})  # type: ignore[typeddict-item]
        try:
            await bounded(scanner.start(), START_S)
        except LinkFailed as failure:
            raise DriverError(self._fault(failure), self._adapter) from failure
        self._scanner = scanner
        return self._watch.down

    async def close(self) -> None:
        scanner, self._scanner = self._scanner, None
        self._told = lambda heard: None
        if scanner is not None:
            try:
                await bounded(scanner.stop(), START_S)
            except LinkFailed:
                return  # the stack that scanned is gone, and the scan with it

    async def shut(self) -> None:
        """Closes, and lets go of D-Bus."""
        await self.close()
        self._watch.close()

    async def changed(self) -> None:
        await self._watch.changed.wait()

    async def connect(self, handle: Any) -> Link:
        return await BluezLink(handle, self._adapter).connect()

    async def power_cycle(self) -> None:
        await self._watch.cycle()

    def _fault(self, failure: LinkFailed) -> Fault:
        match failure.__cause__:
            case BleakDBusError() as error:
                return fault_of_error(error.dbus_error, str(error.dbus_error_details or ""), self._adapter)
            case BleakBluetoothNotAvailableError() as error:
                return adapter_fault("no_permission" if "DENIED" in error.reason.name else "no_adapter", self._adapter)
            case DBusError() as error:
                return fault_of_error(error.type, error.text, self._adapter)
            case BleakError() as error if "not found" in str(error):
                return adapter_fault("no_adapter", self._adapter)
        return adapter_fault("failed", self._adapter, str(failure)[:120])

    def _heard(self, device: BLEDevice, data: AdvertisementData) -> None:
        """bleak gives everything that it remembers of a device at each change of anything.

        What came with this change is a new object in its properties; what is remembered is the same one as before.
        """
        properties = data.platform_data[1]
        services, companies = properties.get("ServiceData", _NOTHING), properties.get("ManufacturerData", _NOTHING)
        rssi, address = properties.get("RSSI"), device.address.upper()
        last = self._last.get(address, _NEVER)
        if rssi is None or (services is last.services and companies is last.companies and rssi == last.rssi):
            return  # the end of a scan, a connection: not an advert
        if last is _NEVER and len(self._last) >= MOST_REMEMBERED:
            self._last.clear()
        self._last[address] = _Last(services, companies, rssi)
        news = Advertisement(
            {} if services is last.services else _by_number(services),
            {} if companies is last.companies else dict(companies),
        )
        if self._stale and last is _NEVER and self._stale.pop(address, None) == news:
            news = Advertisement()
        uuids = tuple(number for uuid in data.service_uuids if (number := _short(uuid)) is not None)
        self._told(Heard(address, rssi, news, data.local_name or "", uuids, device))


def _by_number(services: Mapping[str, Any]) -> dict[int, bytes]:
    return {number: bytes(data) for uuid, data in services.items() if (number := _short(uuid)) is not None}
