"""The control socket: how the command line asks the running daemon.

One JSON object per line each way, over a Unix socket that only root and the daemon's group may open.
A request is {"do": NAME, ...arguments}; an answer is {"ok": true, "result": ...} or {"ok": false, "error": TEXT};
long work sends {"progress": ...} lines first.  Requests and answers are bounded; so are the callers.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from courtyard.drivers.base import DriverError

MAX_REQUEST_BYTES = 64 * 1024
MAX_CALLERS = 16
IDLE_S = 30.0
MAX_ANSWER_BYTES = 16 * 1024 * 1024

Progress = Callable[[Any], Awaitable[None]]
Handler = Callable[[Mapping[str, Any], Progress], Awaitable[Any]]


class Refused(Exception):
    """The daemon will not or cannot do what was asked; the text is for the person who asked.

    `exit_status` is what the command line ends with: 1, or 2 for a site file that cannot run.
    """

    def __init__(self, text: str, exit_status: int = 1) -> None:
        super().__init__(text)
        self.exit_status = exit_status


class ControlServer:
    """Serves the handlers by name until cancelled."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self._path, self._handlers = path, handlers
        self._callers = 0

    async def run(self) -> None:
        """Raises OSError when the socket cannot be made."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.is_socket():
            self._path.unlink()
        server = await asyncio.start_unix_server(self._serve, self._path, limit=MAX_REQUEST_BYTES)
        os.chmod(self._path, 0o660)
        try:
            async with server:
                await server.serve_forever()
        finally:
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers += 1
        try:
            if self._callers > MAX_CALLERS:
                await _send(writer, {"ok": False, "error": "too many callers at once"})
                return
            while line := await asyncio.wait_for(reader.readline(), IDLE_S):
                await self._answer(line, writer)
        except (TimeoutError, ValueError, ConnectionError):
            return  # idle, oversize or gone: the caller's end of the conversation is over
        finally:
            self._callers -= 1
            writer.close()

    async def _answer(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        async def progress(step: Any) -> None:
            await _send(writer, {"progress": step})

        try:
            request = msgspec.json.decode(line, type=dict[str, Any])
            handler = self._handlers.get(str(request.get("do")))
            if handler is None:
                raise Refused(f"unknown request {request.get('do')!r}; known: {', '.join(sorted(self._handlers))}")
            await _send(writer, {"ok": True, "result": await handler(request, progress)})
        except DriverError as error:
            fault = error.fault
            await _send(writer, {"ok": False, "error": fault.what, "cure": fault.cure, "code": fault.code})
        except (Refused, msgspec.MsgspecError) as error:
            await _send(writer, {"ok": False, "error": str(error)})


async def _send(writer: asyncio.StreamWriter, message: Any) -> None:
    writer.write(msgspec.json.encode(message) + b"\n")
    await asyncio.wait_for(writer.drain(), IDLE_S)


def daemon_listens(path: Path) -> bool:
    """Whether a daemon answers at this socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


async def ask(path: Path, do: str, *, timeout_s: float = 30.0, **arguments: Any) -> AsyncIterator[tuple[str, Any]]:
    """Yields ("progress", step)... and one ("result", value).  Raises Refused with the daemon's own words."""
    reader, writer = await asyncio.open_unix_connection(path, limit=MAX_ANSWER_BYTES)
    try:
        writer.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        await writer.drain()
        while line := await asyncio.wait_for(reader.readline(), timeout_s):
            message = msgspec.json.decode(line, type=dict[str, Any])
            if "progress" in message:
                yield "progress", message["progress"]
            elif message["ok"]:
                yield "result", message["result"]
                return
            else:
                raise Refused(_words(message))
        raise Refused("the daemon closed the connection without an answer")
    finally:
        writer.close()


def _words(message: Mapping[str, Any]) -> str:
    error, cure = message["error"], message.get("cure")
    if isinstance(error, list):  # a Text, as JSON
        return f"{error[0]} {cure[0]} / {error[1]}{cure[1]}" if cure else " / ".join(error)
    return str(error)
