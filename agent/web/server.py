"""The listener: HTTP/1.1 within the agent's event loop, TLS where the site wants it, and bounds on connections.

uvicorn's protocol is used without its server, whose signal handling and process life belong to the daemon here.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from courtyard.drivers.base import DriverError, Fault, Text

HANDSHAKE_S: Final = 10.0
KEEP_ALIVE_S: Final = 20
MAX_HEAD_BYTES: Final = 16 * 1024
STOP_S: Final = 1.0


class Limits(NamedTuple):
    """Of connections: how many at once, how long the head of a request may take, how long a client may take nothing."""

    connections: int = 128
    head_s: float = 10.0
    send_s: float = 10.0


LIMITS: Final = Limits()


class _Protocol(H11Protocol):
    """One connection: cut when it is slower than the limits, or one too many."""

    limits = LIMITS
    _head_timer: asyncio.TimerHandle | None = None
    _send_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            transport.abort()
            return
        self._head_timer = self.loop.call_later(self.limits.head_s, self._head_late)

    def data_received(self, data: bytes) -> None:
        if self._head_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._head_timer = self.loop.call_later(self.limits.head_s, self._head_late)
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._send_timer = self.loop.call_later(self.limits.send_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None

    def on_response_complete(self) -> None:
        self._stop_head_timer()
        super().on_response_complete()

    def _head_late(self) -> None:
        self._head_timer = None
        self.transport.abort()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


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
        loop, state = asyncio.get_running_loop(), ServerState()
        config = Config(
            self._app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        )
        config.load()
        tls: dict[str, Any] = {"ssl": self._tls, "ssl_handshake_timeout": HANDSHAKE_S} if self._tls else {}
        try:
            server = await loop.create_server(
                lambda: self._protocol(config, state), self._host, self._asked, backlog=self._limits.connections, **tls
            )
        except OSError as error:
            raise DriverError(_cannot_listen(self._host, self._asked, error)) from error
        self.port = int(server.sockets[0].getsockname()[1])
        self.on_listening()
        try:
            await server.serve_forever()
        finally:
            server.close()
            for connection in tuple(state.connections):
                connection.transport.abort()
            if state.tasks:
                _, late = await asyncio.wait(state.tasks, timeout=STOP_S)
                for task in late:
                    task.cancel()

    def _protocol(self, config: Config, state: ServerState) -> _Protocol:
        protocol = _Protocol(config, state, {}, asyncio.get_running_loop())
        protocol.limits = self._limits
        return protocol


def _cannot_listen(host: str, port: int, error: OSError) -> Fault:
    if error.errno == errno.EADDRINUSE:
        what = Text(f"Another program uses port {port}.", f"端口 {port} 已被其他程序占用。")
    elif error.errno == errno.EACCES:
        what = Text(f"The service may not listen on port {port}.", f"服务无权监听端口 {port}。")
    else:
        what = Text(f"Cannot listen on {host}:{port}: {error.strerror}.", f"无法监听 {host}:{port}：{error.strerror}。")
    cure = Text("Choose another port in [web] of the site file.", "请在站点文件的 [web] 中改用其他端口。")
    return Fault("web.listen", what, cure)
