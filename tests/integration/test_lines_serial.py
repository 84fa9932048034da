"""Serial ports on pseudo terminals: what is read and sent, and every way in which opening and using one fails."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import tty
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from courtyard.drivers.base import DriverError, Fault
from courtyard.drivers.lines.faults import serial_fault
from courtyard.drivers.lines.settings import SerialLine
from courtyard.drivers.lines.wire import open_wire

TIMEOUT_S = 100.0


class Ear:
    """A Listener that can be waited for."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.fault: Fault | None = None
        self._changed = asyncio.Event()

    def received(self, data: bytes) -> None:
        self.data += data
        self._changed.set()

    def lost(self, fault: Fault) -> None:
        assert self.fault is None
        self.fault = fault
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


class Terminal:
    """Both ends of a pseudo terminal."""

    def __init__(self) -> None:
        self.far, self._near = pty.openpty()
        tty.setraw(self._near)
        self.line = SerialLine("bus", os.ttyname(self._near))
        self._plugged = True

    def unplug(self) -> None:
        if self._plugged:
            self._plugged = False
            os.close(self.far)

    def close(self) -> None:
        self.unplug()
        os.close(self._near)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await main()

    asyncio.run(whole())


async def refused(line: SerialLine) -> Fault:
    with pytest.raises(DriverError) as error:
        await open_wire(line, Ear())
    assert error.value.subject == line.name
    return error.value.fault


def test_bytes_go_both_ways_unchanged(terminal: Terminal) -> None:
    everything = bytes(range(256))

    async def main() -> None:
        ear = Ear()
        wire = await open_wire(terminal.line, ear)
        assert wire.is_open
        wire.send(everything)
        assert os.read(terminal.far, 1024) == everything
        os.write(terminal.far, everything)
        await ear.until(lambda: len(ear.data) == 256)
        assert ear.data == everything
        wire.close()
        wire.close()
        wire.send(b"nothing happens")
        assert not wire.is_open
        assert ear.fault is None

    run(main)


@pytest.mark.parametrize("parity", ["N", "E", "O"])
def test_parity_on_a_pseudo_terminal_is_no_obstacle(terminal: Terminal, parity: str) -> None:
    line = SerialLine("bus", terminal.line.port, parity=parity, stop_bits=2)  # type: ignore[arg-type]

    async def main() -> None:
        (await open_wire(line, Ear())).close()

    run(main)


def test_a_port_has_one_user(terminal: Terminal) -> None:
    async def main() -> None:
        first = await open_wire(terminal.line, Ear())
        fault = await refused(terminal.line)
        assert fault.code == "line.open.busy"
        assert terminal.line.port in fault.what.en
        first.close()
        (await open_wire(terminal.line, Ear())).close()

    run(main)


def test_a_lock_of_another_program_is_respected(terminal: Terminal) -> None:
    other = os.open(terminal.line.port, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(other, fcntl.LOCK_EX)

    async def main() -> None:
        assert (await refused(terminal.line)).code == "line.open.busy"

    run(main)
    os.close(other)


def test_a_missing_port_is_named(tmp_path: Path) -> None:
    async def main() -> None:
        fault = await refused(SerialLine("bus", str(tmp_path / "ttyUSB9")))
        assert fault.code == "line.open.missing"
        assert "ttyUSB9" in fault.what.zh

    run(main)


def test_a_file_is_no_serial_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    async def main() -> None:
        assert (await refused(SerialLine("bus", str(tmp_path / "file")))).code == "line.open.not_serial"

    run(main)


def test_permission_names_the_group_and_the_cure(tmp_path: Path) -> None:
    port = tmp_path / "ttyS0"
    port.write_bytes(b"")
    if os.geteuid() == 0:
        os.chown(port, 0, 20)
    fault = serial_fault(PermissionError(13, "Permission denied"), str(port))
    assert fault.code == "line.open.permission"
    if os.geteuid() == 0:
        assert "dialout" in fault.what.en
        assert "usermod -aG dialout root" in fault.cure.en
        assert "usermod -aG dialout root" in fault.cure.zh
    nobody = serial_fault(PermissionError(13, "Permission denied"), "/nowhere/ttyS0")
    assert "dialout" in nobody.cure.en


def test_an_unplugged_adapter_is_told_once(terminal: Terminal) -> None:
    async def main() -> None:
        ear = Ear()
        wire = await open_wire(terminal.line, ear)
        terminal.unplug()
        await ear.until(lambda: ear.fault is not None)
        assert ear.fault is not None
        assert ear.fault.code == "line.lost.unplugged"
        assert not wire.is_open
        wire.send(b"nothing happens")
        wire.close()

    run(main)


def test_a_port_that_takes_no_more_bytes_is_lost(terminal: Terminal) -> None:
    async def main() -> None:
        ear = Ear()
        wire = await open_wire(terminal.line, ear)
        for _ in range(10_000):
            if not wire.is_open:
                break
            wire.send(bytes(256))
        assert ear.fault is not None
        assert ear.fault.code == "line.lost.jammed"

    run(main)


def test_cancelling_an_opening_leaves_the_port_free(terminal: Terminal) -> None:
    async def main() -> None:
        opening = asyncio.create_task(open_wire(terminal.line, Ear()))
        asyncio.get_running_loop().call_soon(opening.cancel)
        with pytest.raises(asyncio.CancelledError):
            await opening
        await asyncio.get_running_loop().shutdown_default_executor()

    run(main)

    async def again() -> None:
        (await open_wire(terminal.line, Ear())).close()

    run(again)
