"""Who arrives and says nothing: handshakes count as connections, and missing descriptors are waited for."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from courtyard.agent.page.certificate import tls_context
from courtyard.agent.web.http import Limits
from courtyard.agent.web.server import WebServer

WAIT_S = 100.0
MOST = 4
ASK = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"there"})


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    """The port, while it is served."""
    server, listening = WebServer(app, "127.0.0.1", 0, tls, Limits(MOST, WAIT_S, WAIT_S)), asyncio.Event()
    server.on_listening = listening.set
    running = asyncio.create_task(server.run())
    try:
        async with asyncio.timeout(WAIT_S):
            await listening.wait()
            yield server.port
    finally:
        running.cancel()
        await asyncio.wait({running})


async def answer(port: int, tls: ssl.SSLContext | None) -> bytes:
    """What a browser gets; empty when it is turned away."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        writer.write(ASK)
        said = await reader.read()
        writer.close()
    except (ConnectionError, ssl.SSLError):
        return b""
    return said


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return asyncio.run(tls_context(tmp_path_factory.mktemp("page"), "gw-1"))


@pytest.fixture(scope="module")
def browser() -> ssl.SSLContext:
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    return trust


def test_handshakes_that_never_come_take_the_place_of_connections(own: ssl.SSLContext, browser: ssl.SSLContext) -> None:
    async def scene() -> None:
        async with serving(own) as port:
            idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST)]
            late = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
            for reader, _ in late:
                assert await reader.read() == b""
            assert await answer(port, browser) == b""
            idle[0][1].close()
            while not (said := await answer(port, browser)):
                pass
            assert said.endswith(b"there")
            for _, writer in (*idle, *late):
                writer.close()

    asyncio.run(scene())


@pytest.mark.parametrize("said", [ASK, b"\x16\x03\x01\x00\x05hello", os.urandom(64)])
def test_what_is_no_handshake_is_turned_away_and_leaves_nothing(
    own: ssl.SSLContext, browser: ssl.SSLContext, said: bytes
) -> None:
    async def scene() -> None:
        async with serving(own) as port:
            for _ in range(3 * MOST):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(said)
                writer.write_eof()
                with suppress(ConnectionError):
                    assert b"200" not in await reader.read()
                writer.close()
            while not (got := await answer(port, browser)):
                pass
            assert got.endswith(b"there")

    asyncio.run(scene())


def test_without_descriptors_it_rests_and_then_goes_on(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def scene() -> None:
        loop = asyncio.get_running_loop()
        async with serving(None) as port:
            with socket.socket() as client:
                client.setblocking(False)
                lowest_free = os.dup(client.fileno())
                os.close(lowest_free)
                resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
                try:
                    await loop.sock_connect(client, ("127.0.0.1", port))
                    await loop.sock_sendall(client, ASK)
                    waiting = asyncio.ensure_future(loop.sock_recv(client, 4096))
                    done, _ = await asyncio.wait({waiting}, timeout=0.2)
                    assert not done
                finally:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                assert (await waiting).startswith(b"HTTP/1.1 200")

    asyncio.run(scene())
