"""Batches of adverts: a connection is read again after the pause, whole and in order, and never when it was closed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from courtyard.drivers.ble.bluez.pace import PAUSE_S, Pace, unpaced


class Bus:
    """As much of a D-Bus connection as is read, and what it read at each waking."""

    def __init__(self, heard: Callable[[], None] = lambda: None) -> None:
        self._sock, self.far = socket.socketpair()
        self._sock.setblocking(False)
        self.heard = heard
        self.read: list[bytes] = []
        asyncio.get_running_loop().add_reader(self._sock.fileno(), self._take, 4096)

    def _take(self, most: int) -> None:
        self.read.append(self._sock.recv(most))
        self.heard()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._sock.fileno())
        self._sock.close()


@contextmanager
def paced() -> Iterator[tuple[Bus, Pace]]:
    bus = Bus()
    pace = Pace(bus)
    bus.heard = pace.heard
    try:
        yield bus, pace
    finally:
        if bus._sock.fileno() >= 0:
            bus.close()
        bus.far.close()


async def _sent(bus: Bus, *packets: bytes) -> None:
    for packet in packets:
        bus.far.send(packet)
        await asyncio.sleep(PAUSE_S / 20)


async def _until(bus: Bus, all_of_it: bytes) -> None:
    for _ in range(200):
        if b"".join(bus.read) == all_of_it:
            return
        await asyncio.sleep(PAUSE_S)
    raise AssertionError(bus.read)


def test_what_comes_in_a_pause_is_read_at_once_after_it() -> None:
    async def run() -> None:
        with paced() as (bus, _):
            await _sent(bus, b"1", b"2", b"3", b"4")
            await _until(bus, b"1234")
            assert bus.read[0] == b"1"
            assert len(bus.read) < 4
            await _sent(bus, b"5")
            await _until(bus, b"12345")

    asyncio.run(run())


def test_several_radios_on_one_connection_pause_it_once() -> None:
    async def run() -> None:
        with paced() as (bus, first):
            second = Pace(bus)

            def heard() -> None:
                first.heard()
                second.heard()

            bus.heard = heard
            await _sent(bus, b"1", b"2", b"3")
            await _until(bus, b"123")
            await _sent(bus, b"4")
            await _until(bus, b"1234")

    asyncio.run(run())


def test_a_connection_closed_in_a_pause_is_left_alone() -> None:
    async def run() -> None:
        with paced() as (bus, _):
            await _sent(bus, b"1")
            assert bus.read == [b"1"]
            fd = bus._sock.fileno()
            bus.close()
            near, far = socket.socketpair()
            with near, far:
                assert fd in (near.fileno(), far.fileno()), "the number is another's now"
                await asyncio.sleep(PAUSE_S * 3)
                assert not asyncio.get_running_loop().remove_reader(fd)

    asyncio.run(run())


def test_nothing_pauses_while_there_is_a_link() -> None:
    async def run() -> None:
        with paced() as (bus, _), unpaced():
            await _sent(bus, b"1")
            assert asyncio.get_running_loop().remove_reader(bus._sock.fileno()), "it is read on"

    asyncio.run(run())


@pytest.mark.parametrize("bus", [None, object()])
def test_a_connection_that_is_not_as_expected_is_not_paused(bus: object) -> None:
    async def run() -> None:
        Pace(bus).heard()

    asyncio.run(run())
