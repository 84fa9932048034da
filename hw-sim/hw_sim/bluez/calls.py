"""What clients may call: adapters, devices and characteristics, as bluetoothd 5.66 answers."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from dbus_fast import Message, Variant

from hw_sim.bluez.air import ADAPTER, CHARACTERISTIC, DEVICE, SERVICE, Air
from hw_sim.bluez.numbers import short_uuid
from hw_sim.bluez.objects import BusError
from hw_sim.bluez.wearable import Wearable

ERROR = "org.bluez.Error."
PAGE_S = 120.0
"""So long a connection to what cannot be heard stays pending."""
_LOOK_S = 0.05


class Answer(NamedTuple):
    """The body of a method's return."""

    signature: str = ""
    body: tuple[Any, ...] = ()


NOTHING = Answer()


class Calls:
    """One method a D-Bus method: `INTERFACE_Member`, without `org.bluez.` and `1`."""

    def __init__(self, air: Air) -> None:
        self._air = air

    async def run(self, message: Message) -> Answer:
        """Raises BusError, as bluetoothd would."""
        interface = str(message.interface).removeprefix("org.bluez.").removesuffix("1")
        method = getattr(self, f"_{interface}_{message.member}", None)
        if method is None:
            text = f'Method "{message.member}" on interface "{message.interface}" doesn\'t exist'
            raise BusError("org.freedesktop.DBus.Error.UnknownMethod", text)
        result: Answer | None = await method(message)
        return result or NOTHING

    # org.bluez.Adapter1

    async def _Adapter_SetDiscoveryFilter(self, message: Message) -> None:
        self._powered()

    async def _Adapter_StartDiscovery(self, message: Message) -> None:
        self._powered()
        if message.sender in self._air.scanning:
            raise BusError(ERROR + "InProgress", "Operation already in progress")
        self._air.scan(str(message.sender), True)

    async def _Adapter_StopDiscovery(self, message: Message) -> None:
        self._powered()
        if message.sender not in self._air.scanning:
            raise BusError(ERROR + "Failed", "No discovery started")
        self._air.scan(str(message.sender), False)

    async def _Adapter_RemoveDevice(self, message: Message) -> None:
        wearable = self._air.find(message.body[0])
        if wearable is None or not wearable.seen:
            raise BusError(ERROR + "DoesNotExist", "Does Not Exist")
        self._air.lose_link(wearable)
        self._air.forget(wearable)

    # org.bluez.Device1

    async def _Device_Connect(self, message: Message) -> None:
        wearable = self._wearable(message)
        self._powered()
        if wearable.connected:
            raise BusError(ERROR + "AlreadyConnected", "Already Connected")
        if wearable.connecting is not None:
            raise BusError(ERROR + "InProgress", "Operation already in progress")
        wearable.connecting = asyncio.current_task()
        try:
            for _ in range(round(PAGE_S / _LOOK_S)):
                if wearable.heard:
                    break
                await asyncio.sleep(_LOOK_S)
            else:
                raise BusError(ERROR + "Failed", "le-connection-abort-by-local")
            await asyncio.sleep(wearable.connect_s)
        except asyncio.CancelledError:
            raise BusError(ERROR + "Failed", "le-connection-abort-by-local") from None
        finally:
            wearable.connecting = None
        wearable.connected, wearable.temporary = True, False
        self._air.objects.change(wearable.path, DEVICE, {"Connected": Variant("b", True)})
        self._air.start(self._resolve(wearable))

    async def _resolve(self, wearable: Wearable) -> None:
        await asyncio.sleep(wearable.resolve_s)
        if wearable.connected:
            self._air.resolve(wearable)

    async def _Device_Disconnect(self, message: Message) -> None:
        wearable = self._wearable(message)
        if wearable.connecting is not None:
            wearable.connecting.cancel()
        elif not wearable.connected:
            raise BusError(ERROR + "NotConnected", "Not Connected")
        else:
            await asyncio.sleep(wearable.disconnect_s)
        self._air.lose_link(wearable)

    async def _Device_Pair(self, message: Message) -> None:
        wearable = self._wearable(message)
        wearable.bonded = True
        self._air.objects.change(wearable.path, DEVICE, {"Paired": Variant("b", True), "Bonded": Variant("b", True)})

    # org.bluez.GattCharacteristic1

    async def _GattCharacteristic_ReadValue(self, message: Message) -> Answer:
        wearable, uuid = self._subject(message, "read")
        return Answer("ay", (wearable.value(uuid),))

    async def _GattCharacteristic_WriteValue(self, message: Message) -> None:
        wearable, uuid = self._subject(message, "write", "write-without-response")
        if uuid == 0x2A2B:
            wearable.clock = bytes(message.body[0])
        if uuid == 0x2A06 and self._service(message) == 0x1802:
            wearable.alerts.append(message.body[0][0])

    async def _GattCharacteristic_StartNotify(self, message: Message) -> None:
        wearable, _ = self._subject(message, "notify", "indicate")
        listeners = wearable.notifying.setdefault(str(message.path), set())
        if message.sender in listeners:
            raise BusError(ERROR + "InProgress", "Operation already in progress")
        listeners.add(str(message.sender))
        self._air.objects.change(str(message.path), CHARACTERISTIC, {"Notifying": Variant("b", True)})

    async def _GattCharacteristic_StopNotify(self, message: Message) -> None:
        wearable, _ = self._subject(message, "notify", "indicate")
        listeners = wearable.notifying.get(str(message.path), set())
        if message.sender not in listeners:
            raise BusError(ERROR + "Failed", "No notify session started")
        listeners.discard(str(message.sender))
        if not listeners:
            self._air.objects.change(str(message.path), CHARACTERISTIC, {"Notifying": Variant("b", False)})

    def _subject(self, message: Message, *wanted: str) -> tuple[Wearable, int]:
        """The wearable and its characteristic, where one of the flags allows it."""
        wearable = self._wearable(message)
        properties = self._air.objects.known[str(message.path)][CHARACTERISTIC]
        if not wearable.connected:
            raise BusError(ERROR + "Failed", "Not connected")
        if not set(wanted) & set(properties["Flags"].value):
            raise BusError(ERROR + "NotSupported", "Operation is not supported")
        return wearable, int(properties["UUID"].value[4:8], 16)

    def _service(self, message: Message) -> int:
        """The service of a characteristic."""
        service = str(message.path).rpartition("/")[0]
        return int(self._air.objects.known[service][SERVICE]["UUID"].value[4:8], 16)

    def _wearable(self, message: Message) -> Wearable:
        wearable = self._air.find(str(message.path))
        if wearable is None:
            raise BusError("org.freedesktop.DBus.Error.UnknownObject", str(message.path))
        return wearable

    def _powered(self) -> None:
        adapter = self._air.objects.known.get(self._air.adapter, {}).get(ADAPTER)
        if adapter is None or not adapter["Powered"].value:
            raise BusError(ERROR + "NotReady", "Resource Not Ready")


def uuid_of(number: int) -> Variant:
    """As a property."""
    return Variant("s", short_uuid(number))
