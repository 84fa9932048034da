"""A part of the page that is loaded when somebody who may see it first asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send


class Late:
    """Everything at and below a path.  Elsewhere nothing is found."""

    def __init__(
        self,
        base: str,
        load: Callable[[], Awaitable[ASGIApp]],
        refuse: Callable[[Request], Awaitable[Response | None]],
    ) -> None:
        """`refuse` answers those for whose sake nothing is loaded."""
        self._base, self._load, self._refuse = base, load, refuse
        self._loading = asyncio.Lock()
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path != self._base and not path.startswith(f"{self._base}/"):
            await PlainTextResponse("Not Found", 404)(scope, receive, send)
            return
        if self._app is None:
            refused = await self._refuse(Request(scope, receive))
            if refused is not None:
                await refused(scope, receive, send)
                return
            async with self._loading:
                self._app = self._app or await self._load()
        await self._app(scope, receive, send)
