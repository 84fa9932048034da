"""Simulated buses on real ptys and sockets; pymodbus, which shares no code with them, is the referee."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.client.base import ModbusBaseClient
from pymodbus.exceptions import ModbusIOException

from hw_sim import rtu
from hw_sim.fleet import DeviceSpec, Fleet, LineSpec, Spec, compound, demo, load
from hw_sim.line import Line
from hw_sim.timer import PreciseTimer

UNITS = [("tuf-2000", 1), ("bove", 2), ("ultrad", 3), ("load", 4), ("relay-board", 10)]


def spec(line: LineSpec) -> Spec:
    return Spec([line], [DeviceSpec(model, model, line.name, address) for model, address in UNITS])


def run(folder: Path, line: LineSpec, work: Callable[[Fleet], Awaitable[None]]) -> None:
    async def main() -> None:
        fleet = await Fleet(spec(line), folder).open()
        try:
            async with asyncio.timeout(200):
                await work(fleet)
        finally:
            await fleet.close()

    asyncio.run(main())


async def referee(client: ModbusBaseClient, fleet: Fleet) -> None:
    """Reads and writes every unit through pymodbus and compares with the registers of the simulator."""
    assert await client.connect()
    for model, address, first, count in (
        ("tuf-2000", 1, 0, 40),
        ("bove", 2, 1, 38),
        ("ultrad", 3, 0, 17),
        ("load", 4, 4, 16),
    ):
        fleet.devices[model].faults.set("stuck")
        answer = await client.read_holding_registers(first, count=count, device_id=address)
        expected = fleet.devices[model].peek(first, count)
        assert b"".join(register.to_bytes(2, "big") for register in answer.registers) == expected
    refused = await client.read_holding_registers(0, count=23, device_id=3)
    assert (refused.isError(), refused.exception_code) == (True, 3)
    outside = await client.read_holding_registers(2000, count=1, device_id=1)
    assert outside.exception_code == 2
    unknown = await client.read_input_registers(0, count=1, device_id=1)
    assert unknown.exception_code == 1
    await client.write_coil(3, True, device_id=10)
    await client.write_coils(8, [True, False, True], device_id=10)
    coils = await client.read_coils(0, count=16, device_id=10)
    assert [i for i, on in enumerate(coils.bits) if on] == [3, 8, 10]
    await client.write_registers(2, [7, 65535], device_id=10)
    registers = await client.read_holding_registers(1, count=4, device_id=10)
    assert registers.registers == [0, 7, 65535, 0]
    client.close()
    clean = {name: log.clean for name, log in fleet.served.logs.items()}
    assert clean == {"tuf-2000": 3, "bove": 1, "ultrad": 2, "load": 1, "relay-board": 5}


def test_serial(tmp_path: Path) -> None:
    async def work(fleet: Fleet) -> None:
        port = str(fleet.lines["bus"].path)
        await referee(AsyncModbusSerialClient(port, baudrate=115200, timeout=60), fleet)

    run(tmp_path, LineSpec("bus", baud=115200, strict=False), work)


def test_tcp(tmp_path: Path) -> None:
    async def work(fleet: Fleet) -> None:
        await referee(AsyncModbusTcpClient("127.0.0.1", port=fleet.endpoints["bus"].port, timeout=60), fleet)

    run(tmp_path, LineSpec("bus", "tcp"), work)


@pytest.mark.parametrize("baud", [0, 115200])
def test_rtu_over_tcp(tmp_path: Path, baud: int) -> None:
    async def work(fleet: Fleet) -> None:
        port = fleet.endpoints["bus"].port
        await referee(AsyncModbusTcpClient("127.0.0.1", port=port, framer=FramerType.RTU, timeout=60), fleet)

    run(tmp_path, LineSpec("bus", "rtu-tcp", baud=baud), work)


def test_a_real_serial_port_as_medium(tmp_path: Path) -> None:
    """Two ptys stand for the two adapters of a wire."""

    async def work() -> None:
        wire = Line(tmp_path / "gateway", tmp_path / "meters", baud=115200, fifo=16).open()
        line = LineSpec("bus", "port", path=str(tmp_path / "meters"), baud=115200)
        fleet = await Fleet(spec(line), tmp_path).open()
        try:
            await referee(AsyncModbusSerialClient(str(wire.path), baudrate=115200, timeout=60), fleet)
        finally:
            await fleet.close()
            wire.close()

    asyncio.run(work())


def test_foreign_and_dead_units_are_silent(tmp_path: Path) -> None:
    async def work(fleet: Fleet) -> None:
        port = fleet.endpoints["bus"].port
        fleet.devices["load"].faults.set("dead", times=1)
        for address in (99, 4):
            client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=1, retries=0)
            assert await client.connect()
            with pytest.raises(ModbusIOException):
                await client.read_holding_registers(0, count=2, device_id=address)
            client.close()
        client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=60)
        assert await client.connect()
        answer = await client.read_holding_registers(0, count=2, device_id=4)
        assert answer.registers == [0, 1]
        client.close()

    run(tmp_path, LineSpec("bus", "tcp"), work)


class Terminal:
    """A master on a pty that knows when each byte arrived."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.data = bytearray()
        self.times: list[float] = []
        self.error: int | None = None
        self._changed = asyncio.Event()
        self._elapsed = asyncio.Event()
        self._timer = PreciseTimer(self._elapsed.set)
        asyncio.get_running_loop().add_reader(self.fd, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self.fd, 4096)
        except OSError as error:
            self.error = error.errno
            data = b""
        if not data:
            self.error = self.error or errno.EIO
            asyncio.get_running_loop().remove_reader(self.fd)
        self.data += data
        self.times += [time.monotonic()] * len(data)
        self._changed.set()

    async def until(self, done: Callable[[], bool]) -> None:
        while not done():
            self._changed.clear()
            await self._changed.wait()

    async def receive(self, count: int) -> bytes:
        await self.until(lambda: len(self.data) >= count)
        data = bytes(self.data[:count])
        del self.data[:count]
        return data

    async def wait_until(self, at: float) -> None:
        self._elapsed.clear()
        self._timer.set(at)
        await self._elapsed.wait()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.fd)
        os.close(self.fd)
        self._timer.close()


