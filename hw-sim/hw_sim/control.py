"""Commands to a running simulator from another process: one line in, one line of JSON out, over a Unix socket.

Answers are `{"ok": true, "result": ...}` or `{"ok": false, "error": "..."}`.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hw_sim.boards import RelayBoard
from hw_sim.device import Device, Refusal
from hw_sim.faults import KINDS
from hw_sim.fleet import Fleet
from hw_sim.line import Line

LINE_LIMIT = 1 << 28
"""Longest answer, in bytes."""


class Commands:
    """What a fleet can be told; `COMMANDS` is the list, with one line of help each."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    async def run(self, line: str) -> str:
        """Executes one command; never raises for what a person may type wrong."""
        try:
            words = shlex.split(line)
            if not words or words[0] not in COMMANDS:
                raise ValueError(f"unknown command {line.strip()!r}; known: {', '.join(COMMANDS)}")
            result = COMMANDS[words[0]][0](self, words[1:])
            if asyncio.iscoroutine(result):
                result = await result
        except KeyError as error:
            return json.dumps({"ok": False, "error": f"unknown name {error.args[0]!r}"})
        except (ValueError, IndexError, OSError, Refusal) as error:
            return json.dumps({"ok": False, "error": str(error)})
        return json.dumps({"ok": True, "result": result}, ensure_ascii=False)

    def help(self, words: list[str]) -> object:
        return {name: text for name, (_, text) in COMMANDS.items()} | {"faults": KINDS}

    def describe(self, words: list[str]) -> object:
        return self.fleet.describe()

    def fault(self, words: list[str]) -> object:
        name, kind, *rest = words
        times = None
        if rest[-2:-1] == ["times"]:
            times = int(rest[-1])
            rest = rest[:-2]
        self._device(name).faults.set(kind, float(rest[0]) if rest else None, times)
        return None

    def heal(self, words: list[str]) -> object:
        names = self.fleet.devices if words[0] == "all" else [words[0]]
        for name in names:
            self._device(name).faults.heal(words[1] if len(words) > 1 else None)
        return None

    async def unplug(self, words: list[str]) -> None:
        if words[0] in self.fleet.endpoints:
            await self.fleet.endpoints[words[0]].close()
        else:
            self._line(words[0]).unplug()

    async def replug(self, words: list[str]) -> None:
        if words[0] in self.fleet.endpoints:
            server = self.fleet.endpoints[words[0]]
            await server.open(server.host)
        else:
            self._line(words[0]).replug()

    def drop(self, words: list[str]) -> object:
        self.fleet.endpoints[words[0]].drop_connections()
        return None

    def line(self, words: list[str]) -> object:
        line = self._line(words[0])
        match words[1:]:
            case ["echo", ("on" | "off") as state]:
                line.faults.echo = state == "on"
            case ["noise", share]:
                line.faults.noise = float(share)
            case ["drop", share]:
                line.faults.drop = float(share)
            case ["late", ms]:
                line.faults.late_s = float(ms) / 1000
            case ["inject", *data]:
                line.inject(bytes.fromhex("".join(data)))
            case ["silence"]:
                return line.shortest_silence_s()
            case ["counters"]:
                station = self.fleet.stations[words[0]]
                return line.counters() | {"bad_frames": station.bad_frames, "hurried": station.hurried}
            case ["forget"]:
                line.forget()
            case _:
                raise ValueError(f"line does not know {' '.join(words[1:])!r}")
        return None

    def device(self, words: list[str]) -> object:
        return self._device(words[0]).command(words[1:], self.fleet.clock())

    def get(self, words: list[str]) -> object:
        device = self._device(words[0])
        device.refresh(self.fleet.clock())
        return {name: device.get(name) for name in (words[1:] or device.fields)}

    def writes(self, words: list[str]) -> object:
        return [write._asdict() for write in self._device(words[0]).writes]

    def held(self, words: list[str]) -> object:
        now = self.fleet.clock()
        boards = {name: device for name, device in self.fleet.devices.items() if isinstance(device, RelayBoard)}
        return {
            name: {str(relay): round(s, 3) for relay, s in board.held(now).items()} for name, board in boards.items()
        }

    def served(self, words: list[str]) -> object:
        served = self.fleet.served
        served.flush()
        if not words:
            logs = {name: {"count": log.count, "clean": log.clean} for name, log in served.logs.items()}
            return {"complete": served.complete, "devices": logs}
        log = served.logs[words[0]]
        if len(words) > 1 and words[1] in self._device(words[0]).fields:
            return log.values(self._device(words[0]).fields[words[1]])
        first = int(words[1]) if len(words) > 1 else 1
        return [answer._asdict() | {"payload": answer.payload.hex()} for answer in log if answer.number >= first]

    def quit(self, words: list[str]) -> object:
        self.fleet.stopped.set()
        return None

    def _device(self, name: str) -> Device:
        return self.fleet.devices[name]

    def _line(self, name: str) -> Line:
        return self.fleet.lines[name]


COMMANDS: dict[str, tuple[Callable[[Commands, list[str]], Any], str]] = {
    "help": (Commands.help, "this list"),
    "describe": (Commands.describe, "lines, endpoints and devices"),
    "fault": (Commands.fault, "DEVICE KIND [VALUE] [times N]: a unit misbehaves, for ever or for N answers"),
    "heal": (Commands.heal, "DEVICE|all [KIND]"),
    "unplug": (Commands.unplug, "LINE: pull the adapter, or refuse connections of an endpoint"),
    "replug": (Commands.replug, "LINE"),
    "drop": (Commands.drop, "ENDPOINT: cut its connections, accept new ones"),
    "line": (Commands.line, "LINE echo on|off, noise P, drop P, late MS, inject HEX, silence, counters, forget"),
    "device": (Commands.device, "DEVICE WORDS: leak L_PER_H, counter reset, set FIELD VALUE, ... (per model)"),
    "get": (Commands.get, "DEVICE [FIELD...]: what the registers say now"),
    "writes": (Commands.writes, "DEVICE: every write it accepted"),
    "held": (Commands.held, "closed relays of all relay boards, with seconds"),
    "served": (Commands.served, "[DEVICE [FIELD|FROM_NUMBER]]: counts; values of a field; answers"),
    "quit": (Commands.quit, "end the simulator"),
}


class ControlServer:
    """Serves commands on a Unix socket."""

    def __init__(self, run: Callable[[str], Any], path: Path) -> None:
        self.path = path
        self._run = run
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
                writer.write((await self._run(line.decode()) + "\n").encode())
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

    def __init__(self, path: Path | str, timeout_s: float = 10.0) -> None:
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
        return cls(*await asyncio.open_unix_connection(str(path), limit=LINE_LIMIT))

    async def __call__(self, command: str) -> Any:
        async with self._turn:
            self._writer.write(command.encode() + b"\n")
            await self._writer.drain()
            return _result(await self._reader.readline())

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()
