"""Modbus slaves: the units of one bus, on a serial line, behind Modbus TCP, or behind RTU over TCP.

A unit that is not on the bus is answered with silence, as on a real one.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from hw_sim import rtu
from hw_sim.device import Device
from hw_sim.faults import Reply
from hw_sim.served import Log, Served, Ticket
from hw_sim.wire import Burst

BROADCAST = 0


@dataclass(frozen=True)
class Unit:
    """A device at its address on a bus."""

    address: int
    name: str
    device: Device


@dataclass
class Sending:
    """An answer ready for the wire, and where it is kept in the list of answers served."""

    reply: Reply
    device: Device
    log: Log
    ticket: Ticket

    def lost(self, state: str) -> None:
        if not self.reply.spoilt:
            self.reply.spoilt = True
            self.log.damage(self.ticket, state)


class Bus:
    """Units that share a line or an endpoint; pure: request in, answer out."""

    def __init__(self, units: list[Unit], served: Served, now: Callable[[], float]) -> None:
        self.units: Mapping[int, Unit] = {unit.address: unit for unit in units}
        if len(self.units) != len(units):
            raise ValueError("two units have the same address")
        self.requests = 0
        self.foreign = 0
        self._logs = {unit.address: served.log(unit.name) for unit in units}
        self._now = now

    def request(self, address: int, pdu: bytes) -> Sending | None:
        """Executes a request; None is silence (a broadcast, a foreign or a dead unit)."""
        self.requests += 1
        now = self._now()
        if address == BROADCAST:
            for unit in self.units.values():
                unit.device.answer(pdu, now)
            return None
        target = self.units.get(address)
        if target is None:
            self.foreign += 1
            return None
        device = target.device
        if "dead" in device.faults:
            device.faults.spoil(Reply(address, pdu))
            return None
        answer = device.answer(pdu, now)
        reply = device.faults.spoil(Reply(address, answer))
        if reply is None:
            return None
        first, count = struct.unpack_from(">HH", pdu, 1) if len(pdu) >= 5 else (0, 0)
        payload = answer[1:2] if answer[0] & 0x80 else answer[2:] if answer[0] <= 4 else b""
        log = self._logs[address]
        return Sending(reply, device, log, log.append(address, answer[0], first, count, payload, reply.spoilt))


class Medium(Protocol):
    """A serial line as a station sees it."""

    char_s: float

    def transmit(self, data: bytes, at: float = 0.0, on_damage: Callable[[], None] | None = None) -> Burst: ...

    def cancel(self, burst: Burst) -> bool: ...


class RtuStation:
    """The units of a bus on a serial line; attach it to a `line.Line` or a `tty.TtyPort`.

    Keeps the silence of 3.5 characters before it answers, and demands it before every request: a request that
    comes sooner is taken as the rest of the frame before and dropped, as real slaves do (`strict`).
    `break_s` is the silence that ends a broken frame where a medium cannot tell 3.5 characters.
    """

    def __init__(self, bus: Bus, medium: Medium, *, strict: bool = True, break_s: float | None = None) -> None:
        self.bus = bus
        self.bad_frames = 0
        self.hurried = 0
        """Bursts that came without the legal silence before them."""
        self._medium = medium
        self._strict = strict
        self._gap_s = rtu.silence_s(medium.char_s)
        self._frame = bytearray()
        self._break_s = self._gap_s - 1e-6 if break_s is None else break_s
        self._quiet_since = 0.0
        self._whole = False
        self._pending: list[tuple[Burst, Sending]] = []

    def heard(self, data: bytes, start: float, end: float) -> None:
        """Bytes from the line; `start` and `end` on the monotonic clock."""
        self._settle(start)
        silent = start - self._quiet_since >= self._break_s
        if silent:
            if self._frame and not self._whole:
                self.bad_frames += 1
            self._frame.clear()
            self._whole = False
        elif self._whole:
            self.hurried += 1
            if not self._strict:
                self._frame.clear()
                self._whole = False
        self._quiet_since = end
        self._frame += data
        if self._whole:  # more bytes after a whole frame: it was none
            self.bad_frames += 1
            return
        if rtu.request_length(self._frame) == len(self._frame) and rtu.intact(self._frame):
            self._whole = True
            self._answer(end)

    def _answer(self, end: float) -> None:
        sending = self.bus.request(self._frame[0], bytes(self._frame[1:-2]))
        if sending is None:
            return
        reply = sending.reply
        frame = sending.device.faults.mangle(rtu.frame(reply.unit, reply.pdu, wrong_check=reply.wrong_check), reply)
        begin = end + self._gap_s + reply.delay_s
        burst = self._medium.transmit(frame, begin, lambda: sending.lost("line"))
        self._pending.append((burst, sending))

    def _settle(self, start: float) -> None:
        """Bytes that came at `start` end the wait of a slow unit, but not of a stubborn one."""
        pending, self._pending = self._pending, []
        for burst, sending in pending:
            if burst.start <= start:
                self._quiet_since = max(self._quiet_since, burst.start + len(burst.data) * self._medium.char_s)
            elif sending.reply.stubborn or not self._medium.cancel(burst):
                self._pending.append((burst, sending))
            else:
                sending.lost("lost")


class _Stream(asyncio.Protocol):
    """One TCP connection: what both framings share."""

    def __init__(self, server: TcpServer) -> None:
        self.server = server
        self.bus = server.bus
        self.transport: asyncio.Transport | None = None
        self.buffer = bytearray()
        self.busy_until = 0.0
        self.last = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.streams.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.streams.discard(self)

    def send(self, frame: bytes, sending: Sending, delay_s: float) -> None:
        if delay_s > 0:
            asyncio.get_running_loop().call_later(delay_s, self._write, frame, sending)
        else:
            self._write(frame, sending)

    def _write(self, frame: bytes, sending: Sending) -> None:
        if self.transport is None or self.transport.is_closing():
            sending.lost("lost")
        else:
            self.transport.write(frame)

    def drop(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class _TcpStream(_Stream):
    """MBAP header and PDU (MODBUS Messaging on TCP/IP V1.0b, 3.1)."""

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer
        buffer += data
        while len(buffer) >= 8:
            transaction, protocol, length, unit = struct.unpack_from(">HHHB", buffer)
            if protocol != 0 or not 2 <= length <= 254:
                self.server.bad_frames += 1
                self.drop()
                return
            if len(buffer) < 6 + length:
                return
            pdu = bytes(buffer[7 : 6 + length])
            del buffer[: 6 + length]
            sending = self.bus.request(unit, pdu)
            if sending is None:
                continue
            reply = sending.reply
            transaction ^= 0x5555 if reply.wrong_check else 0
            header = struct.pack(">HHHB", transaction, 0, len(reply.pdu) + 1, reply.unit)
            if reply.noise or reply.keep_bytes is not None:
                frame = sending.device.faults.mangle(header + reply.pdu, reply)
            else:
                frame = header + reply.pdu
            self.send(frame, sending, reply.delay_s)


class _RtuStream(_Stream):
    """Raw RTU frames, checksum included, as through a serial server; paced when the server has a baud rate."""

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer
        now = time.monotonic()
        if buffer and now - self.last > 0.5:  # half a frame of long ago
            buffer.clear()
        self.last = now
        buffer += data
        while buffer:
            length = rtu.request_length(buffer)
            if length is None or 0 < len(buffer) < length:
                return
            if length < 0 or not rtu.intact(buffer[:length]):
                self.server.bad_frames += 1
                buffer.clear()
                return
            frame = bytes(buffer[:length])
            del buffer[:length]
            sending = self.bus.request(frame[0], frame[1:-2])
            taken_s = self.server.char_s * length + self.server.gap_s
            if sending is None:
                self.busy_until = max(now, self.busy_until) + taken_s
                continue
            reply = sending.reply
            answer = rtu.frame(reply.unit, reply.pdu, wrong_check=reply.wrong_check)
            answer = sending.device.faults.mangle(answer, reply)
            taken_s += self.server.char_s * len(answer)
            self.busy_until = max(now, self.busy_until) + taken_s
            self.send(answer, sending, self.busy_until - now + reply.delay_s)
            self.busy_until += self.server.gap_s


class TcpServer:
    """One endpoint: Modbus TCP, or RTU over TCP with `framing="rtu-tcp"` (then `baud` paces it; 0 is unpaced)."""

    def __init__(self, bus: Bus, *, framing: str = "tcp", baud: int = 0, bits: int = 11) -> None:
        if framing not in ("tcp", "rtu-tcp"):
            raise ValueError(f"unknown framing {framing!r}")
        self.bus = bus
        self.framing = framing
        self.char_s = bits / baud if baud else 0.0
        self.gap_s = rtu.silence_s(self.char_s) if baud else 0.0
        self.bad_frames = 0
        self.streams: set[_Stream] = set()
        self.host = "127.0.0.1"
        self.port = 0
        self._server: asyncio.Server | None = None

    async def open(self, host: str = "127.0.0.1", port: int = 0) -> TcpServer:
        """Listens; port 0 picks a free one, kept over `close` and `open`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self.stream, host, port or self.port, reuse_address=True)
        self.host, self.port = self._server.sockets[0].getsockname()[:2]
        return self

    def stream(self) -> asyncio.Protocol:
        """The protocol of one connection."""
        return _TcpStream(self) if self.framing == "tcp" else _RtuStream(self)

    def drop_connections(self) -> None:
        for stream in list(self.streams):
            stream.drop()

    async def close(self) -> None:
        """Refuses connections from now on and drops those that exist."""
        if self._server is not None:
            self._server.close()
            self.drop_connections()
            await self._server.wait_closed()
            self._server = None
