"""Outputs against a relay board on a real socket, through the real driver, with the journal on a real disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.alarms.engine import AlarmEngine
from courtyard.agent.clock import SystemClock
from courtyard.agent.condition import Condition
from courtyard.agent.outputs.lease import OutputRefused
from courtyard.agent.outputs.outputs import Outputs
from courtyard.agent.recorder import Recorder
from courtyard.buffer import Options
from courtyard.buffer.journal import Journal
from courtyard.config.output import Output
from courtyard.drivers.base import Scalar, Write
from courtyard.drivers.lines.settings import TcpLine
from courtyard.drivers.modbus.driver import ModbusDriver
from courtyard.drivers.modbus.settings import ModbusDevice, ModbusProfile, WriteTarget
from hw_sim.boards import RelayBoard
from hw_sim.fleet import DeviceSpec, Fleet, LineSpec, Spec

PROFILE = ModbusProfile(
    title_en="Relay board",
    title_zh="继电器板",
    timeout_s=1.5,
    late_s=0.1,
    retries=0,
    writes=(WriteTarget("siren", "coil", 3, settle_s=0.2), WriteTarget("pump", "register", 5, maximum=1, settle_s=0.2)),
)
SIREN = Output(name="siren", device="relays", target="siren", cap_s=60.0)
PUMP = Output(name="pump", device="relays", target="pump", cap_s=60.0)


class Rig:
    """The outputs of a gateway, and the board as it really is."""

    def __init__(self, board: RelayBoard, port: int, folder: Path) -> None:
        self.board = board
        self.clock = SystemClock(boot="1f0c2b7e")
        options = Options(quota_bytes=50_000_000, commit_timeout_s=60.0, disk_timeout_s=60.0)
        self.journal = Journal.open(folder, options, boot="1f0c2b7e", wall_ms=self.clock.wall_ms)
        self.recorder = Recorder(self.journal, self.clock, lambda device: "here")
        self.book = AlarmBook(self.recorder)
        self.engine = AlarmEngine(self.book, gateway="gw-0007")
        device = ModbusDevice("relays", 10, PROFILE, (), 60.0)
        self.driver = ModbusDriver(TcpLine(name="hall", host="127.0.0.1", port=port), (device,), self.clock)
        self.outputs = Outputs((SIREN, PUMP), self.recorder, self.write, self.say)

    async def write(self, device: str, target: str, value: Scalar, /) -> None:
        await self.driver.write(Write(device, target, value))

    def say(self, condition: Condition) -> None:
        self.engine.apply(condition)

    @property
    def siren(self) -> bool:
        return bool(self.board.coils[3])

    @property
    def pump(self) -> int:
        return int.from_bytes(self.board.peek(5, 1), "big")


def run(
    folder: Path, work: Callable[[Rig], Awaitable[None]], prepare: Callable[[RelayBoard], None] | None = None
) -> None:
    async def main() -> None:
        spec = Spec([LineSpec("hall", "tcp")], [DeviceSpec("relays", "relay-board", "hall", 10)])
        fleet = await Fleet(spec, folder).open()
        board = fleet.devices["relays"]
        assert isinstance(board, RelayBoard)
        if prepare is not None:
            prepare(board)
        rig = Rig(board, fleet.endpoints["hall"].port, folder / "journal")
        task = asyncio.create_task(rig.outputs.run())
        try:
            async with asyncio.timeout(200):
                await work(rig)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            rig.driver.close()
            await rig.journal.close()
            await fleet.close()
        assert not rig.siren
        assert rig.pump == 0

    asyncio.run(main())


async def until(condition: Callable[[], bool], rig: Rig) -> None:
    """Waits for what the board is told; the outputs' own writes are what moves it."""
    while not condition():
        await rig.recorder.put((), {"test": b"wait"})  # each turn takes a real commit


def test_coil_and_register_follow_their_leases(tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        siren = await rig.outputs.acquire("siren", "test", 2.0)
        assert rig.siren
        pump = await rig.outputs.acquire("pump", "test", 30)
        assert rig.pump == 1
        rig.outputs.release(pump)
        await until(lambda: rig.pump == 0, rig)
        await until(lambda: not rig.siren, rig)
        assert siren.ended.result() == "expired"

    run(tmp_path, work)


def test_the_first_thing_at_a_start_is_to_switch_off(tmp_path: Path) -> None:
    def left_on(board: RelayBoard) -> None:
        board.coils[3] = True
        board.poke(5, b"\x00\x01")

    async def work(rig: Rig) -> None:
        await until(lambda: not rig.siren and rig.pump == 0, rig)

    run(tmp_path, work, left_on)


def test_a_board_that_does_not_answer_refuses_the_hold_becomes_an_alarm_and_is_off_when_it_is_back(
    tmp_path: Path,
) -> None:
    async def work(rig: Rig) -> None:
        lease = await rig.outputs.acquire("siren", "test", 30)
        rig.board.faults.set("dead")
        with pytest.raises(OutputRefused) as refused:
            await rig.outputs.acquire("pump", "test", 30)
        assert refused.value.code == "output.failed"
        assert "10" in refused.value.text.zh
        rig.outputs.release(lease)
        await until(lambda: (alarm := rig.book.get("relays:output_fault:siren")) is not None and alarm.active, rig)
        assert rig.siren
        rig.board.faults.heal()
        await until(lambda: (alarm := rig.book.get("relays:output_fault:siren")) is not None and not alarm.active, rig)
        assert not rig.siren

    run(tmp_path, work)
