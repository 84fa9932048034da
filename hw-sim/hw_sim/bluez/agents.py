"""Who answers for a person while a device is paired: `org.bluez.AgentManager1`, and pairing with its agents."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from dbus_fast import ErrorType, Message, MessageType

from hw_sim.bluez.objects import BusError
from hw_sim.bluez.peer import Peer

ERROR = "org.bluez.Error."
PERSON_S = 60.0
"""So long an agent may ask its person."""
CAPABILITIES = ("DisplayOnly", "DisplayYesNo", "KeyboardOnly", "NoInputNoOutput", "KeyboardDisplay", "")

Ask = Callable[[Message], Awaitable[Message | None]]


class Agent(NamedTuple):
    path: str
    capability: str


class Agents:
    """One agent a client; `ask` sends a call and gives the answer."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.registered: dict[str, Agent] = {}
        """By the client's name on the bus."""

    def register(self, client: str, path: str, capability: str) -> None:
        """Raises BusError."""
        if client in self.registered:
            raise BusError(ERROR + "AlreadyExists", "Already Exists")
        if capability not in CAPABILITIES:
            raise BusError(ERROR + "InvalidArguments", "Invalid arguments in method call")
        self.registered[client] = Agent(path, capability or "KeyboardDisplay")

    def unregister(self, client: str, path: str) -> None:
        """Raises BusError."""
        if client not in self.registered or self.registered[client].path != path:
            raise BusError(ERROR + "DoesNotExist", "Does Not Exist")
        del self.registered[client]

    async def pair(self, client: str, peer: Peer) -> None:
        """As the wearable wants it (`Wearable.pairs`).  Raises BusError when it comes to nothing."""
        wearable = peer.wearable
        agent = self.registered.get(client, Agent("", "NoInputNoOutput"))
        keyboard = agent.capability in ("KeyboardOnly", "KeyboardDisplay")
        match wearable.pairs:
            case "just-works":
                await asyncio.sleep(wearable.connect_s)
            case "passkey" if keyboard:
                answer = await self._call(client, agent, "RequestPasskey", peer)
                if answer[0] != wearable.passkey:
                    raise BusError(ERROR + "AuthenticationFailed", "Authentication Failed")
            case "compare" if agent.capability in ("DisplayYesNo", "KeyboardDisplay"):
                await self._call(client, agent, "RequestConfirmation", peer, "u", wearable.passkey)
            case "shown" if agent.capability != "NoInputNoOutput":
                await self._call(client, agent, "DisplayPasskey", peer, "uq", wearable.passkey, 0)
                await asyncio.sleep(wearable.connect_s)  # somebody types it on the device
            case "never":
                await asyncio.Event().wait()
            case _:
                raise BusError(ERROR + "AuthenticationFailed", "Authentication Failed")

    async def _call(self, client: str, agent: Agent, member: str, peer: Peer, types: str = "", *more: Any) -> list[Any]:
        call = Message(
            destination=client,
            path=agent.path,
            interface="org.bluez.Agent1",
            member=member,
            signature=f"o{types}",
            body=[peer.path, *more],
        )
        try:
            async with asyncio.timeout(PERSON_S):
                answer = await self._ask(call)
        except TimeoutError:
            raise BusError(ERROR + "AuthenticationTimeout", "Authentication Timeout") from None
        if answer is None or answer.message_type == MessageType.ERROR:
            gone = answer is None or answer.error_name == ErrorType.SERVICE_UNKNOWN.value
            how = "AuthenticationCanceled" if gone else "AuthenticationRejected"
            raise BusError(ERROR + how, "Authentication " + how.removeprefix("Authentication"))
        return list(answer.body)
