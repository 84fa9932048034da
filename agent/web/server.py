"""The listener: HTTP/1.1 within the agent's event loop, TLS where the site wants it, and bounds on connections."""

from __future__ import annotations

import asyncio
import errno
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from typing import Any, Final

from starlette.types import ASGIApp

from courtyard.agent.web.http import LIMITS, Connection, Limits, Traffic
from courtyard.drivers.base import DriverError, Fault, Text

HANDSHAKE_S: Final = 10.0
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

    async def run(self) -> None:
        """Raises DriverError when it cannot listen there."""
        loop, traffic = asyncio.get_running_loop(), Traffic(self._app, self._limits)
        SSLProtocol.max_size = TLS_READ_BYTES
        tls: dict[str, Any] = {"ssl": self._tls, "ssl_handshake_timeout": HANDSHAKE_S} if self._tls else {}
        try:
            server = await loop.create_server(
                lambda: Connection(traffic), self._host, self._asked, backlog=self._limits.connections, **tls
            )
        except OSError as error:
            raise DriverError(_cannot_listen(self._host, self._asked, error)) from error
        self.port = int(server.sockets[0].getsockname()[1])
        self.on_listening()
        try:
            await server.serve_forever()
        finally:
            server.close()
            for connection in tuple(traffic.connections):
                connection.transport.abort()
            if traffic.tasks:
                _, late = await asyncio.wait(traffic.tasks, timeout=STOP_S)
                for task in late:
                    task.cancel()


def _cannot_listen(host: str, port: int, error: OSError) -> Fault:
    if error.errno == errno.EADDRINUSE:
        what = Text(f"Another program uses port {port}.", f"端口 {port} 已被其他程序占用。")
    elif error.errno == errno.EACCES:
        what = Text(f"The service may not listen on port {port}.", f"服务无权监听端口 {port}。")
    else:
        what = Text(f"Cannot listen on {host}:{port}: {error.strerror}.", f"无法监听 {host}:{port}：{error.strerror}。")
    cure = Text("Choose another port in [web] of the site file.", "请在站点文件的 [web] 中改用其他端口。")
    return Fault("web.listen", what, cure)
