"""Bonds of BlueZ: made with an agent that exists only meanwhile, and forgotten again.

Keys are never seen here: bluetoothd keeps them in /var/lib/bluetooth, which root alone may read.
Source: org.bluez.AgentManager(5), org.bluez.Agent(5), org.bluez.Device(5) of BlueZ.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from dbus_fast import BusType, DBusError, Message, MessageType
from dbus_fast.aio import MessageBus

from courtyard.drivers.base import DriverError
from courtyard.drivers.ble.bluez.link import GRACE_S, bounded
from courtyard.drivers.ble.bluez.watch import ADAPTER, BLUEZ, DEVICE, fault_of_error
from courtyard.drivers.ble.faults import adapter_fault, wearable_fault
from courtyard.drivers.ble.radio import Asks, LinkFailed

AGENT, AGENTS = "org.bluez.Agent1", "org.bluez.AgentManager1"
_PATH, _CAPABILITY = "/courtyard/agent", "KeyboardDisplay"
_DONE = "org.bluez.Error.AlreadyExists"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_CODES: Mapping[str, str] = {
    "org.bluez.Error.AuthenticationFailed": "pair_refused",
    "org.bluez.Error.AuthenticationRejected": "pair_given_up",
    "org.bluez.Error.AuthenticationCanceled": "pair_given_up",
    "org.bluez.Error.AuthenticationTimeout": "pair_timeout",
    "org.bluez.Error.ConnectionAttemptFailed": "pair_lost",
    "org.bluez.Error.Failed": "pair_lost",
    "org.freedesktop.DBus.Error.UnknownObject": "pair_lost",
    "org.freedesktop.DBus.Error.NoReply": "pair_lost",
}


class Bonding:
    """One attempt, with a D-Bus connection of its own: an agent answers only for whoever registered it."""

    def __init__(self, adapter: str, path: str, name: str, person: Asks) -> None:
        self._adapter, self._path, self._name, self._person = adapter, path, name, person
        self._bus = MessageBus(bus_type=BusType.SYSTEM)
        self._owner = ""
        self._asking: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Raises DriverError.  Afterwards the device is not connected, and nothing listens for pairing any more."""
        try:
            await self._bus.connect()
        except (OSError, EOFError, DBusError) as error:
            self._bus.disconnect()
            raise DriverError(adapter_fault("no_bus"), self._adapter) from error
        try:
            self._bus.add_message_handler(self._take)
            (self._owner,) = await self._call("org.freedesktop.DBus", "/org/freedesktop/DBus", "GetNameOwner", BLUEZ)
            await self._call(AGENTS, "/org/bluez", "RegisterAgent", _PATH, _CAPABILITY, types="os")
            await self._call(DEVICE, self._path, "Pair")
        finally:
            for task in self._asking:
                task.cancel()
            with suppress(LinkFailed):  # the connection, and the agent with it, is gone in any case
                await bounded(self._leave(), GRACE_S)
            self._bus.disconnect()

    async def _leave(self) -> None:
        for interface, path, member, body in (
            (DEVICE, self._path, "CancelPairing", ()),
            (AGENTS, "/org/bluez", "UnregisterAgent", (_PATH,)),
            (DEVICE, self._path, "Disconnect", ()),
        ):
            await self._bus.call(_message(BLUEZ, path, interface, member, body, "o" * len(body)))

    async def _call(self, interface: str, path: str, member: str, *body: Any, types: str = "s") -> list[Any]:
        destination = interface if interface.startswith("org.freedesktop") else BLUEZ
        try:
            reply = await self._bus.call(_message(destination, path, interface, member, body, types if body else ""))
        except (OSError, EOFError) as error:
            raise DriverError(adapter_fault("no_bus"), self._adapter) from error
        if reply is None or reply.message_type == MessageType.ERROR:
            name = str(reply.error_name) if reply is not None else ""
            if name == _DONE:
                return []
            if member == "Pair" and name in _CODES:
                raise DriverError(wearable_fault(_CODES[name], self._name), self._name)
            raise DriverError(fault_of_error(name, str(reply.body[:1]) if reply else "", self._adapter), self._adapter)
        return list(reply.body)

    # What the agent is asked

    def _take(self, message: Message) -> Message | bool:
        if message.message_type != MessageType.METHOD_CALL or message.interface != AGENT:
            return False
        if message.sender != self._owner or (message.body and message.body[0] != self._path):
            return _rejected(message)  # another program, or another device
        match message.member:
            case "RequestPasskey":
                return self._ask(message, self._passkey)
            case "RequestConfirmation":
                return self._ask(message, self._same)
            case "DisplayPasskey":
                return self._ask(message, self._show)
            case "RequestAuthorization" | "Release" | "Cancel":
                return Message.new_method_return(message)
        return _rejected(message)  # PIN codes of old devices, services of others

    def _ask(self, message: Message, question: Callable[[Message], Awaitable[Message]]) -> bool:
        async def answer() -> None:
            self._bus.send(await question(message))

        task = asyncio.get_running_loop().create_task(answer())
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        return True

    async def _passkey(self, message: Message) -> Message:
        passkey = await self._person.passkey()
        if passkey is None:
            return _rejected(message)
        return Message.new_method_return(message, "u", [passkey])

    async def _same(self, message: Message) -> Message:
        same = await self._person.same(message.body[1])
        return Message.new_method_return(message) if same else _rejected(message)

    async def _show(self, message: Message) -> Message:
        await self._person.show(message.body[1])
        return Message.new_method_return(message)


async def forget(adapter: str, address: str) -> bool:
    """Removes a device and its keys from an adapter; whether it was paired.  Raises DriverError without a bus.

    A device that is only heard has an object there as well, and keeps it.
    """
    bus = MessageBus(bus_type=BusType.SYSTEM)
    path = f"/org/bluez/{adapter}"
    device = f"{path}/dev_{address.replace(':', '_')}"
    try:
        await bus.connect()
        asked = _message(BLUEZ, device, _PROPERTIES, "Get", (DEVICE, "Paired"), "ss")
        paired = await bounded(_sent(bus, asked), 5.0)
        if paired is None or paired.message_type == MessageType.ERROR or not paired.body[0].value:
            return False
        reply = await bounded(_sent(bus, _message(BLUEZ, path, ADAPTER, "RemoveDevice", (device,), "o")), 5.0)
    except (OSError, EOFError, DBusError, LinkFailed) as error:
        raise DriverError(adapter_fault("no_bus"), adapter) from error
    finally:
        bus.disconnect()
    return reply is not None and reply.message_type != MessageType.ERROR


async def _sent(bus: MessageBus, message: Message) -> Message | None:
    return await bus.call(message)


def _message(destination: str, path: str, interface: str, member: str, body: tuple[Any, ...], types: str) -> Message:
    return Message(
        destination=destination, path=path, interface=interface, member=member, signature=types, body=list(body)
    )


def _rejected(message: Message) -> Message:
    return Message.new_error(message, "org.bluez.Error.Rejected", "not now")
