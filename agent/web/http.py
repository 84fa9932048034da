"""HTTP/1.1 on one connection: h11, which knows the protocol (RFC 9112), between a transport and an ASGI application.

Invariants
1. Requests on one connection are answered one after another, in their order.
2. A connection is cut when it is slower than its limits, or one too many.
3. What the client sends is not read ahead beyond BODY_AHEAD_BYTES, and nothing is written while it takes nothing.
"""

from __future__ import annotations

import asyncio
import http
import logging
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import h11
from starlette.types import ASGIApp, Message, Scope

log = logging.getLogger(__name__)

KEEP_ALIVE_S: Final = 20.0
MAX_HEAD_BYTES: Final = 16 * 1024
BODY_AHEAD_BYTES: Final = 64 * 1024
REASONS: Final = {int(status): status.phrase.encode() for status in http.HTTPStatus}
PLAIN: Final = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]


class Limits(NamedTuple):
    """Of connections: how many at once, how long the head of a request may take, how long a client may take nothing."""

    connections: int = 128
    head_s: float = 10.0
    send_s: float = 10.0


LIMITS: Final = Limits()


class Traffic:
    """What one server has open."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self.connections = set[Connection]()
        self.tasks = set[asyncio.Task[None]]()


class Connection(asyncio.Protocol):
    """One connection, from the event loop only."""

    transport: asyncio.Transport

    def __init__(self, traffic: Traffic) -> None:
        self._traffic, self._loop = traffic, asyncio.get_running_loop()
        self._exchange: Exchange | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._reading = True
        self._addresses: dict[str, Any] = {}
        self.http = h11.Connection(h11.SERVER, MAX_HEAD_BYTES)
        self.writable = asyncio.Event()
        self.writable.set()

    # What the transport tells

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self._traffic.connections.add(self)
        if len(self._traffic.connections) > self._traffic.limits.connections:
            transport.abort()
            return
        peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        self._addresses = {
            "client": tuple(peer[:2]) if isinstance(peer, tuple) else None,
            "server": tuple(own[:2]) if isinstance(own, tuple) else None,
            "scheme": "https" if transport.get_extra_info("sslcontext") else "http",
        }
        self._start("head", self._traffic.limits.head_s, transport.abort)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._stop("keep-alive")
        if self._idle and "head" not in self._timers:
            self._start("head", self._traffic.limits.head_s, self.transport.abort)
        self.http.receive_data(data)
        self._read()
        if not self._idle:
            self._stop("head")

    def pause_writing(self) -> None:
        self.writable.clear()
        self._start("send", self._traffic.limits.send_s, self.transport.abort)

    def resume_writing(self) -> None:
        self.writable.set()
        self._stop("send")

    def connection_lost(self, exc: Exception | None) -> None:
        self._traffic.connections.discard(self)
        for name in tuple(self._timers):
            self._stop(name)
        if self._exchange is not None:
            self._exchange.lost()
        self.writable.set()

    # What an exchange asks for

    def write(self, event: h11.Event) -> None:
        """Raises h11.LocalProtocolError when this may not come now."""
        self.transport.write(self.http.send(event) or b"")

    def read_on(self, wanted: bool = True) -> None:
        """Whether the transport shall read."""
        if wanted != self._reading and not self.transport.is_closing():
            self._reading = wanted
            (self.transport.resume_reading if wanted else self.transport.pause_reading)()

    def answered(self) -> None:
        """The answer is complete: the connection ends, or waits for the next request."""
        self._stop("head")
        if self.http.our_state is h11.MUST_CLOSE:
            self.transport.close()
        if self.transport.is_closing():
            return
        self._start("keep-alive", KEEP_ALIVE_S, self.transport.close)
        self.read_on()
        if self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
            self.http.start_next_cycle()
            self._read()

    # Inside

    @property
    def _idle(self) -> bool:
        return self._exchange is None or self._exchange.complete

    def _start(self, name: str, after_s: float, do: Callable[[], None]) -> None:
        self._stop(name)
        self._timers[name] = self._loop.call_later(after_s, do)

    def _stop(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def _read(self) -> None:
        while True:
            try:
                event = self.http.next_event()
            except h11.RemoteProtocolError as error:
                log.info("no HTTP request from %s: %s", self._addresses.get("client"), error)
                self._refuse()
                return
            if event is h11.NEED_DATA:
                return
            if event is h11.PAUSED:  # the next request waits until this one is answered
                self.read_on(False)
                return
            if isinstance(event, h11.Request):
                self._stop("keep-alive")
                self._begin(event)
            elif self.http.our_state is h11.DONE:  # the answer did not wait for the whole body
                if isinstance(event, h11.EndOfMessage):
                    self.read_on()
                    self.http.start_next_cycle()
            elif self._exchange is not None and isinstance(event, h11.Data | h11.EndOfMessage):
                self.read_on(self._exchange.take(event))

    def _begin(self, request: h11.Request) -> None:
        path, _, query = request.target.partition(b"?")
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": request.http_version.decode("ascii"),
            "method": request.method.decode("ascii"),
            "root_path": "",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "headers": [(name.lower(), text) for name, text in request.headers],
            "state": {},
            **self._addresses,
        }
        self._exchange = Exchange(self, scope)
        task = self._loop.create_task(self._exchange.run(self._traffic.app))
        self._traffic.tasks.add(task)
        task.add_done_callback(self._traffic.tasks.discard)

    def _refuse(self) -> None:
        if self._exchange is not None:
            self._exchange.lost()
        if self.http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.write(h11.Response(status_code=400, headers=PLAIN, reason=REASONS[400]))
            self.write(h11.Data(data=b"Invalid HTTP request received."))
            self.write(h11.EndOfMessage())
        self.transport.close()


class Exchange:
    """One request and its answer, as an ASGI application sees them."""

    def __init__(self, connection: Connection, scope: Scope) -> None:
        self._connection, self._scope = connection, scope
        self._body, self._more, self._news = bytearray(), True, asyncio.Event()
        self._continue = connection.http.they_are_waiting_for_100_continue
        self._started = self._gone = self.complete = False

    async def run(self, app: ASGIApp) -> None:
        """Has the request answered.  What fails on the way is logged and told as 500, where still possible."""
        try:
            await app(self._scope, self.receive, self.send)
        except Exception:
            log.exception("%s %s failed", self._scope["method"], self._scope["path"])
        if self.complete or self._gone:
            return
        if self._started:
            self._connection.transport.close()
        else:
            await self.send({"type": "http.response.start", "status": 500, "headers": PLAIN})
            await self.send({"type": "http.response.body", "body": b"Internal Server Error"})

    def take(self, event: h11.Data | h11.EndOfMessage) -> bool:
        """A piece of the body, or its end; says whether more may be read."""
        if isinstance(event, h11.Data):
            self._body += event.data
        else:
            self._more = False
        self._news.set()
        return len(self._body) <= BODY_AHEAD_BYTES

    def lost(self) -> None:
        """Nobody waits for the answer any more."""
        self._gone = True
        self._news.set()

    async def receive(self) -> Message:
        """The next piece of the body; `http.disconnect` when the client has gone, or everything is answered."""
        if self._continue and not self._connection.transport.is_closing():
            self._connection.write(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
            self._continue = False
        if not self._gone and not self.complete:
            self._connection.read_on()
            await self._news.wait()
            self._news.clear()
        if self._gone or self.complete:
            return {"type": "http.disconnect"}
        body, self._body = bytes(self._body), bytearray()
        return {"type": "http.request", "body": body, "more_body": self._more}

    async def send(self, message: Message) -> None:
        """A piece of the answer; waits while the client takes nothing.  Raises RuntimeError for one out of turn."""
        await self._connection.writable.wait()
        if self._gone:
            return
        kind = message["type"]
        if self.complete or kind != ("http.response.body" if self._started else "http.response.start"):
            raise RuntimeError(f"{kind} out of turn")
        if not self._started:
            self._started, self._continue = True, False
            status = message["status"]
            headers = list(message.get("headers", ()))
            self._connection.write(h11.Response(status_code=status, headers=headers, reason=REASONS.get(status, b"")))
            return
        body = b"" if self._scope["method"] == "HEAD" else message.get("body", b"")
        self._connection.write(h11.Data(data=body))
        if not message.get("more_body", False):
            self.complete = True
            self._news.set()
            self._connection.write(h11.EndOfMessage())
            self._connection.answered()
