"""kill -9 of a gateway that holds a lift's door: the relay lets go, by the board's watchdog or at the next start."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hw_sim.boards import RelayBoard
from hw_sim.fleet import DeviceSpec, Fleet, LineSpec, Spec

DOOR = 3
WAIT_S = 100.0
WATCHDOG_S = 2.0


class Hall:
    """The board as it really is, and gateways started against it."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        board = fleet.devices["relays"]
        assert isinstance(board, RelayBoard)
        self.board, self.folder, self._fleet = board, folder, fleet

    @asynccontextmanager
    async def gateway(self, mode: str) -> AsyncIterator[asyncio.subprocess.Process]:
        port = str(self._fleet.endpoints["hall"].port)
        script = [sys.executable, "-m", "tests.faults.vision_gateway", str(self.folder / "journal"), port, mode]
        process = await asyncio.create_subprocess_exec(*script, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    @staticmethod
    async def hear(process: asyncio.subprocess.Process, word: bytes) -> None:
        assert process.stdout is not None
        async with asyncio.timeout(WAIT_S):
            while (line := await process.stdout.readline()).strip() != word:
                assert line, f"it ended before it said {word!r}"


def play(folder: Path, work: Callable[[Hall], Awaitable[None]]) -> None:
    async def main() -> None:
        spec = Spec([LineSpec("hall", "tcp")], [DeviceSpec("relays", "relay-board", "hall", 10)])
        fleet = await Fleet(spec, folder).open()
        try:
            await work(Hall(fleet, folder))
        finally:
            await fleet.close()

    asyncio.run(main())


@pytest.mark.parametrize("life", range(3))
def test_the_next_start_lets_the_door_go(tmp_path: Path, life: int) -> None:
    async def work(hall: Hall) -> None:
        async with hall.gateway("sees") as gateway:
            await hall.hear(gateway, b"held")
            assert hall.board.coils[DOOR]
            gateway.kill()
            await gateway.wait()
        assert hall.board.coils[DOOR], "a plain relay keeps what it was told: this is what the next start is for"
        async with hall.gateway("blind") as gateway:
            await hall.hear(gateway, b"off")
            assert not hall.board.coils[DOOR]

    play(tmp_path, work)


def test_a_board_with_a_watchdog_lets_the_door_go_without_any_gateway(tmp_path: Path) -> None:
    async def work(hall: Hall) -> None:
        hall.board.command(["watchdog", str(WATCHDOG_S)], 0.0)
        async with hall.gateway("sees") as gateway:
            await hall.hear(gateway, b"held")
            gateway.kill()
            await gateway.wait()
        written_at = hall.board.writes[-1].at
        hall.board.pass_time(written_at + WATCHDOG_S - 0.1)
        assert hall.board.coils[DOOR]
        hall.board.pass_time(written_at + WATCHDOG_S + 0.1)
        assert not hall.board.coils[DOOR]

    play(tmp_path, work)
