"""The driver against pymodbus's own server on real sockets: TCP, and RTU frames through TCP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from courtyard.drivers.base import Write
from courtyard.drivers.lines.settings import LineSettings, RtuTcpLine, TcpLine
from courtyard.drivers.modbus.driver import ModbusDriver
from courtyard.drivers.modbus.scan import Candidate, Progress, scan
from courtyard.drivers.modbus.settings import ModbusProfile, WriteTarget
from tests.modbus_rig import LoopClock, Memory, meter, register

HOLDING = [
    SimData(0, values=[1.5, -2.25], datatype=DataType.FLOAT32),
    SimData(8, values=[123456], datatype=DataType.INT32),
    SimData(100, values=[7], datatype=DataType.REGISTERS),
]
POINTS = [
    register("a", 0, "float32"),
    register("b", 2, "float32"),
    register("c", 8, "int32"),
    register("input", 3, function=4),
    register("bit", 16, "bool", function=1),
]
WRITES = (WriteTarget("setpoint", "register", 100), WriteTarget("relay", "coil", 17))


@asynccontextmanager
async def server(framing: str) -> AsyncIterator[LineSettings]:
    device = SimDevice(
        5,
        simdata=(
            [SimData(1, values=[True] * 16, datatype=DataType.BITS)],
            [SimData(0, values=[False] * 16, datatype=DataType.BITS)],
            HOLDING,
            [SimData(3, values=[42], datatype=DataType.REGISTERS)],
        ),
    )
    framer = FramerType.SOCKET if framing == "tcp" else FramerType.RTU
    running = ModbusTcpServer(device, framer=framer, address=("127.0.0.1", 0), ignore_missing_devices=True)
    await running.serve_forever(background=True)
    port = running.transport.sockets[0].getsockname()[1]
    try:
        yield TcpLine("net", "127.0.0.1", port) if framing == "tcp" else RtuTcpLine("net", "127.0.0.1", port, 115200)
    finally:
        await running.shutdown()


@pytest.mark.parametrize("framing", ["tcp", "rtu-tcp"])
def test_reads_and_writes(framing: str) -> None:
    async def main() -> None:
        async with server(framing) as line:
            memory = Memory()
            device = meter(5, POINTS, every_s=0.05, writes=WRITES)
            driver = ModbusDriver(line, [device], LoopClock())
            running = asyncio.create_task(driver.run(memory))
            await memory.next_good("m5", 3)
            values = memory.of("m5")[-1].values
            assert values == {"a": 1.5, "b": -2.25, "c": 123456, "input": 42, "bit": True}
            await driver.write(Write("m5", "setpoint", 513))
            await driver.write(Write("m5", "relay", True))
            assert (await driver.read("m5")).values == values
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

    asyncio.run(main())


@pytest.mark.parametrize("framing", ["tcp", "rtu-tcp"])
def test_scan_finds_the_unit_and_guesses_its_profile(framing: str) -> None:
    async def main() -> None:
        async with server(framing) as line:
            heard: list[Progress] = []
            candidates = {
                "scant": Candidate(ModbusProfile("", ""), POINTS[:1]),
                "right": Candidate(ModbusProfile("", ""), POINTS),
                "wrong": Candidate(ModbusProfile("", ""), [register("x", 500)]),
            }
            found = [unit async for unit in scan(line, units=(5, 6), candidates=candidates, progress=heard.append)]
            assert [(unit.unit, unit.exception) for unit in found] == [(5, None), (6, 4)]  # this server answers for all
            assert [(guess.profile, guess.share) for guess in found[0].guesses] == [("right", 1.0), ("scant", 1.0)]
            assert found[1].guesses == ()
            assert [(step.done, step.total, step.unit) for step in heard] == [(0, 2, 5), (1, 2, 6)]

    asyncio.run(main())
