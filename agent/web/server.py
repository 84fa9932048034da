"""The listener: HTTP/1.1 within the agent's event loop, TLS where the site wants it, and bounds on connections.

Invariants
1. At most `Limits.connections` connections are open, those whose handshake is not done among them; one more is closed
   before anything is made for it.
2. A handshake takes HANDSHAKE_S at most.
3. Without file descriptors it rests for REST_S, and leaves those that are there to the rest of the gateway.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from typing import Any, Final

from starlette.types import ASGIApp

from courtyard.agent.web.http import LIMITS, Connection, Limits, Traffic
from courtyard.drivers.base import DriverError, Fault, Text

log = logging.getLogger(__name__)

HANDSHAKE_S: Final = 10.0
REST_S: Final = 1.0
SPENT: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
STOP_S: Final = 1.0
TLS_READ_BYTES: Final = 16 * 1024
"""What a connection with TLS reads at a time; asyncio holds a buffer of that size for each, 256 KiB left to itself."""


class WebServer:
    """Serves one ASGI application at one address until cancelled.

    `port` is the one in use, 0 before; `on_listening` is called when it is known.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, tls: ssl.SSLContext | None, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._app, self._host, self._asked, self._tls = app, host, port, tls
        self.port = 0
        self.on_listening: Callable[[], None] = lambda: None
        self._traffic = Traffic(app, limits)
        self._arriving = set[asyncio.Task[None]]()

    async def run(self) -> None:
        """Raises DriverError when it cannot listen there."""
        loop, traffic = asyncio.get_running_loop(), self._traffic
        SSLProtocol.max_size = TLS_READ_BYTES
        try:
            listening = await self._listen()
        except OSError as error:
            raise DriverError(_cannot_listen(self._host, self._asked, error)) from error
        self.port = int(listening[0].getsockname()[1])
        for each in listening:
            loop.add_reader(each.fileno(), self._accept, each)
        self.on_listening()
        try:
            await asyncio.Event().wait()
        finally:
            for each in listening:
                loop.remove_reader(each.fileno())
                each.close()
            for connection in tuple(traffic.connections):
                connection.transport.abort()
            for arriving in self._arriving:
                arriving.cancel()
            if traffic.tasks:
                _, late = await asyncio.wait(traffic.tasks, timeout=STOP_S)
                for task in late:
                    task.cancel()

    async def _listen(self) -> list[socket.socket]:
        """Raises OSError."""
        loop, made = asyncio.get_running_loop(), list[socket.socket]()
        found = await loop.getaddrinfo(self._host, self._asked, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        try:
            for family, _, _, _, address in dict.fromkeys(found):
                own = socket.create_server(address[:2], family=family, backlog=self._limits.connections)
                own.setblocking(False)
                made.append(own)
                if not self._asked:
                    break  # each would get a port of its own
        except OSError:
            for own in made:
                own.close()
            raise
        return made

    def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            taken, _ = listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            if error.errno not in SPENT:
                raise
            log.warning("no connection can be taken: %s", error.strerror)
            loop.remove_reader(listening.fileno())
            loop.call_later(REST_S, self._again, listening)
            return
        if len(self._traffic.connections) + len(self._arriving) >= self._limits.connections:
            taken.close()
            return
        taken.setblocking(False)
        task = loop.create_task(self._welcome(taken))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    def _again(self, listening: socket.socket) -> None:
        if listening.fileno() >= 0:
            asyncio.get_running_loop().add_reader(listening.fileno(), self._accept, listening)

    async def _welcome(self, taken: socket.socket) -> None:
        """From an accepted connection to one that can be read, through the handshake where there is one."""
        loop = asyncio.get_running_loop()
        tls: dict[str, Any] = {"ssl": self._tls, "ssl_handshake_timeout": HANDSHAKE_S} if self._tls else {}
        try:
            await loop.connect_accepted_socket(lambda: Connection(self._traffic), taken, **tls)
        except OSError as error:  # of which errors of TLS are a kind
            log.info("no connection with a client: %s", error)
            taken.close()


def _cannot_listen(host: str, port: int, error: OSError) -> Fault:
    if error.errno == errno.EADDRINUSE:
        what = Text(f"Another program uses port {port}.", f"端口 {port} 已被其他程序占用。")
    elif error.errno == errno.EACCES:
        what = Text(f"The service may not listen on port {port}.", f"服务无权监听端口 {port}。")
    else:
        what = Text(f"Cannot listen on {host}:{port}: {error.strerror}.", f"无法监听 {host}:{port}：{error.strerror}。")
    cure = Text("Choose another port in [web] of the site file.", "请在站点文件的 [web] 中改用其他端口。")
    return Fault("web.listen", what, cure)
