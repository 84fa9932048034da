"""A gateway without drivers, to be killed: alarms and commands on a real journal, driven by lines on its input.

    raise SOURCE | return SOURCE | acknowledge ID SOURCE | output ID

Started with a folder and the time at which all commands were issued.  Says `ready`, then one line for everything
that is kept or answered.  The effect of `output` is a line in the file `effects`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from courtyard.agent.alarms.acts import Acts
from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.alarms.engine import AlarmEngine
from courtyard.agent.clock import SystemClock
from courtyard.agent.commands.dispatcher import Commands, Data, Order
from courtyard.agent.commands.freshness import Arrival
from courtyard.agent.commands.handlers import Ports, handlers
from courtyard.agent.condition import Condition
from courtyard.agent.recorder import Recorder
from courtyard.agent.records import instant
from courtyard.buffer import Options
from courtyard.buffer.journal import Journal
from courtyard.drivers.base import Text


class Killable:
    def __init__(self, folder: Path, issued_ms: int) -> None:
        self.issued_ms = issued_ms
        self.clock = SystemClock(boot="1f0c2b7e")
        # a kill is what this is about, not a disk that others make wait
        options = Options(quota_bytes=50_000_000, commit_timeout_s=60.0, disk_timeout_s=60.0)
        self.journal = Journal.open(folder / "journal", options, boot="1f0c2b7e", wall_ms=self.clock.wall_ms)
        self.effects = os.open(folder / "effects", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        recorder = Recorder(self.journal, self.clock, lambda device: "here")
        book = AlarmBook(recorder)
        self.engine = AlarmEngine(book, gateway="gw-0007")
        others: list[Any] = [None] * (len(Ports._fields) - 2)
        table = {**handlers(Ports(Acts(book), self.clock.wall_ms, *others)), "output": self.output}
        self.commands = Commands(recorder, gateway="gw-0007", handlers=table, capacity=100_000)

    async def output(self, args: Any, order: Order) -> Data:
        (key,) = order.done({}).state
        os.write(self.effects, f"{key.removeprefix('command/')}\n".encode())
        return {}

    async def obey(self, line: str) -> None:
        match line.split():
            case ["raise" | "return" as what, source]:
                now = (self.clock.wall_ms(), self.clock.mono_ms())
                condition = Condition("panel-1", "fire", source, 1, what == "raise", *now, text=Text("Fire.", "火警。"))
                written = self.engine.apply(condition)
                if written is not None:
                    assert (await asyncio.shield(written)).durable
                say(f"kept {what} {source}")
            case ["acknowledge", command_id, source]:
                await self.command(command_id, "acknowledge", {"alarm_id": f"panel-1:fire:{source}", "reason": "test"})
            case ["output", command_id]:
                await self.command(command_id, "output", {"output": "siren", "action": "release"})

    async def command(self, command_id: str, kind: str, args: dict[str, str]) -> None:
        message = {
            "v": 1,
            "id": command_id,
            "kind": kind,
            "issued_at": instant(self.issued_ms),
            "expires_at": instant(self.issued_ms + 3_600_000),
            "origin": "operator:li",
            "args": args,
        }
        answer = await self.commands.execute(msgspec.json.encode(message), Arrival("community"))
        assert answer is not None
        say(f"told {command_id} {msgspec.json.decode(answer)['result']}")


def say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


async def main(folder: Path, issued_ms: int) -> None:
    gateway = Killable(folder, issued_ms)
    await gateway.journal.append((), {"started": b"1"})  # what the start itself records is committed before this
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    say("ready")
    async with asyncio.TaskGroup() as group:
        while line := await reader.readline():
            group.create_task(gateway.obey(line.decode()))
    await gateway.journal.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
