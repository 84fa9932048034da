"""Whether bluetoothd and one adapter are there: bleak does not notice when they go away.

A D-Bus connection of its own, which follows the owner of the name org.bluez and the adapter's properties, and never
hears an advert.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from dbus_fast import BusType, DBusError, Message, MessageType, Variant, unpack_variants
from dbus_fast.aio import MessageBus

from courtyard.drivers.base import DriverError, Fault
from courtyard.drivers.ble.faults import adapter_fault
from courtyard.drivers.ble.gatt.characteristics import short_uuid
from courtyard.drivers.ble.receive import Advertisement

BLUEZ, ADAPTER, DEVICE = "org.bluez", "org.bluez.Adapter1", "org.bluez.Device1"
_BUS, _BUS_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"
_PROPERTIES, _OBJECTS = f"{_BUS}.Properties", f"{_BUS}.ObjectManager"
CALL_S = 5.0
"""Longest wait for an answer on D-Bus."""
OFF_S = 0.5
_CODES = {
    f"{_BUS}.Error.ServiceUnknown": "no_stack",
    f"{_BUS}.Error.NameHasNoOwner": "no_stack",
    f"{_BUS}.Error.NoReply": "no_stack",
    f"{_BUS}.Error.Spawn.ExecFailed": "no_stack",
    f"{_BUS}.Error.AccessDenied": "no_permission",
    f"{_BUS}.Error.UnknownObject": "no_adapter",
    f"{_BUS}.Error.UnknownMethod": "no_adapter",
    "org.bluez.Error.Blocked": "rfkill",
    "org.bluez.Error.NotReady": "powered_off",
    "org.bluez.Error.InProgress": "in_use",
    "org.bluez.Error.Busy": "in_use",
    "org.bluez.Error.NotPermitted": "no_permission",
    "org.bluez.Error.NotAuthorized": "no_permission",
}


def fault_of_error(name: str | None, text: str, adapter: str) -> Fault:
    """What an error on D-Bus means for the person at the box."""
    if "rfkill" in text.lower():
        return adapter_fault("rfkill", adapter)
    code = _CODES.get(name or "", "failed")
    return adapter_fault(code, adapter, reason=f"{(name or '').rpartition('.')[2]} {text}".strip()[:120])


class StackWatch:
    """Follows one adapter.  `down` is done when it is gone, `changed` is set whenever something about it changes."""

    def __init__(self, adapter: str) -> None:
        self._adapter, self._path = adapter, f"/org/bluez/{adapter}"
        self._bus: MessageBus | None = None
        self._dead: asyncio.Task[None] | None = None
        self.changed = asyncio.Event()
        self.down: asyncio.Future[Fault] = asyncio.get_running_loop().create_future()

    async def open(self) -> Mapping[str, Advertisement]:
        """Returns when adapter and stack are there and switched on; the result is what the stack remembers of adverts
        from before, by address.  Raises DriverError.
        """
        self.down = asyncio.get_running_loop().create_future()
        self.changed.clear()
        if self._bus is None or not self._bus.connected:
            await self._connect()
        await self._call(_BUS, _BUS_PATH, _BUS, "GetNameOwner", "s", [BLUEZ])
        objects = await self._call(BLUEZ, "/", _OBJECTS, "GetManagedObjects")
        known = unpack_variants(objects[0])
        adapter = known.get(self._path, {}).get(ADAPTER)
        if adapter is None:
            raise DriverError(adapter_fault("no_adapter", self._adapter), self._adapter)
        if not adapter.get("Powered"):
            await self.power(True)
        return {
            str(device["Address"]).upper(): remembered(device)
            for path, interfaces in known.items()
            if path.startswith(f"{self._path}/") and (device := interfaces.get(DEVICE)) is not None
        }

    async def power(self, on: bool) -> None:
        """Raises DriverError."""
        await self._call(BLUEZ, self._path, _PROPERTIES, "Set", "ssv", [ADAPTER, "Powered", Variant("b", on)])

    async def cycle(self) -> None:
        """Off and on.  Raises DriverError."""
        await self.power(False)
        await asyncio.sleep(OFF_S)
        await self.power(True)

    def close(self) -> None:
        if self._dead is not None:
            self._dead.cancel()
            self._dead = None
        if self._bus is not None:
            self._bus.disconnect()
            self._bus = None
        if not self.down.done():
            self.down.cancel()

    async def _connect(self) -> None:
        self.close()
        self.down = asyncio.get_running_loop().create_future()
        bus = MessageBus(bus_type=BusType.SYSTEM)
        try:
            async with asyncio.timeout(CALL_S):
                await bus.connect()
        except (OSError, EOFError, TimeoutError, DBusError) as error:
            bus.disconnect()
            raise DriverError(adapter_fault("no_bus"), self._adapter) from error
        self._bus = bus
        bus.add_message_handler(self._take)
        self._dead = asyncio.get_running_loop().create_task(self._until_dead(bus))
        for rule in (
            f"type='signal',sender='{_BUS}',interface='{_BUS}',member='NameOwnerChanged',arg0='{BLUEZ}'",
            f"type='signal',interface='{_PROPERTIES}',path='{self._path}',arg0='{ADAPTER}'",
            f"type='signal',interface='{_OBJECTS}',arg0path='{self._path}'",
        ):
            await self._call(_BUS, _BUS_PATH, _BUS, "AddMatch", "s", [rule])

    async def _until_dead(self, bus: MessageBus) -> None:
        with suppress(OSError, EOFError):  # the bus is gone either way
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        self._lose("no_bus")

    def _take(self, message: Message) -> None:
        if message.message_type != MessageType.SIGNAL:
            return
        body = message.body
        if message.member == "NameOwnerChanged" and body[0] == BLUEZ:
            self._lose("lost") if not body[2] or body[1] else self.changed.set()
        elif message.member == "PropertiesChanged" and message.path == self._path and "Powered" in body[1]:
            self.changed.set() if body[1]["Powered"].value else self._lose("powered_off")
        elif message.member == "InterfacesAdded" and body[0] == self._path:
            self.changed.set()
        elif message.member == "InterfacesRemoved" and body[0] == self._path and ADAPTER in body[1]:
            self._lose("no_adapter")

    def lose(self, fault: Fault) -> None:
        """The adapter is of no use any more."""
        self.changed.set()
        if not self.down.done():
            self.down.set_result(fault)

    def _lose(self, code: str) -> None:
        self.lose(adapter_fault(code, self._adapter))

    async def _call(
        self,
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: list[Any] | None = None,
    ) -> list[Any]:
        """Raises DriverError, with the cure."""
        if self._bus is None:
            raise DriverError(adapter_fault("no_bus"), self._adapter)
        message = Message(
            destination=destination, path=path, interface=interface, member=member, signature=signature, body=body or []
        )
        try:
            async with asyncio.timeout(CALL_S):
                reply = await self._bus.call(message)
        except (OSError, EOFError) as error:
            raise DriverError(adapter_fault("no_bus"), self._adapter) from error
        except TimeoutError as error:
            raise DriverError(adapter_fault("failed", self._adapter, "no answer / 无应答"), self._adapter) from error
        if reply is None or reply.message_type == MessageType.ERROR:
            name = None if reply is None else reply.error_name
            text = "" if reply is None or not reply.body else str(reply.body[0])
            raise DriverError(fault_of_error(name, text, self._adapter), self._adapter)
        return list(reply.body)


def remembered(device: Mapping[str, Any]) -> Advertisement:
    """The advert in a device's properties, unpacked, in 16-bit terms."""
    services = ((short_uuid(str(uuid)), data) for uuid, data in device.get("ServiceData", {}).items())
    return Advertisement(
        {uuid: bytes(data) for uuid, data in services if uuid is not None},
        {int(company): bytes(data) for company, data in device.get("ManufacturerData", {}).items()},
    )
