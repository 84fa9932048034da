"""A TCP connection: Modbus TCP, or raw serial bytes through a serial server."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

from courtyard.drivers.base import DriverError
from courtyard.drivers.lines.faults import line_fault, tcp_fault
from courtyard.drivers.lines.settings import RtuTcpLine, TcpLine
from courtyard.drivers.lines.wire import Listener

CONNECT_TIMEOUT_S = 3.0
READ_BYTES = 2048
_buffer = bytearray(READ_BYTES)
_view = memoryview(_buffer)
"""One for all connections of the event loop: asyncio fills it and hands it over in one step, before it reads again."""
UNSENT_LIMIT_BYTES = 8192


class TcpConnection(asyncio.BufferedProtocol):
    """A Wire on a connected socket.  It names the buffer to read into: asyncio's default takes 256 kB a read."""

    def __init__(self, line: TcpLine | RtuTcpLine, listener: Listener) -> None:
        self._line, self._listener = line, listener
        self._transport: asyncio.Transport | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def send(self, data: bytes) -> None:
        transport = self._transport
        if transport is None:
            return
        transport.write(data)
        if transport.get_write_buffer_size() > UNSENT_LIMIT_BYTES:
            self.close()
            self._listener.lost(line_fault("line.lost.jammed", where=f"{self._line.host}:{self._line.port}"))

    def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def get_buffer(self, sizehint: int) -> bytearray:
        return _buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._transport is not None:
            self._listener.received(bytes(_view[:nbytes]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._transport = None
            line = self._line
            reason = str(exc) if exc else "end of file"
            self._listener.lost(line_fault("line.tcp.closed", host=line.host, port=line.port, reason=reason))


async def open_tcp(line: TcpLine | RtuTcpLine, listener: Listener) -> TcpConnection:
    """Connects, trying every address of the name.  Raises DriverError."""
    loop = asyncio.get_running_loop()
    error: OSError | UnicodeError = TimeoutError()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            for _, _, _, _, address in await loop.getaddrinfo(line.host, line.port, type=socket.SOCK_STREAM):
                try:
                    _, connection = await loop.create_connection(
                        lambda: TcpConnection(line, listener), str(address[0]), line.port
                    )
                    return connection
                except OSError as refused:
                    error = refused
    except (OSError, UnicodeError) as failed:
        error = failed
    raise DriverError(tcp_fault(error, line), line.name) from error