def test_bytes_are_never_early_and_lateness_does_not_add_up(tmp_path: Path) -> None:
    """2,400 bytes at 19200 baud through two ptys: 0.1 ms lost a byte would be 120 ms after half of them."""

    async def lateness() -> float:
        line = Line(tmp_path / "a", tmp_path / "b", baud=19200).open()
        sender, receiver = Terminal(tmp_path / "a"), Terminal(tmp_path / "b")
        began = time.monotonic()
        os.write(sender.fd, bytes(2400))
        await receiver.until(lambda: len(receiver.times) >= 2400)
        late = [at - began - (i + 1) * line.char_s for i, at in enumerate(receiver.times)]
        sender.close()
        receiver.close()
        line.close()
        assert min(late) >= 0
        return min(late[1200:])

    assert asyncio.run(lateness()) < 0.05  # of 1,200 bytes one at least comes while nobody else has the processor


def test_strict_slaves_and_the_silence_that_was_kept(tmp_path: Path) -> None:
    request = rtu.frame(4, bytes.fromhex("03 00 00 00 04"))

    async def work(fleet: Fleet) -> None:
        line = fleet.lines["bus"]
        master = Terminal(line.path)
        for _ in range(4):
            os.write(master.fd, request)
            assert rtu.intact(await master.receive(13))
            await master.wait_until(time.monotonic() + 0.012)
        shortest = line.shortest_silence_s()
        assert shortest is not None
        assert shortest >= 0.012
        assert fleet.stations["bus"].hurried == 0
        master.close()

    run(tmp_path, LineSpec("bus"), work)


