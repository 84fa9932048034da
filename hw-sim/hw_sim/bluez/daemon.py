"""One life of a bluetoothd: its connection to the bus, from start to stop or crash, and faults on command."""

from __future__ import annotations

import asyncio
import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbus_fast import Message, MessageType, NameFlag

from hw_sim.bluez.agents import Agents
from hw_sim.bluez.air import ADAPTER, Air
from hw_sim.bluez.calls import Calls
from hw_sim.bluez.objects import BusError, Objects
from hw_sim.bluez.peer import Peer
from hw_sim.bluez.writer import patient_bus

NAME = "org.bluez"
_BUS = "org.freedesktop.DBus"


@dataclass
class Fault:
    """What happens to calls of a method: an error, no answer at all (`hang`), or an answer later.

    `method` and `path` are patterns; `times` is how many calls still meet it.
    """

    method: str
    error: str | None = None
    hang: bool = False
    delay_s: float = 0.0
    times: int = 1
    path: str = "*"


class Bluetoothd:
    """Starts with `open`, ends with `stop` (as by SIGTERM) or `crash` (as by SIGKILL); it is not started again."""

    def __init__(self, address: str, peers: Mapping[str, Sequence[Peer]], faults: list[Fault]) -> None:
        """`peers` by adapter."""
        self._bus: Any = patient_bus(address)
        self._faults = faults
        self._owned = False
        self.objects = Objects(self._send, self._set)
        self.airs = {name: Air(name, each, self.objects) for name, each in peers.items()}
        self.agents = Agents(lambda message: self._bus.call(message))
        self._paths = {air.path: air for air in self.airs.values()}
        self._calls = Calls(self._paths, self.agents)
        self.calls: dict[str, int] = {}
        """How often each method was called."""

    async def open(self, powered: Mapping[str, bool], blocked: Sequence[str] = ()) -> Bluetoothd:
        """`powered` has the adapters that are plugged in, and whether each has power."""
        await self._bus.connect()
        self._bus.add_message_handler(self._take)
        rule = f"type='signal',interface='{_BUS}',member='NameOwnerChanged',arg2=''"
        await self._bus.call(
            Message(
                destination=_BUS,
                path="/org/freedesktop/DBus",
                interface=_BUS,
                member="AddMatch",
                signature="s",
                body=[rule],
            )
        )
        self.objects.add("/org/bluez", {"org.bluez.AgentManager1": {}})
        for name, on in powered.items():
            self.airs[name].blocked = name in blocked
            self.airs[name].add_adapter(on)
        await self._bus.request_name(NAME, NameFlag.NONE)
        self._owned = True
        self.objects.announce()
        return self

    def crash(self) -> None:
        """The process is gone: no object is withdrawn, callers get no answer."""
        self._owned = False
        self._calls.end()
        for air in self.airs.values():
            air.end()
        self._bus.disconnect()

    async def stop(self) -> None:
        """Links are closed and objects withdrawn first."""
        for air in self.airs.values():
            air.remove_adapter()
        for path in list(self.objects.known)[::-1]:
            self.objects.remove(path)
        await self._bus.release_name(NAME)
        self.crash()

    def _send(self, message: Message) -> None:
        if self._owned:
            self._bus.send(message)

    def _set(self, path: str, interface: str, name: str, value: object) -> bool:
        if (interface, name) == (ADAPTER, "Powered"):
            self._paths[path].power(bool(value))
            return True
        return False

    def _take(self, message: Message) -> Message | bool:
        if message.message_type == MessageType.SIGNAL and message.member == "NameOwnerChanged":
            self.agents.registered.pop(message.body[0], None)
            for air in self.airs.values():
                air.client_gone(message.body[0])
            return False
        if message.message_type != MessageType.METHOD_CALL:
            return False
        answer = self.objects.answer(message)
        if answer is not None:
            return answer
        if message.interface not in self.objects.known.get(str(message.path), {}):
            text = f'Method "{message.member}" doesn\'t exist'
            return Message.new_error(message, f"{_BUS}.Error.UnknownObject", text)
        self._calls.start(self._run(message))
        return True

    async def _run(self, message: Message) -> None:
        member = str(message.member)
        self.calls[member] = self.calls.get(member, 0) + 1
        try:
            if await self._trip(message):
                return
            answer = await self._calls.run(message)
        except BusError as error:
            self._send(Message.new_error(message, error.name, error.text))
        else:
            self._send(Message.new_method_return(message, answer.signature, list(answer.body)))

    async def _trip(self, message: Message) -> bool:
        """Meets the first fault of this call; True when the caller gets no answer."""
        for fault in self._faults:
            wanted = fnmatch.fnmatch(str(message.member), fault.method) and fnmatch.fnmatch(
                str(message.path), fault.path
            )
            if not wanted or fault.times <= 0:
                continue
            fault.times -= 1
            await asyncio.sleep(fault.delay_s)
            if fault.hang:
                return True
            if fault.error is not None:
                raise BusError(fault.error, "le-connection-abort-by-local" if "Failed" in fault.error else "")
            return False
        return False
