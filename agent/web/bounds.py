"""What every request is held to: size, time, headers, and coming from the page itself.

Invariants
1. A request body is at most MAX_BODY_BYTES, or what LARGER says, and arrives within BODY_S; else 413 or 408.
2. A request that changes something comes from a page of this origin, or carries no cookie.
3. No page runs script or takes style, images or connections from anywhere but this origin.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES: Final = 64 * 1024
LARGER: Final = {"/mend": 2_000_000, "/commissioning/import": 1_100_000}
"""Bodies that may be larger, by path: a whole site file, a table of devices."""
BODY_S: Final = 10.0
READS: Final = frozenset({"GET", "HEAD"})
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Bounds:
    """ASGI middleware; see above."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers, most = Headers(scope=scope), LARGER.get(scope["path"], MAX_BODY_BYTES)

        async def bounded_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(message)
            await send(message)

        if int_or_none(headers.get("content-length", "0")) is None:
            await _plain(400, "bad content-length")(scope, receive, bounded_send)
        elif not _of_this_origin(scope["method"], headers):
            await _plain(403, "cross-site request refused")(scope, receive, bounded_send)
        elif (int_or_none(headers.get("content-length", "0")) or 0) > most:
            await _plain(413, "body too large")(scope, receive, bounded_send)
        else:
            await self._app(scope, _bounded(receive, scope["method"], most), bounded_send)


def int_or_none(text: str) -> int | None:
    """A count written in digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _bounded(receive: Receive, method: str, most: int) -> Receive:
    if method in READS:
        return receive  # what it receives is only that the client has gone
    taken, ends_at, whole = 0, asyncio.get_running_loop().time() + BODY_S, False

    async def bounded() -> Message:
        nonlocal taken, whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout_at(ends_at):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(408, "body too slow") from error
        taken += len(message.get("body", b""))
        if taken > most:
            raise HTTPException(413, "body too large")
        whole = not message.get("more_body", False)
        return message

    return bounded


def _of_this_origin(method: str, headers: Headers) -> bool:
    if method in READS or "cookie" not in headers:
        return True
    origin = headers.get("origin")
    if origin is not None:
        return origin.partition("://")[2] == headers.get("host")
    return headers.get("sec-fetch-site") in ("same-origin", "none")


def _add_headers(message: Message) -> None:
    headers = MutableHeaders(scope=message)
    for name, text in HEADERS.items():
        headers[name] = text
    headers.setdefault("Cache-Control", "no-store")


def _plain(status: int, text: str) -> PlainTextResponse:
    return PlainTextResponse(text, status, {"Connection": "close"})


def only(text: str | None, allowed: Iterable[str], default: str = "") -> str:
    """A word of a query when it is one of those allowed."""
    return text if text in tuple(allowed) else default
