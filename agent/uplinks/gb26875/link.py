"""One connection to a centre: packets out until they are confirmed, packets in, and the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, cast
from urllib.parse import urlsplit

from courtyard.drivers.base import DriverError, Fault
from courtyard.drivers.fire.framing import Damage, Frame, Splitter
from courtyard.drivers.fire.gb26875 import SHAPE, Message, parse
from courtyard.drivers.fire.gb26875.exchange import Exchanges, Settled
from courtyard.drivers.lines.faults import tcp_fault
from courtyard.drivers.lines.settings import RtuTcpLine, TcpLine
from courtyard.drivers.lines.tcp import open_tcp
from courtyard.drivers.lines.wire import Listener, Wire

WINDOW: Final = 5
"""Alarms, events, heartbeats, descriptions and measured values each have one packet on the way, so that an alarm waits
for no other."""
SILENCE_S: Final = 0.2

Open = Callable[[Listener], Awaitable[Wire]]


class LinkLost(DriverError):
    """The connection is over; the fault says why."""


class CentreLink:
    """The Listener of its wire.  `heard` gets every packet that answers nothing of ours; what it gives is sent."""

    wire: Wire

    def __init__(self, heard: Callable[[Message], bytes | None], refuse: Callable[[Damage], bytes | None]) -> None:
        self._heard, self._refuse = heard, refuse
        self._loop = asyncio.get_running_loop()
        self._splitter = Splitter(SHAPE)
        self._exchanges = Exchanges(window=WINDOW)
        self._waiting: dict[str, asyncio.Future[Settled]] = {}
        self._changed = asyncio.Event()
        self._lost: Fault | None = None

    def received(self, data: bytes) -> None:
        self._take(self._splitter.feed(data, self._now_ms()))
        self._changed.set()

    def lost(self, fault: Fault) -> None:
        self._lost = fault
        self._changed.set()

    async def exchange(self, key: str, build: Callable[[int], bytes]) -> Settled:
        """Sends what `build` makes of a serial number until it is confirmed, or given up; one at a time for a key."""
        settled: asyncio.Future[Settled] = self._loop.create_future()
        self._waiting[key] = settled
        self._exchanges.begin(key, build, self._now_ms())
        self._changed.set()
        try:
            return await settled
        finally:
            del self._waiting[key]

    async def run(self) -> None:
        """Sends what is due, until the wire is lost.  Raises LinkLost."""
        while self._lost is None:
            self._changed.clear()
            if self._splitter.pending:
                self._take(self._splitter.idle(self._now_ms()))
            packets, failed = self._exchanges.due(self._now_ms())
            for packet in packets:
                self.wire.send(packet)
            for settled in failed:
                self._settle(settled)
            due_ms = self._exchanges.next_due_ms()
            wait_s = None if due_ms is None else max(due_ms - self._now_ms(), 1) / 1000
            if self._splitter.pending:
                wait_s = min(wait_s or SILENCE_S, SILENCE_S)
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                continue
        raise LinkLost(self._lost)

    def _take(self, found: list[Frame | Damage]) -> None:
        for item in found:
            if not isinstance(item, Frame):
                answer = self._refuse(item)
            else:
                message = parse(item.data)
                settled = self._exchanges.accept(message, item.at_ms)
                if settled is not None:
                    self._settle(settled)
                    continue
                answer = self._heard(message)
            if answer is not None:
                self.wire.send(answer)

    def _settle(self, settled: Settled) -> None:
        waiting = self._waiting.get(settled.key)
        if waiting is not None and not waiting.done():
            waiting.set_result(settled)

    def _now_ms(self) -> int:
        return round(self._loop.time() * 1000)


def opener(name: str, url: str) -> Open:
    """Opens the wire to a `tcp://host:port` or `udp://host:port`; raises DriverError when it cannot be opened."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 0
    if parts.scheme == "udp":
        return lambda listener: _open_udp(name, host, port, listener)
    return lambda listener: open_tcp(TcpLine(name, host, port), listener)


class _Datagrams(asyncio.DatagramProtocol):
    """A Wire of datagrams to one address; what the network says of single ones is left to the exchanges' time-out."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.sendto(data)

    def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        if self._transport is not None:
            self._listener.received(data)


async def _open_udp(name: str, host: str, port: int, listener: Listener) -> Wire:
    loop = asyncio.get_running_loop()
    try:
        _, wire = await loop.create_datagram_endpoint(lambda: _Datagrams(listener), remote_addr=(host, port))
    except OSError as error:
        raise DriverError(tcp_fault(error, RtuTcpLine(name, host, port)), name) from error
    return wire
