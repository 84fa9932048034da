"""A gateway with one lift and one relay board, to be killed: sees an e-bike all the time and holds the door.

Started with a folder, the board's TCP port, and `sees` or `blind`.  Says `held` when the board has confirmed the hold,
`off` when the board was switched off at the start.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.alarms.engine import AlarmEngine
from courtyard.agent.clock import SystemClock
from courtyard.agent.outputs.outputs import Outputs
from courtyard.agent.recorder import Recorder
from courtyard.agent.vision.guard import Guard, Lift
from courtyard.agent.vision.regions import Box, Region
from courtyard.agent.vision.tracker import Detection
from courtyard.agent.vision.votes import Policy
from courtyard.buffer import Options
from courtyard.buffer.journal import Journal
from courtyard.config.output import Output
from courtyard.drivers.base import Scalar, Write
from courtyard.drivers.lines.settings import TcpLine
from courtyard.drivers.modbus.driver import ModbusDriver
from courtyard.drivers.modbus.settings import ModbusDevice, ModbusProfile, WriteTarget

PROFILE = ModbusProfile(
    title_en="Relay board",
    title_zh="继电器板",
    timeout_s=2.0,
    late_s=0.1,
    retries=0,
    writes=(WriteTarget("door", "coil", 3, settle_s=0.2),),
)
EBIKE = Detection("ebike", 0.9, Box(0.3, 0.3, 0.7, 0.9))
LOOK_S = 0.1


async def main(folder: Path, port: int, sees: bool) -> None:
    clock = SystemClock(boot="1f0c2b7e")
    journal = Journal.open(
        folder,
        Options(quota_bytes=50_000_000, commit_timeout_s=60.0, disk_timeout_s=60.0),
        boot="1f0c2b7e",
        wall_ms=clock.wall_ms,
    )
    recorder = Recorder(journal, clock, lambda device: "here")
    engine = AlarmEngine(AlarmBook(recorder), gateway="gw-0007")
    driver = ModbusDriver(
        TcpLine(name="hall", host="127.0.0.1", port=port), (ModbusDevice("relays", 10, PROFILE, (), 60.0),), clock
    )

    async def write(device: str, target: str, value: Scalar, /) -> None:
        await driver.write(Write(device, target, value))
        print("held" if value else "off", flush=True)

    door = Output(name="door", device="relays", target="door", cap_s=60.0)
    outputs = Outputs((door,), recorder, write, lambda condition: None)
    lift = Lift("lift-1", Region(()), Policy(commissioned=True, calibrated=True), hold="door")
    guard = Guard(lift, outputs, engine.apply, clock)
    async with asyncio.TaskGroup() as group:
        group.create_task(outputs.run())
        group.create_task(guard.run())
        while True:
            if sees:
                guard.look((EBIKE,), model="5e884898")
            await asyncio.sleep(LOOK_S)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "sees"))
