"""The HTTP side of a camera: SOAP by POST, snapshots by GET, one request after the other on a connection (RFC 9112)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

MOST_BODY = 1 << 20
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 500: "Internal Server Error"}


class HttpRequest(NamedTuple):
    """One request; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Response(NamedTuple):
    """One answer.  `drip` sends it one byte a second after so many, 0 all at once; `keep` is how many bytes of the body
    are really sent, None is all; with `hang` nothing is sent until the other side gives up."""

    status: int
    body: bytes
    kind: str = "application/soap+xml; charset=utf-8"
    headers: Mapping[str, str] = {}
    drip: int = 0
    keep: int | None = None
    hang: bool = False


Answer = Callable[[HttpRequest], Awaitable[Response]]


class HttpServer:
    """Serves on one port, which stays the same when it is opened again."""

    def __init__(self, answer: Answer, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self._answer, self.host, self._tls = answer, host, tls
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.host, self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Ends the port and all connections."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for task, writer in list(self._open.items()):
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            while (request := await _read(reader)) is not None:
                response = await self._answer(request)
                if response.hang:
                    await _wait_for_end(reader)
                    return
                await _write(writer, response)
                if response.keep is not None:
                    return
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            return  # the other side broke off, or does not speak HTTP
        except asyncio.CancelledError:
            if self._server is not None:
                raise  # somebody else's; `close` ends connections so
        finally:
            del self._open[task]
            writer.close()


async def _read(reader: asyncio.StreamReader) -> HttpRequest | None:
    start = (await reader.readline()).decode("latin-1").split()
    if len(start) != 3:
        return None
    headers: dict[str, str] = {}
    while line := (await reader.readline()).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= MOST_BODY:
        raise ValueError("too long")
    return HttpRequest(start[0], start[1], headers, await reader.readexactly(length))


async def _wait_for_end(reader: asyncio.StreamReader) -> None:
    while await reader.read(4096):
        pass


async def _write(writer: asyncio.StreamWriter, response: Response) -> None:
    head = [f"HTTP/1.1 {response.status} {REASONS.get(response.status, 'Status')}"]
    fields = {"Content-Type": response.kind, "Content-Length": str(len(response.body)), **response.headers}
    head += [f"{name}: {value}" for name, value in fields.items()]
    data = "\r\n".join([*head, "", ""]).encode("latin-1") + response.body
    if response.keep is not None:
        data = data[: len(data) - len(response.body) + response.keep]
    if response.drip:
        writer.write(data[: response.drip])
        for byte in data[response.drip :]:
            await writer.drain()
            await asyncio.sleep(1.0)
            writer.write(bytes([byte]))
    else:
        writer.write(data)
    await writer.drain()
