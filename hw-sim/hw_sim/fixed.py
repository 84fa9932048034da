"""A Modbus TCP server that does nothing but answer, as fast as one core can, for measurements.

Every unit has `registers` holding registers from 0: a uint32 poll number (ABCD) that grows by one with each answer
that contains it, a uint32 time of the answer (Unix time in units of 100 microseconds, modulo 2**32, ABCD), then
float32 values (ABCD) that stand still.  Answers are made once per kind of request and only these two numbers
are written into them.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Mapping

from hw_sim.control import Command

_NUMBERS = struct.Struct(">II")
_REQUEST = struct.Struct(">HHHBBHH")
TICKS_PER_S = 10_000


class FixedServer:
    """`endpoints` ports of `units` units each; unit addresses count from 1 on every port."""

    def __init__(self, *, endpoints: int = 200, units: int = 1, registers: int = 20) -> None:
        if not 4 <= registers <= 10_000 or not 1 <= units <= 247:
            raise ValueError("4 to 10,000 registers, 1 to 247 units")
        self.registers = registers
        self.units = units
        self.answers = 0
        self.polls: list[list[int]] = [[0] * (units + 1) for _ in range(endpoints)]
        """Answers served with a poll number: by endpoint, by unit address."""
        self.ports: list[int] = []
        self.stopped = asyncio.Event()
        self._servers: list[asyncio.Server] = []
        values = (registers - 4) // 2
        image = bytes(8) + struct.pack(f">{values}f", *(20.0 + i / 8 for i in range(values)))
        self._image = image.ljust(2 * registers, b"\0")
        self._made: dict[bytes, bytearray] = {}

    async def open(self, host: str = "127.0.0.1") -> FixedServer:
        loop = asyncio.get_running_loop()
        for polls in self.polls:
            server = await loop.create_server(lambda polls=polls: _Connection(self, polls), host, 0)  # type: ignore[misc]
            self._servers.append(server)
            self.ports.append(server.sockets[0].getsockname()[1])
        return self

    async def close(self) -> None:
        for server in self._servers:
            server.close()

    def template(self, request: bytes) -> bytearray:
        """The answer to one kind of request (its last 5 bytes), without transaction, unit and numbers."""
        made = self._made.get(request)
        if made is None:
            function, first, count = struct.unpack(">BHH", request)
            if function not in (3, 4):
                made = bytearray([0, 0, 0, 0, 0, 3, 0, function | 0x80, 1])
            elif not 1 <= count <= 125:
                made = bytearray([0, 0, 0, 0, 0, 3, 0, function | 0x80, 3])
            elif first + count > self.registers:
                made = bytearray([0, 0, 0, 0, 0, 3, 0, function | 0x80, 2])
            else:
                head = struct.pack(">HHHBBB", 0, 0, 3 + 2 * count, 0, function, 2 * count)
                made = bytearray(head + self._image[2 * first : 2 * (first + count)])
            if len(self._made) < 10_000:
                self._made[request] = made
        return made

    def describe(self) -> dict[str, object]:
        return {"host": "127.0.0.1", "ports": self.ports, "units": self.units, "registers": self.registers}

    def served(self) -> dict[str, object]:
        return {
            "answers": self.answers,
            "polls": {port: polls[1:] for port, polls in zip(self.ports, self.polls, strict=True)},
        }

    def table(self) -> Mapping[str, Command]:
        return {
            "describe": Command(lambda words: self.describe(), "ports, units, registers"),
            "served": Command(lambda words: self.served(), "answers, and poll numbers by port and unit"),
            "quit": Command(lambda words: self.stopped.set(), "end the simulator"),
        }


class _Connection(asyncio.Protocol):
    def __init__(self, server: FixedServer, polls: list[int]) -> None:
        self._server = server
        self._polls = polls
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        server, polls, out = self._server, self._polls, []
        whole = len(data) // 12 * 12
        for offset in range(0, whole, 12):
            _, protocol, length, unit, function, first, count = _REQUEST.unpack_from(data, offset)
            if protocol or length != 6:  # only requests for registers are served here
                self._transport.abort()
                return
            if not 0 < unit <= server.units:
                continue
            answer = server.template(data[offset + 7 : offset + 12])
            answer[0:2] = data[offset : offset + 2]
            answer[6] = unit
            if first == 0 and count >= 4 and function < 5 and len(answer) > 9:
                polls[unit] += 1
                _NUMBERS.pack_into(answer, 9, polls[unit] & 0xFFFFFFFF, int(time.time() * TICKS_PER_S) & 0xFFFFFFFF)
            out.append(bytes(answer))
        self._rest = data[whole:]
        server.answers += len(out)
        self._transport.write(b"".join(out))
