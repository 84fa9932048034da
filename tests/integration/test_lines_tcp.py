"""TCP connections on the loopback: bytes both ways, and every way in which connecting fails."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from courtyard.drivers.base import DriverError, Fault
from courtyard.drivers.lines.faults import tcp_fault
from courtyard.drivers.lines.settings import RtuTcpLine, TcpLine
from courtyard.drivers.lines.wire import open_wire
from tests.integration.test_lines_serial import Ear, run

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def serving(serve: Serve) -> tuple[asyncio.Server, TcpLine]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, TcpLine("endpoint", "127.0.0.1", server.sockets[0].getsockname()[1])


async def refused(line: TcpLine | RtuTcpLine) -> Fault:
    with pytest.raises(DriverError) as error:
        await open_wire(line, Ear())
    return error.value.fault


def test_bytes_go_both_ways() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
        writer.close()

    async def main() -> None:
        server, line = await serving(echo)
        ear = Ear()
        wire = await open_wire(line, ear)
        wire.send(bytes(5000))
        await ear.until(lambda: len(ear.data) == 5000)
        wire.close()
        wire.close()
        wire.send(b"nothing happens")
        assert not wire.is_open
        assert ear.fault is None
        server.close()

    run(main)


def test_a_name_is_tried_at_all_its_addresses() -> None:
    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def main() -> None:
        server, line = await serving(nothing)
        wire = await open_wire(TcpLine("endpoint", "localhost", line.port), Ear())
        wire.close()
        server.close()

    run(main)


def test_a_closed_connection_is_told_once() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async def main() -> None:
        server, line = await serving(hang_up)
        ear = Ear()
        wire = await open_wire(line, ear)
        wire.send(b"x")
        await ear.until(lambda: ear.fault is not None)
        assert ear.fault is not None
        assert ear.fault.code == "line.tcp.closed"
        assert not wire.is_open
        server.close()

    run(main)


def test_a_peer_that_reads_nothing_is_lost_before_memory_is() -> None:
    async def main() -> None:
        stop = asyncio.Event()

        async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            reader._transport.pause_reading()  # type: ignore[attr-defined]
            await stop.wait()
            writer.close()

        server, line = await serving(deaf)
        ear = Ear()
        wire = await open_wire(line, ear)
        for _ in range(100_000):
            if not wire.is_open:
                break
            wire.send(bytes(1000))
        assert ear.fault is not None
        assert ear.fault.code == "line.lost.jammed"
        stop.set()
        server.close()

    run(main)


def test_a_refused_connection_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

        async def main() -> None:
            for line in (TcpLine("a", "127.0.0.1", port), RtuTcpLine("b", "127.0.0.1", port)):
                fault = await refused(line)
                assert fault.code == "line.tcp.refused"
                assert str(port) in fault.what.en

        run(main)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (socket.gaierror(-2, "Name or service not known"), "line.tcp.name"),
        (UnicodeError("label too long"), "line.tcp.name"),
        (TimeoutError(), "line.tcp.unreachable"),
        (OSError(113, "No route to host"), "line.tcp.unreachable"),
        (ConnectionRefusedError(111, "Connection refused"), "line.tcp.refused"),
    ],
)
def test_what_goes_wrong_has_a_name_and_a_cure(error: Exception, code: str) -> None:
    fault = tcp_fault(error, TcpLine("endpoint", "meter.example", 502))
    assert fault.code == code
    assert "meter.example" in fault.what.en
    assert "meter.example" in fault.what.zh
    assert fault.cure.en
    assert fault.cure.zh


def test_a_name_that_does_not_exist_is_a_fault_of_the_name() -> None:
    async def main() -> None:
        assert (await refused(TcpLine("endpoint", "no such name.invalid", 502))).code == "line.tcp.name"

    run(main)
