"""A TCP proxy that is a bad uplink: few bits a second, a delay, small buffers, and outages on command."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping

from hw_sim.control import Command

CHUNK_BYTES = 1460
BUSY_S = 0.02
"""Bytes that come so soon after the last ones find a busy pipe: what this process was late for is not lost."""


class Pipe:
    """One direction of the uplink, shared by all connections; `rate_bps` 0 is unlimited."""

    def __init__(self, rate_bps: float) -> None:
        self.rate_bps = rate_bps
        self.bytes = 0
        self._free_at = 0.0

    def reserve(self, size: int) -> float:
        """When (monotonic) the last of `size` more bytes has left."""
        self.bytes += size
        now = time.monotonic()
        if not self.rate_bps:
            return now
        begin = self._free_at if now - self._free_at < BUSY_S else now
        self._free_at = begin + 8 * size / self.rate_bps
        return self._free_at


class Throttle:
    """Listens on `port` (0: a free one, kept for ever) and forwards to the target.

    rate_bps: bits a second each way; delay_s: one way; buffer_bytes: of each socket, so that a sender soon feels
    how slow the line is.
    """

    def __init__(
        self, host: str, port: int, *, rate_bps: float = 0.0, delay_s: float = 0.0, buffer_bytes: int = 8192
    ) -> None:
        self.target = (host, port)
        self.delay_s = delay_s
        self.port = 0
        self.up, self.down = Pipe(rate_bps), Pipe(rate_bps)
        self.accepted = 0
        self.broken = 0
        self.stopped = asyncio.Event()
        self._buffer_bytes = buffer_bytes
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self, port: int = 0) -> Throttle:
        listener = self._socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port or self.port))
        self.port = listener.getsockname()[1]
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=2 * CHUNK_BYTES)
        return self

    async def close(self) -> None:
        await self.refuse()

    async def cut(self) -> None:
        """Ends every connection; new ones are accepted."""
        ending = list(self._connections)
        for connection in ending:
            connection.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def refuse(self) -> None:
        """Ends every connection and refuses new ones."""
        if self._server is not None:
            self._server.close()
            await self.cut()
            await self._server.wait_closed()
            self._server = None

    def stall(self) -> None:
        """Connections stay, nothing moves, as when a route is lost."""
        self._flowing.clear()

    async def heal(self) -> None:
        """Ends `stall` and `refuse`."""
        self._flowing.set()
        if self._server is None:
            await self.open()

    def table(self) -> Mapping[str, Command]:
        return {
            "cut": Command(lambda words: self.cut(), "end every connection, accept new ones"),
            "refuse": Command(lambda words: self.refuse(), "end every connection, refuse new ones"),
            "stall": Command(lambda words: self.stall(), "keep connections, move nothing"),
            "heal": Command(lambda words: self.heal(), "end stall and refuse"),
            "rate": Command(self._rate, "BITS_PER_S each way, 0 is unlimited"),
            "delay": Command(self._delay, "MS one way"),
            "counters": Command(lambda words: self.counters(), "connections and bytes"),
            "quit": Command(lambda words: self.stopped.set(), "end the simulator"),
        }

    def counters(self) -> dict[str, int]:
        return {
            "accepted": self.accepted,
            "broken": self.broken,
            "open": len(self._connections),
            "up_bytes": self.up.bytes,
            "down_bytes": self.down.bytes,
        }

    def _rate(self, words: list[str]) -> None:
        self.up.rate_bps = self.down.rate_bps = float(words[0])

    def _delay(self, words: list[str]) -> None:
        self.delay_s = float(words[0]) / 1000

    def _socket(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            made.setsockopt(socket.SOL_SOCKET, option, self._buffer_bytes)
        return made

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        connection = asyncio.get_running_loop().create_task(self._forward(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._flowing.wait()
            upstream = self._socket()
            await asyncio.get_running_loop().sock_connect(upstream, self.target)
            far_reader, far_writer = await asyncio.open_connection(sock=upstream, limit=2 * CHUNK_BYTES)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump(reader, far_writer, self.up))
                    both.create_task(self._pump(far_reader, writer, self.down))
            finally:
                far_writer.transport.abort()
        except* OSError:  # a side went away, or the target refuses: the other side sees a closed connection
            self.broken += 1
        finally:
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pipe: Pipe) -> None:
        loop = asyncio.get_running_loop()
        arrives_at = 0.0
        writer.transport.set_write_buffer_limits(high=self._buffer_bytes)
        while data := await reader.read(CHUNK_BYTES):
            await self._flowing.wait()
            wait_s = pipe.reserve(len(data)) - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            await self._flowing.wait()
            arrives_at = max(arrives_at, loop.time() + self.delay_s)
            if arrives_at > loop.time():
                loop.call_at(arrives_at, writer.write, data)
            else:
                writer.write(data)
            await writer.drain()
        await asyncio.sleep(max(0.0, arrives_at - loop.time()) + self.delay_s)
        writer.write_eof()
