"""HTTP/1.1 on a connection of the page, byte by byte: order, bodies, bad requests, failing and endless answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from courtyard.agent.web.http import BODY_AHEAD_BYTES, Limits
from courtyard.agent.web.server import WebServer
from courtyard.agent.web.stream import Stream

WAIT_S = 100.0


async def tell(send: Send, body: bytes, *, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


async def body_of(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        assert message["type"] == "http.request"
        body, more = body + message["body"], message["more_body"]
    return body


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what it was asked."""
    body = await body_of(receive)
    told = f"{scope['method']} {scope['path']}?{scope['query_string'].decode()} {len(body)} {scope['scheme']}".encode()
    await tell(send, told, headers=((b"content-length", str(len(told)).encode()),))


@asynccontextmanager
async def client(app: ASGIApp) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    server, listening = WebServer(app, "127.0.0.1", 0, None, Limits(4, WAIT_S, WAIT_S)), asyncio.Event()
    server.on_listening = listening.set
    running = asyncio.create_task(server.run())
    async with asyncio.timeout(WAIT_S):
        await listening.wait()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            running.cancel()
            await asyncio.wait({running})


def talk(app: ASGIApp, *sent: bytes) -> bytes:
    """What comes back until the server ends the connection."""

    async def all_of_it() -> bytes:
        async with client(app) as (reader, writer):
            for each in sent:
                writer.write(each)
                await writer.drain()
            return await reader.read()

    return asyncio.run(all_of_it())


LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def test_requests_sent_at_once_are_answered_in_order() -> None:
    first = b"POST /a%20b?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    said = talk(echo, first + b"HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n" + LAST)
    answers = said.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert [each.partition(b"\r\n\r\n")[2] for each in answers] == [b"POST /a b?x=1 3 http", b"", b"GET /last? 0 http"]
    assert b"connection: close" in answers[2].lower()


def test_a_large_body_comes_through_in_pieces() -> None:
    size = 3 * BODY_AHEAD_BYTES
    head = f"POST /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n"
    assert talk(echo, head.encode(), b"x" * size).endswith(f"POST /up? {size} http".encode())


def test_who_waits_to_be_asked_for_the_body_is_asked() -> None:
    async def both() -> tuple[bytes, bytes]:
        async with client(echo) as (reader, writer):
            writer.write(
                b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
            )
            asked = await reader.readuntil(b"\r\n\r\n")
            writer.write(b"ok")
            return asked, await reader.read()

    asked, answer = asyncio.run(both())
    assert asked.startswith(b"HTTP/1.1 100 Continue")
    assert answer.endswith(b"POST /? 2 http")


def test_an_answer_that_does_not_wait_for_the_body_leaves_the_connection_usable() -> None:
    async def hasty(scope: Scope, receive: Receive, send: Send) -> None:
        await tell(send, scope["path"].encode(), headers=((b"content-length", str(len(scope["path"])).encode()),))

    async def both() -> bytes:
        async with client(hasty) as (reader, writer):
            writer.write(b"POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")
            first = await reader.readuntil(b"/one")
            writer.write(b"late" + LAST)
            return first + await reader.read()

    said = asyncio.run(both())
    assert said.count(b"HTTP/1.1 200") == 2
    assert said.endswith(b"/last")


@pytest.mark.parametrize(
    "sent",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_and_ends_the_connection(sent: bytes) -> None:
    said = talk(echo, sent)
    assert said.startswith(b"HTTP/1.1 400 Bad Request")
    assert said.endswith(b"Invalid HTTP request received.")


def test_a_body_that_is_none_ends_what_waits_for_it() -> None:
    seen: list[str] = []

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] != "http.disconnect":
            seen.append(message["type"])
        seen.append("http.disconnect")

    said = talk(waits, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    assert said.startswith(b"HTTP/1.1 400")
    assert seen == ["http.disconnect"]


async def fails_at_once(scope: Scope, receive: Receive, send: Send) -> None:
    raise LookupError("no such thing")


async def fails_midway(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise LookupError("no such thing")


async def says_nothing(scope: Scope, receive: Receive, send: Send) -> None:
    return None


@pytest.mark.parametrize(
    ("app", "start", "end"),
    [
        (fails_at_once, b"HTTP/1.1 500 Internal Server Error", b"Internal Server Error"),
        (says_nothing, b"HTTP/1.1 500 Internal Server Error", b"Internal Server Error"),
        (fails_midway, b"HTTP/1.1 200 OK", b"half"),
    ],
)
def test_an_application_that_fails_ends_the_connection(app: ASGIApp, start: bytes, end: bytes) -> None:
    said = talk(app, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert said.startswith(start)
    assert end in said.partition(b"\r\n\r\n")[2]


def test_an_endless_answer_ends_when_its_reader_leaves() -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            yield b"data: 1\n\n"
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def leave() -> None:
        async with client(Stream(endless(), media_type="text/event-stream")) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"data: 1" in await reader.readuntil(b"data: 1\n\n")
            writer.close()
            await ended.wait()

    asyncio.run(leave())


def test_an_endless_answer_may_end_by_itself() -> None:
    async def short() -> AsyncIterator[bytes]:
        yield b"one,"
        yield b"two"

    made: Callable[[Scope, Receive, Send], Awaitable[None]] = Stream(short())
    said = talk(made, LAST)
    assert said.endswith(b"4\r\none,\r\n3\r\ntwo\r\n0\r\n\r\n")
