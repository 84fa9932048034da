"""What commissions the box is loaded at the first request of somebody who may see it, and only then."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from courtyard.agent.web.late import Late
from tests.web_rig import Stage


class Part:
    """Counts how often it is loaded, and lets it take until `ready`."""

    def __init__(self) -> None:
        self.loaded, self.ready = 0, asyncio.Event()

    async def load(self) -> ASGIApp:
        self.loaded += 1
        await self.ready.wait()

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            await PlainTextResponse(f"late {scope['path']}")(scope, receive, send)

        return answer


async def allow(request: Request) -> Response | None:
    return None


async def deny(request: Request) -> Response | None:
    return PlainTextResponse("no", 403)


async def get(app: ASGIApp, path: str) -> tuple[int, bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    await app({"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}, receive, send)
    return sent[0]["status"], sent[1]["body"]


def test_two_that_ask_at_once_get_the_one_that_is_loaded() -> None:
    async def scene() -> None:
        part = Part()
        late = Late("/part", part.load, allow)
        asked = [asyncio.create_task(get(late, path)) for path in ("/part", "/part/a")]
        await asyncio.sleep(0)
        part.ready.set()
        assert await asyncio.gather(*asked) == [(200, b"late /part"), (200, b"late /part/a")]
        assert (await get(late, "/part/b"))[0] == 200
        assert part.loaded == 1

    asyncio.run(scene())


def test_nothing_is_loaded_for_those_who_may_not_see_it_nor_elsewhere() -> None:
    async def scene() -> None:
        part = Part()
        assert await get(Late("/part", part.load, deny), "/part/a") == (403, b"no")
        assert (await get(Late("/part", part.load, allow), "/party"))[0] == 404
        assert part.loaded == 0

    asyncio.run(scene())


@pytest.mark.parametrize("path", ["/commissioning", "/commissioning/lines", "/commissioning/nowhere"])
def test_without_a_desk_there_is_nothing_to_commission(path: str) -> None:
    assert asyncio.run(Stage().call("GET", path, role="installer")).status == 404
