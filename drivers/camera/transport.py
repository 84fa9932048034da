"""HTTP to one camera, with limits that hold: sizes, times, and a way to end a request that hangs.

Invariants
1. No reply larger than its limit is ever held in memory.
2. `abort` ends every request in flight, wherever its thread waits.
3. The password goes into digests only; no proxy of the environment is used and no redirect is followed.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPDigestAuth
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from zeep.transports import Transport

from courtyard.drivers.camera.reply import MOST_BYTES, Malformed
from courtyard.drivers.camera.settings import Login

CONNECT_S, READ_S = 5.0, 10.0
MOST_SNAPSHOT = 4 << 20


class TooSlow(Exception):
    """The camera took longer for its whole answer than it may."""


class _Limits(HTTPAdapter):
    """Connections whose sockets are known, so that they can be ended, and whose certificate is pinned."""

    def __init__(self, pin: str | None) -> None:
        self._pin = pin
        self.sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        super().__init__(pool_connections=2, pool_maxsize=2, max_retries=0)

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        if self._pin:
            more |= {"assert_fingerprint": self._pin, "cert_reqs": "CERT_NONE"}
        super().init_poolmanager(*args, **more)
        seen = self.sockets.add

        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                seen(self.sock)

            def getresponse(self) -> Any:
                return _in_time(self, super().getresponse)

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                seen(self.sock)

            def getresponse(self) -> Any:
                return _in_time(self, super().getresponse)

        pools = {"http": _pool(HTTPConnectionPool, Plain), "https": _pool(HTTPSConnectionPool, Secure)}
        self.poolmanager.pool_classes_by_scheme = pools


def _in_time(connection: HTTPConnection, read: Callable[[], Any]) -> Any:
    """The head of an answer; one that drips in has the time of a single read.  Raises TimeoutError."""
    sock, is_over = connection.sock, threading.Event()

    def end() -> None:
        is_over.set()
        with contextlib.suppress(OSError):  # closed already
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(connection.timeout or READ_S, end)
    timer.daemon = True
    timer.start()
    try:
        response = read()
    except (OSError, http.client.HTTPException):
        if not is_over.is_set():
            raise
    finally:
        timer.cancel()
    if is_over.is_set():
        raise TimeoutError
    return response


def _pool(base: type[Any], connection: type[Any]) -> type[Any]:
    return type(base.__name__, (base,), {"ConnectionCls": connection})


class CameraTransport(Transport):
    """Zeep's transport to one camera.  `clock` is a monotonic clock in seconds."""

    def __init__(self, login: Login, pin: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._adapter, self._clock = _Limits(pin), clock
        session = requests.Session()
        session.trust_env, session.verify = False, pin is None
        session.auth = HTTPDigestAuth(login.username, login.password)
        session.mount("http://", self._adapter)
        session.mount("https://", self._adapter)
        self.read_s = READ_S
        super().__init__(session=session)  # type: ignore[no-untyped-call]

    def post(self, address: str, message: Any, headers: dict[str, str]) -> requests.Response:
        """Zeep's way out; `read_s` is how long the whole answer may take."""
        return self._fetch("POST", address, MOST_BYTES, self.read_s, data=message, headers=headers)

    def get_picture(self, address: str) -> bytes:
        """A snapshot."""
        response = self._fetch("GET", address, MOST_SNAPSHOT, READ_S)
        if response.status_code != requests.codes.ok:
            raise Malformed(f"HTTP status {response.status_code} instead of a picture")
        return response.content

    def abort(self) -> None:
        """Ends every request in flight; from any thread."""
        for connection in list(self._adapter.sockets):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed already

    def close(self) -> None:
        self.abort()
        self.session.close()

    def _fetch(self, method: str, address: str, most: int, read_s: float, **more: Any) -> requests.Response:
        end_s = self._clock() + CONNECT_S + read_s
        response = self.session.request(
            method, address, stream=True, allow_redirects=False, timeout=(CONNECT_S, read_s), **more
        )
        with response:
            parts, size = [], 0
            while part := response.raw.read1(65536, decode_content=True):
                parts.append(part)
                size += len(part)
                if size > most:
                    raise Malformed(f"more than {most} bytes")
                if self._clock() > end_s:
                    raise TooSlow
            response._content = b"".join(parts)
        return response