def test_unplug_and_replug(tmp_path: Path) -> None:
    request = rtu.frame(4, bytes.fromhex("03 00 00 00 04"))

    async def work(fleet: Fleet) -> None:
        line = fleet.lines["bus"]
        for _ in range(3):
            master = Terminal(line.path)
            await master.wait_until(time.monotonic() + 0.005)
            os.write(master.fd, request)
            assert rtu.intact(await master.receive(13))
            os.write(master.fd, request)
            line.unplug()
            assert not line.path.is_symlink()
            await master.until(lambda master=master: master.error is not None)  # type: ignore[misc]
            with pytest.raises(OSError, match="Input/output error"):
                os.write(master.fd, request)
            master.close()
            line.replug()
        assert fleet.served.log("load").clean == 3

    run(tmp_path, LineSpec("bus", baud=115200), work)


def test_a_refusing_endpoint_comes_back_on_its_port(tmp_path: Path) -> None:
    async def work(fleet: Fleet) -> None:
        server = fleet.endpoints["bus"]
        port = server.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await server.close()
        assert await reader.read() == b"" or reader.at_eof()
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        await server.open()
        assert server.port == port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(bytes.fromhex("0001 0000 0006 04 03 0000 0002") * 2 + b"\x00\x02\x00\x01\x00\x06")
        assert len(await reader.readexactly(26)) == 26
        writer.write(bytes(2))
        assert await reader.read() == b"", "a foreign protocol number ends the connection"
        writer.close()
        assert server.bad_frames == 1

    run(tmp_path, LineSpec("bus", "tcp"), work)


class TestFleet:
    def test_250_units_on_every_kind_of_line(self) -> None:
        made = compound(250)
        kinds = {line.name: line.kind for line in made.lines}
        assert len(made.devices) == 250
        per_line = {name: sum(device.line == name for device in made.devices) for name in kinds}
        assert max(per_line.values()) <= 32
        assert min(per_line.values()) > 0
        assert {kinds[device.line] for device in made.devices} == {"serial", "tcp", "rtu-tcp"}
        assert len({(device.line, device.address) for device in made.devices}) == 250

    @pytest.mark.parametrize(("units", "tcp", "rtu_tcp"), [(1, 0, 0), (1, 2, 2), (64, 0, 0), (32, 1, 0), (128, 0, 4)])
    def test_every_unit_finds_a_place(self, units: int, tcp: int, rtu_tcp: int) -> None:
        made = compound(units, tcp=tcp, rtu_tcp=rtu_tcp)
        assert len({(device.line, device.address) for device in made.devices}) == units
        assert {device.line for device in made.devices} <= {line.name for line in made.lines}

    def test_descriptions_are_read_and_mistakes_named(self, tmp_path: Path) -> None:
        good = tmp_path / "fleet.toml"
        good.write_text(
            '[[lines]]\nname = "x"\nkind = "tcp"\n[[devices]]\nid = "d"\nmodel = "bove"\nline = "x"\naddress = 5\n'
            "options = { people = 4 }\n"
        )
        assert load(good).devices[0].options == {"people": 4}

        async def opened(text: str) -> None:
            path = tmp_path / "bad.toml"
            path.write_text(text)
            await Fleet(load(path), tmp_path).open()

        line = '[[lines]]\nname = "x"\nkind = "tcp"\n'
        for text, said in (
            ("[[devices]]\nid = 1\n", "missing"),
            ("[[wires]]\n", "wires"),
            (line + '[[devices]]\nid = "d"\nmodel = "bov"\nline = "x"\naddress = 5\n', "known: tuf-2000"),
            (line + '[[devices]]\nid = "d"\nmodel = "bove"\nline = "y"\naddress = 5\n', "unknown line 'y'"),
            (
                line + '[[devices]]\nid = "d"\nmodel = "load"\nline = "x"\naddress = 5\noptions = {people = 3}\n',
                "people",
            ),
        ):
            with pytest.raises(ValueError, match=said):
                asyncio.run(opened(text))

    def test_the_demo_house_has_every_meter(self) -> None:
        assert {device.model for device in demo().devices} == {
            "tuf-2000", "kaifeng-xintai", "bove", "ultrad", "pulse-collector", "relay-board",
        }  # fmt: skip
