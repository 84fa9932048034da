"""The simulators as processes and services: commands over the control socket, the bad uplink, the fast server."""

from __future__ import annotations

import asyncio
import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from hw_sim.__main__ import main
from hw_sim.commands import FleetCommands
from hw_sim.control import AsyncClient, Client, CommandError, ControlServer
from hw_sim.fixed import FixedServer
from hw_sim.fleet import Fleet, demo
from hw_sim.throttle import Throttle


@contextmanager
def hw_sim(*arguments: str | Path) -> Iterator[dict[str, Any]]:
    """A simulator process; yields its ready line."""
    command = [sys.executable, "-m", "hw_sim", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        assert process.wait(100) == 0
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_meters_obey_commands_from_another_process(tmp_path: Path) -> None:
    with hw_sim(
        "meters", "--folder", tmp_path, "--served", tmp_path / "served.jsonl", "--start", "1795305600"
    ) as ready:
        assert ready["ready"]
        client = Client(ready["control"])
        assert client("describe")["devices"] == ready["devices"]
        assert "unplug" in client("help")
        assert Path(ready["lines"][0]["path"]).is_symlink()
        client("unplug meters")
        assert not Path(ready["lines"][0]["path"]).is_symlink()
        client("replug meters")
        client("device wm-04 counter 12.5")
        client("device wm-04 leak 0")
        assert client("get wm-04 total_m3")["total_m3"] == pytest.approx(12.5, abs=0.01)
        with pytest.raises(CommandError, match="known: dead"):
            client("fault wm-01 explode")
        with pytest.raises(CommandError, match="unknown name 'wm-99'"):
            client("fault wm-99 dead")
        with pytest.raises(CommandError, match="known: help"):
            client("explode")
        with pytest.raises(CommandError, match="too few words"):
            client("fault")
        client("quit")
        client.close()
    assert (tmp_path / "served.jsonl").exists()
    assert not (tmp_path / "control.sock").exists()


def test_commands_of_a_fleet(tmp_path: Path) -> None:
    async def work() -> None:
        fleet = await Fleet(demo(), tmp_path).open()
        control = await ControlServer(FleetCommands(fleet).table, tmp_path / "control").open()
        client = await AsyncClient.connect(control.path)
        bus = fleet.stations["meters"].bus
        await client("fault wm-01 exception 4 times 1")
        assert [bus.request(1, bytes.fromhex("03 00 08 00 04")) is not None for _ in range(2)] == [True, True]
        answers = await client("served wm-01")
        assert [(answer["number"], answer["state"]) for answer in answers] == [(1, "fault"), (2, "clean")]
        assert [answer["number"] for answer in await client("served wm-01 2")] == [2]
        totals = await client("served wm-01 total_m3")
        assert totals == [pytest.approx(100.0, abs=0.1)]
        summary = await client("served")
        assert summary["complete"]
        assert summary["devices"]["wm-01"] == {"count": 2, "clean": 1}
        bus.request(10, bytes.fromhex("05 00 02 FF 00"))
        assert list((await client("held"))["relays"]) == ["2"]
        assert (await client("writes relays"))[0]["address"] == 2
        await client("device relays power-loss")
        assert await client("held") == {"relays": {}}
        for command in ("echo on", "noise 0.1", "drop 0.1", "late 20"):
            await client(f"line meters {command}")
        faults = fleet.lines["meters"].faults
        assert (faults.echo, faults.noise, faults.drop, faults.late_s) == (True, 0.1, 0.1, 0.02)
        await client("line meters inject 01 02")
        counters = await client("line meters counters")
        assert (counters["received_a"], counters["bad_frames"]) == (2, 0)
        assert await client("line meters silence") is None
        await client("line meters forget")
        await client("fault wm-02 dead")
        await client("fault wm-02 nan")
        await client("heal wm-02 dead")
        assert list(fleet.devices["wm-02"].faults.active) == ["nan"]
        await client("heal all")
        assert not fleet.devices["wm-02"].faults.active
        await client("quit")
        assert fleet.stopped.is_set()
        await client.close()
        await control.close()
        await fleet.close()

    asyncio.run(work())


def terminal(path: Path) -> FileIO:
    """A terminal that does not become that of the test run: its end would be the end of the run."""
    return FileIO(os.open(path, os.O_RDWR | os.O_NOCTTY), "r+b")


def test_two_processes_joined_by_a_line(tmp_path: Path) -> None:
    with hw_sim("line", tmp_path / "a", tmp_path / "b", "--baud", "115200", "--control", tmp_path / "c") as ready:
        far = ["meters", "--port", tmp_path / "b", "--baud", "115200", "--folder", tmp_path / "far"]
        with hw_sim(*far) as meters, terminal(tmp_path / "a") as master:
            master.write(bytes.fromhex("010300080008C5CE"))
            answer = b""
            while len(answer) < 21:
                answer += master.read(64)
            assert answer[:3] == bytes.fromhex("010310")
            Client(meters["control"])("quit")
        line = Client(ready["control"])
        assert line("line line counters")["received_a"] == 21
        line("quit")


def test_what_cannot_be_opened_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", str(tmp_path / "none.toml")]) == 1
    assert "none.toml" in capsys.readouterr().err
    assert main(["ctl", str(tmp_path / "none.sock"), "help"]) == 1
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out.strip() == "0.1.0"


async def sink(
    reply: bytes = b"",
) -> tuple[asyncio.Server, int, list[bytes]]:
    """A server that keeps what it gets."""
    got: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)
        while data := await reader.read(65536):
            got.append(data)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1], got


