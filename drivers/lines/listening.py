"""Lines that wait for others to call: a TCP port with many connections, a UDP port with many senders.

Invariants
1. At most `most` callers are served at a time; a further one takes the place of the one that was silent longest,
   because devices that lost power leave connections behind that nobody ends.
2. Whoever is not among `peers`, where that is given, is not heard.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias, cast

from courtyard.drivers.base import DriverError, Fault, Text
from courtyard.drivers.lines.settings import RtuTcpLine, TcpServerLine, UdpLine
from courtyard.drivers.lines.tcp import TcpConnection
from courtyard.drivers.lines.wire import Listener, Wire

LARGEST_DATAGRAM = 2048

ListeningLine: TypeAlias = TcpServerLine | UdpLine


class Guest(Listener, Protocol):
    """Who serves one caller."""

    def attach(self, wire: Wire) -> None:
        """The way back to the caller; called once, before anything is received."""


Greet = Callable[[str], Guest]
"""Gives the Guest for a caller (`192.168.1.9:40000`)."""


class Caller(NamedTuple):
    """The way to a caller, and who serves it."""

    wire: Wire
    guest: Guest


class Listening:
    """An open port.  `close` ends it and all its callers; their guests hear nothing more.

    `refused` counts callers from networks that may not call, `forgotten` those whose place was needed.
    """

    def __init__(self, line: ListeningLine, greet: Greet) -> None:
        self.line, self._greet = line, greet
        self.refused = self.forgotten = 0
        self.callers: dict[str, Caller] = {}
        """By name, the one heard last at the end."""
        self._networks = tuple(ipaddress.ip_network(network, strict=False) for network in line.peers)
        self._port: asyncio.Server | asyncio.DatagramTransport | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        if isinstance(self._port, asyncio.Server):
            return cast(tuple[str, int], self._port.sockets[0].getsockname()[:2])
        assert self._port is not None
        return cast(tuple[str, int], self._port.get_extra_info("sockname")[:2])

    async def open(self) -> Listening:
        """Raises OSError."""
        loop, line = asyncio.get_running_loop(), self.line
        if isinstance(line, TcpServerLine):
            self._port = await loop.create_server(lambda: _Caller(self), line.bind, line.port)
        else:
            self._port, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self), local_addr=(line.bind, line.port)
            )
        return self

    def close(self) -> None:
        if self._port is not None:
            self._port.close()
        callers, self.callers = self.callers, {}
        for caller in callers.values():
            caller.wire.close()

    def welcome(self, address: tuple[Any, ...] | None) -> str | None:
        """The caller's name when it may call, else None; one that has gone already has no address."""
        if address is None:
            return None
        host = ipaddress.ip_address(address[0])
        if self._networks and not any(host in network for network in self._networks):
            self.refused += 1
            return None
        return f"{address[0]}:{address[1]}"

    def admit(self, name: str, wire: Wire) -> Guest:
        """Lets it in."""
        if len(self.callers) >= self.line.most:
            self.forgotten += 1
            longest_silent = self.callers.pop(next(iter(self.callers)))
            longest_silent.wire.close()
            longest_silent.guest.lost(FORGOTTEN)
        guest = self._greet(name)
        self.callers[name] = Caller(wire, guest)
        guest.attach(wire)
        return guest

    def heard(self, name: str) -> Caller | None:
        """It said something; None when it is not known."""
        caller = self.callers.pop(name, None)
        if caller is not None:
            self.callers[name] = caller
        return caller

    def left(self, name: str, wire: Wire) -> None:
        """Its connection has ended."""
        known = self.callers.get(name)
        if known is not None and known.wire is wire:
            del self.callers[name]


class _Caller(TcpConnection):
    """One accepted connection."""

    def __init__(self, listening: Listening) -> None:
        super().__init__(RtuTcpLine(listening.line.name, "?", 1), _Nobody())
        self._listening, self._name = listening, ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        listening, address = self._listening, transport.get_extra_info("peername")
        name = listening.welcome(address)
        if name is None:
            cast(asyncio.Transport, transport).abort()
            return
        super().connection_made(transport)
        self._name, self._line = name, RtuTcpLine(listening.line.name, address[0], address[1])
        self._listener = listening.admit(name, self)

    def buffer_updated(self, nbytes: int) -> None:
        self._listening.heard(self._name)
        super().buffer_updated(nbytes)

    def connection_lost(self, exc: Exception | None) -> None:
        self._listening.left(self._name, self)
        super().connection_lost(exc)


class _Nobody:
    """Listens until the caller is known."""

    def received(self, data: bytes) -> None: ...
    def lost(self, fault: Fault) -> None: ...


class _Datagrams(asyncio.DatagramProtocol):
    """All senders of one port."""

    def __init__(self, listening: Listening) -> None:
        self._listening = listening

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        listening = self._listening
        name = listening.welcome(addr)
        if name is None or len(data) > LARGEST_DATAGRAM:
            return
        known = listening.heard(name)
        guest = known.guest if known else listening.admit(name, _Sender(self._transport, addr))
        guest.received(data)

    def error_received(self, exc: Exception) -> None:
        """A sender's port is closed, says its host; silence is judged by whoever awaits the device."""


class _Sender:
    """The way back to one sender of datagrams."""

    def __init__(self, transport: asyncio.DatagramTransport, address: tuple[Any, ...]) -> None:
        self._transport, self._address = transport, address
        self.is_open = True

    def send(self, data: bytes) -> None:
        if self.is_open:
            self._transport.sendto(data, self._address)

    def close(self) -> None:
        self.is_open = False


FORGOTTEN = Fault(
    "line.listen.forgotten",
    Text("Too many callers; this one was silent longest.", "接入方过多，此接入方静默时间最长。"),
    Text("Raise `most`, or name the networks that may call in `peers`.", "请增大 most，或在 peers 中限定允许的网段。"),
)


async def listen(line: ListeningLine, greet: Greet) -> Listening:
    """Opens the port.  Raises DriverError."""
    try:
        return await Listening(line, greet).open()
    except (OSError, ValueError) as error:  # ValueError: `peers` names something that is no network
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        fault = Fault(
            "line.listen",
            Text(
                f"Port {line.port} of {line.bind} cannot be opened: {reason}.",
                f"无法监听 {line.bind} 的端口 {line.port}：{reason}。",
            ),
            Text(
                "Choose a free port above 1023 and an address of this box; write `peers` as 192.168.1.0/24.",
                "请选择大于 1023 的空闲端口并填写本机地址；peers 请按 192.168.1.0/24 的格式填写。",
            ),
        )
        raise DriverError(fault, line.name) from error
