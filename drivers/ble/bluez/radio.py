"""One adapter of BlueZ as a `Radio`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from bleak.backends.bluezdbus.manager import get_global_bluez_manager
from bleak.backends.bluezdbus.version import BlueZFeatures
from bleak.backends.device import BLEDevice
from bleak.exc import BleakBluetoothNotAvailableError, BleakDBusError, BleakError
from dbus_fast import DBusError, Variant

from courtyard.drivers.base import DriverError, Fault
from courtyard.drivers.ble.bluez.bonding import Bonding, forget
from courtyard.drivers.ble.bluez.link import CONNECT_S, BluezLink, bounded
from courtyard.drivers.ble.bluez.pace import Pace
from courtyard.drivers.ble.bluez.watch import StackWatch, fault_of_error
from courtyard.drivers.ble.faults import adapter_fault
from courtyard.drivers.ble.gatt.characteristics import short_uuid
from courtyard.drivers.ble.radio import Asks, Heard, Link, LinkFailed
from courtyard.drivers.ble.receive import Advertisement

START_S = 5.0
QUIET_S = 3.0
"""So long nothing may be heard for the sake of a connection: a call for help is repeated for longer."""
_FILTERS = {"Transport": Variant("s", "le"), "DuplicateData": Variant("b", True)}
"""Every packet, also of devices whose bytes did not change: some adapters take a second packet of one address for a
repeat even where a button was pressed in between."""
_NOTHING: Mapping[Any, Any] = {}
_short = lru_cache(1024)(short_uuid)


class _Last:
    """What bleak last gave for one device; kept as long as bluetoothd keeps the device."""

    __slots__ = ("address", "companies", "numbers", "rssi", "services", "uuids")

    def __init__(self, address: str) -> None:
        self.address = address
        self.services: object = None
        self.companies: object = None
        self.uuids: object = None
        self.rssi: int | None = None
        self.numbers: tuple[int, ...] = ()


class _Handle(NamedTuple):
    """What a connection needs to know of a device."""

    path: str
    address: str
    properties: Any


class BluezRadio:
    """A `Radio` of `radio`.  `adapter` is `hci0`.  Make it inside the event loop."""

    def __init__(self, adapter: str = "hci0") -> None:
        self._adapter = adapter
        self._watch = StackWatch(adapter)
        self._stop: Callable[[], Coroutine[Any, Any, None]] | None = None
        self._told: Callable[[Heard], None] = lambda heard: None
        self._stale: dict[str, Advertisement] = {}
        self._last: dict[str, _Last] = {}
        self._pace = Pace(None)

    async def open(self, heard: Callable[[Heard], None]) -> asyncio.Future[Fault]:
        self._stale = dict(await self._watch.open())
        if not (BlueZFeatures.checked_bluez_version and BlueZFeatures.supported_version):
            BlueZFeatures._check_bluez_event = None  # it may have been upgraded since
            await BlueZFeatures.check_bluez_version()
        if not BlueZFeatures.supported_version:
            raise DriverError(adapter_fault("bluez_old"), self._adapter)
        self._last.clear()
        self._told = heard
        try:
            self._stop = await bounded(self._scan(), START_S)
        except LinkFailed as failure:
            raise DriverError(self._fault(failure), self._adapter) from failure
        return self._watch.down

    async def _scan(self) -> Callable[[], Coroutine[Any, Any, None]]:
        """Starts; the result stops it.  One layer below BleakScanner, which makes more of each advert than is used."""
        manager = await get_global_bluez_manager()
        self._pace = Pace(getattr(manager, "_bus", None))
        return await manager.active_scan(f"/org/bluez/{self._adapter}", _FILTERS, self._heard, self._removed)

    async def close(self) -> None:
        stop, self._stop = self._stop, None
        self._told = lambda heard: None
        if stop is not None:
            try:
                await bounded(stop(), START_S)
            except LinkFailed:
                return  # the stack that scanned is gone, and the scan with it

    async def shut(self) -> None:
        """Closes, and lets go of D-Bus."""
        await self.close()
        self._watch.close()

    async def changed(self) -> None:
        await self._watch.changed.wait()

    async def connect(self, handle: Any, *, scan_paused: bool = False) -> Link:
        path, address, properties = handle
        device = BLEDevice(address, None, {"path": path, "props": properties})
        if not scan_paused or self._stop is None:
            return await BluezLink(device, self._adapter).connect(CONNECT_S)
        stop, self._stop = self._stop, None
        await bounded(stop(), START_S)
        try:
            return await BluezLink(device, self._adapter).connect(QUIET_S)
        finally:
            await self._resume()

    async def _resume(self) -> None:
        """Scans again; where that does not work, the radio is down."""
        try:
            self._stop = await bounded(self._scan(), START_S)
        except LinkFailed as failure:
            self._watch.lose(self._fault(failure))

    async def power_cycle(self) -> None:
        await self._watch.cycle()

    async def pair(self, handle: Any, name: str, person: Asks) -> None:
        await Bonding(self._adapter, handle.path, name, person).run()

    async def unpair(self, address: str) -> bool:
        return await forget(self._adapter, address)

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

    def _heard(self, path: str, properties: Any) -> None:
        """bleak gives everything that it remembers of a device at each change of anything.

        What came with this change is a new object in its properties; what is remembered is the same one as before.
        """
        services, companies = properties.get("ServiceData", _NOTHING), properties.get("ManufacturerData", _NOTHING)
        rssi, last = properties.get("RSSI"), self._last.get(path)
        if last is None:
            last = _Last(str(properties["Address"]).upper())
            self._last[path] = last
        elif rssi is None or (services is last.services and companies is last.companies and rssi == last.rssi):
            return  # the end of a scan, a connection: not an advert
        if rssi is None:
            return
        news = Advertisement(
            {} if services is last.services else _by_number(services),
            {} if companies is last.companies else dict(companies),
        )
        last.services, last.companies, last.rssi = services, companies, rssi
        if self._stale and self._stale.pop(last.address, None) == news:
            news = Advertisement()
        uuids = properties.get("UUIDs", ())
        if uuids is not last.uuids:
            last.uuids = uuids
            last.numbers = tuple(number for uuid in uuids if (number := _short(uuid)) is not None)
        self._pace.heard()
        handle, paired = _Handle(path, last.address, properties), bool(properties.get("Paired", False))
        self._told(Heard(last.address, rssi, news, properties.get("Name", ""), last.numbers, handle, paired))

    def _removed(self, path: str) -> None:
        self._last.pop(path, None)


def _by_number(services: Mapping[str, Any]) -> dict[int, bytes]:
    return {number: bytes(data) for uuid, data in services.items() if (number := _short(uuid)) is not None}