def with_uplink(work: Callable[[Throttle, list[bytes]], Awaitable[None]], **options: float) -> None:
    async def run() -> None:
        server, port, got = await sink(b"hello")
        proxy = await Throttle("127.0.0.1", port, **options).open()  # type: ignore[arg-type]
        async with asyncio.timeout(200):
            await work(proxy, got)
        await proxy.close()
        server.close()

    asyncio.run(run())


def test_an_uplink_of_one_megabit_is_as_slow_as_that() -> None:
    async def work(proxy: Throttle, got: list[bytes]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        began = time.monotonic()
        writer.write(bytes(50_000))
        writer.write_eof()
        assert await reader.read() == b"hello"
        took = time.monotonic() - began
        assert sum(map(len, got)) == 50_000
        assert took >= 0.4
        counted = {name: count for name, count in proxy.counters().items() if name != "open"}  # it is just closing
        assert counted == {"accepted": 1, "broken": 0, "up_bytes": 50_000, "down_bytes": 5}
        writer.close()

    with_uplink(work, rate_bps=1e6)


def test_delay_is_added_one_way() -> None:
    async def work(proxy: Throttle, got: list[bytes]) -> None:
        began = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await reader.readexactly(5) == b"hello"
        assert time.monotonic() - began >= 0.15
        writer.close()

    with_uplink(work, delay_s=0.15)


def test_small_buffers_make_the_sender_feel_it() -> None:
    async def work(proxy: Throttle, got: list[bytes]) -> None:
        proxy.stall()
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(bytes(20_000_000))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await writer.drain()
        assert proxy.up.bytes == 0
        writer.transport.abort()

    with_uplink(work)


def test_cut_stall_refuse_and_heal() -> None:
    async def work(proxy: Throttle, got: list[bytes]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await reader.readexactly(5) == b"hello"
        await proxy.cut()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await reader.readexactly(5) == b"hello"
        proxy.stall()
        writer.write(b"held")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.read(1)
        assert not got
        await proxy.heal()
        writer.write_eof()
        assert await reader.read() == b""
        assert b"".join(got) == b"held"
        await proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", proxy.port)
        await proxy.heal()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await reader.readexactly(5) == b"hello"

    with_uplink(work)


def test_throttle_of_a_dead_target_closes(tmp_path: Path) -> None:
    async def work() -> None:
        server, port, _ = await sink()
        server.close()
        await server.wait_closed()
        proxy = await Throttle("127.0.0.1", port).open()
        control = await ControlServer(proxy.table(), tmp_path / "c").open()
        client = await AsyncClient.connect(control.path)
        reader, _ = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        await client("rate 5000")
        await client("delay 20")
        assert (proxy.up.rate_bps, proxy.delay_s) == (5000, 0.02)
        for command in ("cut", "stall", "refuse", "heal"):
            await client(command)
        assert (await client("counters"))["broken"] == 1
        await client.close()
        await control.close()
        await proxy.close()

    asyncio.run(work())


def request(transaction: int, unit: int, first: int, count: int, function: int = 3) -> bytes:
    return struct.pack(">HHHBBHH", transaction, 0, 6, unit, function, first, count)


def test_the_fast_server_numbers_its_answers() -> None:
    async def work() -> None:
        server = await FixedServer(endpoints=2, units=2, registers=200).open()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.ports[1])
        asked = b"".join(
            request(i, unit, 0, 100) + request(100 + i, unit, 100, 100) for i in range(3) for unit in (1, 2, 9)
        )
        writer.write(asked[:30])
        await writer.drain()
        writer.write(asked[30:])
        numbers: dict[int, list[int]] = {1: [], 2: []}
        for _ in range(12):
            transaction, _, length, unit, function, size = struct.unpack(">HHHBBB", await reader.readexactly(9))
            data = await reader.readexactly(size)
            assert (length, function, size) == (203, 3, 200)
            if transaction < 100:
                number, ticks, value = struct.unpack_from(">IIf", data)
                numbers[unit].append(number)
                assert abs(ticks - (int(time.time() * 10_000) & 0xFFFFFFFF)) < 50_000
                assert value == 20.0
        assert numbers == {1: [1, 2, 3], 2: [1, 2, 3]}
        assert server.served() == {"answers": 12, "polls": {server.ports[0]: [0, 0], server.ports[1]: [3, 3]}}
        for bad, code in ((request(1, 1, 0, 126), 3), (request(1, 1, 150, 60), 2), (request(1, 1, 0, 2, 1), 1)):
            writer.write(bad)
            assert (await reader.readexactly(9))[-1] == code
        writer.write(b"\0\1\0\1" + bytes(8))
        assert await reader.read() == b""
        writer.close()
        await server.close()

    asyncio.run(work())
