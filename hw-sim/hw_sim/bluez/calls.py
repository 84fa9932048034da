"""What clients may call: adapters, devices and characteristics, as bluetoothd 5.66 answers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, NamedTuple

from dbus_fast import Message, Variant

from hw_sim.bluez.agents import Agents
from hw_sim.bluez.air import CHARACTERISTIC, SERVICE, Air
from hw_sim.bluez.objects import BusError
from hw_sim.bluez.peer import Peer
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

    def __init__(self, airs: Mapping[str, Air], agents: Agents) -> None:
        """`airs` by the path of the adapter."""
        self._airs, self._agents = airs, agents
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs it beside; it ends with this bluetoothd."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end(self) -> None:
        """The program has ended."""
        for task in self._tasks:
            task.cancel()

    async def run(self, message: Message) -> Answer:
        """Raises BusError, as bluetoothd would."""
        interface = str(message.interface).removeprefix("org.bluez.").removesuffix("1")
        method = getattr(self, f"_{interface}_{message.member}", None)
        if method is None:
            text = f'Method "{message.member}" on interface "{message.interface}" doesn\'t exist'
            raise BusError("org.freedesktop.DBus.Error.UnknownMethod", text)
        result: Answer | None = await method(message)
        return result or NOTHING

    # org.bluez.AgentManager1

    async def _AgentManager_RegisterAgent(self, message: Message) -> None:
        self._agents.register(str(message.sender), *message.body)

    async def _AgentManager_UnregisterAgent(self, message: Message) -> None:
        self._agents.unregister(str(message.sender), message.body[0])

    # org.bluez.Adapter1

    async def _Adapter_SetDiscoveryFilter(self, message: Message) -> None:
        self._powered(message)

    async def _Adapter_StartDiscovery(self, message: Message) -> None:
        air = self._powered(message)
        if message.sender in air.scanning:
            raise BusError(ERROR + "InProgress", "Operation already in progress")
        air.scan(str(message.sender), True)

    async def _Adapter_StopDiscovery(self, message: Message) -> None:
        air = self._powered(message)
        if message.sender not in air.scanning:
            raise BusError(ERROR + "Failed", "No discovery started")
        air.scan(str(message.sender), False)

    async def _Adapter_RemoveDevice(self, message: Message) -> None:
        air = self._air(message)
        peer = air.find(message.body[0])
        if peer is None or not peer.seen:
            raise BusError(ERROR + "DoesNotExist", "Does Not Exist")
        air.lose_link(peer)
        air.bond(peer, False)
        air.forget(peer)
        peer.temporary = True

    # org.bluez.Device1

    async def _Device_Connect(self, message: Message) -> None:
        peer, air = self._peer(message), self._powered(message)
        wearable = peer.wearable
        if peer.connected:
            raise BusError(ERROR + "AlreadyConnected", "Already Connected")
        if peer.connecting is not None:
            raise BusError(ERROR + "InProgress", "Operation already in progress")
        if air.clumsy and air.scanning:
            raise BusError(ERROR + "Failed", "le-connection-abort-by-peer")
        peer.connecting = asyncio.current_task()
        try:
            for _ in range(round(PAGE_S / _LOOK_S)):
                if peer.heard and not wearable.connected:
                    break
                await asyncio.sleep(_LOOK_S)
            else:
                raise BusError(ERROR + "Failed", "le-connection-abort-by-local")
            await asyncio.sleep(wearable.connect_s)
        except asyncio.CancelledError:
            raise BusError(ERROR + "Failed", "le-connection-abort-by-local") from None
        finally:
            peer.connecting = None
        air.connected(peer)
        self.start(self._resolve(air, peer))

    async def _resolve(self, air: Air, peer: Peer) -> None:
        await asyncio.sleep(peer.wearable.resolve_s)
        if peer.connected:
            air.resolve(peer)

    async def _Device_Disconnect(self, message: Message) -> None:
        peer, air = self._peer(message), self._air(message)
        if peer.connecting is not None:
            peer.connecting.cancel()
        elif not peer.connected:
            raise BusError(ERROR + "NotConnected", "Not Connected")
        else:
            await asyncio.sleep(peer.wearable.disconnect_s)
        air.lose_link(peer)

    async def _Device_Pair(self, message: Message) -> None:
        peer, air = self._peer(message), self._powered(message)
        if peer.bonded:
            raise BusError(ERROR + "AlreadyExists", "Already Exists")
        if not peer.connected:
            await self._Device_Connect(message)
        peer.pairing = asyncio.current_task()
        try:
            await self._agents.pair(str(message.sender), peer)
        except asyncio.CancelledError:
            raise BusError(ERROR + "AuthenticationCanceled", "Authentication Canceled") from None
        finally:
            peer.pairing = None
        if not peer.connected:
            raise BusError(ERROR + "AuthenticationFailed", "Authentication Failed")
        air.bond(peer, True)

    async def _Device_CancelPairing(self, message: Message) -> None:
        peer = self._peer(message)
        if peer.pairing is None:
            raise BusError(ERROR + "DoesNotExist", "Does Not Exist")
        peer.pairing.cancel()

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
        self._subject(message, "notify", "indicate")
        listeners = self._peer(message).notifying.setdefault(str(message.path), set())
        if message.sender in listeners:
            raise BusError(ERROR + "InProgress", "Operation already in progress")
        listeners.add(str(message.sender))
        self._air(message).objects.change(str(message.path), CHARACTERISTIC, {"Notifying": Variant("b", True)})

    async def _GattCharacteristic_StopNotify(self, message: Message) -> None:
        self._subject(message, "notify", "indicate")
        listeners = self._peer(message).notifying.get(str(message.path), set())
        if message.sender not in listeners:
            raise BusError(ERROR + "Failed", "No notify session started")
        listeners.discard(str(message.sender))
        if not listeners:
            self._air(message).objects.change(str(message.path), CHARACTERISTIC, {"Notifying": Variant("b", False)})

    def _subject(self, message: Message, *wanted: str) -> tuple[Wearable, int]:
        """The wearable and its characteristic, where one of the flags allows it."""
        peer = self._peer(message)
        properties = self._air(message).objects.known[str(message.path)][CHARACTERISTIC]
        uuid = int(properties["UUID"].value[4:8], 16)
        if not peer.connected:
            raise BusError(ERROR + "Failed", "Not connected")
        if not set(wanted) & set(properties["Flags"].value):
            raise BusError(ERROR + "NotSupported", "Operation is not supported")
        if uuid in peer.wearable.secured and not peer.bonded:
            raise BusError(ERROR + "NotPermitted", "Not paired")
        return peer.wearable, uuid

    def _service(self, message: Message) -> int:
        """The service of a characteristic."""
        service = str(message.path).rpartition("/")[0]
        return int(self._air(message).objects.known[service][SERVICE]["UUID"].value[4:8], 16)

    def _air(self, message: Message) -> Air:
        """The adapter that a path lies on."""
        return self._airs["/".join(str(message.path).split("/")[:4])]

    def _peer(self, message: Message) -> Peer:
        peer = self._air(message).find(str(message.path))
        if peer is None:
            raise BusError("org.freedesktop.DBus.Error.UnknownObject", str(message.path))
        return peer

    def _powered(self, message: Message) -> Air:
        air = self._air(message)
        if not air.powered:
            raise BusError(ERROR + "NotReady", "Resource Not Ready")
        return air
