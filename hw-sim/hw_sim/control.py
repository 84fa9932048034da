"""Commands to a running simulator from another process: one line in, one line of JSON out, over a Unix socket.

Answers are `{"ok": true, "result": ...}` or `{"ok": false, "error": "..."}`.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import shlex
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

ANSWER_LIMIT = 1 << 28
"""Longest answer, in bytes."""


class Command(NamedTuple):
    """What one command does with its words, and one line of help."""

    run: Callable[[list[str]], Any]
    help: str


async def execute(table: Mapping[str, Command], line: str) -> str:
    """Runs one command and encodes its result; never raises for what a person may type wrong."""
    try:
        words = shlex.split(line)
        if words[:1] == ["help"]:
            return json.dumps({"ok": True, "result": {name: command.help for name, command in table.items()}})
        if not words or words[0] not in table:
            raise ValueError(f"unknown command {line.strip()!r}; known: help, {', '.join(table)}")
        result = table[words[0]].run(words[1:])
        if inspect.isawaitable(result):
            result = await result
    except KeyError as error:
        return json.dumps({"ok": False, "error": f"unknown name {error.args[0]!r}"})
    except IndexError:
        return json.dumps({"ok": False, "error": f"too few words: {table[words[0]].help}"})
    except (ValueError, OSError) as error:
        return json.dumps({"ok": False, "error": str(error)})
    return json.dumps({"ok": True, "result": result}, ensure_ascii=False)


class ControlServer:
    """Serves a table of commands on a Unix socket."""

    def __init__(self, table: Mapping[str, Command], path: Path) -> None:
        self.path = path
        self._table = table
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def open(self) -> ControlServer:
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self.path)
        return self

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in self._open.values():
                writer.close()
            await asyncio.gather(*self._open)
            await self._server.wait_closed()
            self.path.unlink(missing_ok=True)
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            while line := await reader.readline():
                writer.write((await execute(self._table, line.decode()) + "\n").encode())
                await writer.drain()
        except ConnectionError:
            return
        finally:
            del self._open[task]
            writer.close()


class CommandError(Exception):
    """The simulator refused a command."""


def _result(line: bytes | str) -> Any:
    if not line:
        raise CommandError("the simulator is gone")
    answer = json.loads(line)
    if not answer["ok"]:
        raise CommandError(answer["error"])
    return answer["result"]


class Client:
    """Blocking: `Client(path)("unplug rs485-1")` returns the result or raises CommandError."""

    def __init__(self, path: Path | str, timeout_s: float = 60.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("rwb")

    def __call__(self, command: str) -> Any:
        self._file.write(command.encode() + b"\n")
        self._file.flush()
        return _result(self._file.readline())

    def close(self) -> None:
        self._file.close()
        self._socket.close()


class AsyncClient:
    """`client = await AsyncClient.connect(path)`, then `await client("served")`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()

    @classmethod
    async def connect(cls, path: Path | str) -> AsyncClient:
        return cls(*await asyncio.open_unix_connection(str(path), limit=ANSWER_LIMIT))

    async def __call__(self, command: str) -> Any:
        async with self._turn:
            self._writer.write(command.encode() + b"\n")
            await self._writer.drain()
            return _result(await self._reader.readline())

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()
