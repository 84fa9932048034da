"""A radio in virtual time that keeps the promises of `drivers.ble.radio`, and breaks them when told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

from courtyard.drivers.base import DriverError, Fault
from courtyard.drivers.ble.faults import adapter_fault, wearable_fault
from courtyard.drivers.ble.radio import Asks, Heard, LinkFailed
from courtyard.drivers.ble.receive import Advertisement

HEART_RATE, BATTERY = 0x2A37, 0x2A19


class FakeLink:
    def __init__(self, radio: FakeRadio, address: str) -> None:
        self.lost = asyncio.Event()
        self.address, self._radio = address, radio
        self.told: dict[int, Callable[[bytes], None]] = {}
        self.closed = False
        self.written: list[tuple[int, bytes]] = []

    @property
    def characteristics(self) -> Collection[int]:
        return self._radio.characteristics

    async def subscribe(self, uuid: int, told: Callable[[bytes], None]) -> None:
        self._alive()
        self.told[uuid] = told

    async def read(self, uuid: int) -> bytes:
        self._alive()
        return b"\x5a"

    async def write(self, uuid: int, data: bytes) -> None:
        self._alive()
        self.written.append((uuid, data))

    async def close(self) -> None:
        self.lost.set()
        self.closed = True
        self.told.clear()
        self._radio.links.discard(self)

    def notify(self, uuid: int, value: bytes) -> None:
        if uuid in self.told and not self.lost.is_set():
            self.told[uuid](value)

    def _alive(self) -> None:
        if self.lost.is_set():
            raise LinkFailed("lost")


class FakeRadio:
    """`refuses` are addresses that take no connection; `fault` makes opening fail."""

    def __init__(self) -> None:
        self.links: set[FakeLink] = set()
        self.most_links = self.opened = self.cycles = self.attempts = self.quiet_attempts = 0
        self.attempts_at_once = self.most_at_once = 0
        self.characteristics: Collection[int] = (HEART_RATE, BATTERY, 0x2A2B)
        self.refuses: set[str] = set()
        self.fault: Fault | None = None
        self.connect_s = 0.1
        self.writes: list[tuple[int, bytes]] = []
        self._told: Callable[[Heard], None] | None = None
        self._down: asyncio.Future[Fault] | None = None
        self._change = asyncio.Event()

    async def open(self, heard: Callable[[Heard], None]) -> asyncio.Future[Fault]:
        self._change.clear()
        if self.fault is not None:
            raise DriverError(self.fault, "hci0")
        self.opened += 1
        self._told, self._down = heard, asyncio.get_running_loop().create_future()
        return self._down

    async def close(self) -> None:
        self._told = None

    async def shut(self) -> None:
        await self.close()

    async def changed(self) -> None:
        await self._change.wait()

    async def connect(self, handle: Any, *, scan_paused: bool = False) -> FakeLink:
        self.attempts += 1
        self.quiet_attempts += scan_paused
        self.attempts_at_once += 1
        self.most_at_once = max(self.most_at_once, self.attempts_at_once)
        try:
            done = asyncio.Event()
            asyncio.get_running_loop().call_later(self.connect_s, done.set)
            await done.wait()
        finally:
            self.attempts_at_once -= 1
        if handle in self.refuses or self._told is None:
            raise LinkFailed("refused")
        link = FakeLink(self, handle)
        self.links.add(link)
        self.most_links = max(self.most_links, len(self.links))
        return link

    async def power_cycle(self) -> None:
        self.cycles += 1

    async def pair(self, handle: Any, name: str, person: Asks) -> None:
        raise DriverError(wearable_fault("pair_refused", name), name)

    async def unpair(self, address: str) -> bool:
        return False

    # What tests do

    def advertise(self, address: str, service_data: dict[int, bytes] | None = None, rssi: int = -60) -> None:
        self.hear(Heard(address, rssi, Advertisement(service_data or {}), handle=address))

    def hear(self, heard: Heard) -> None:
        if self._told is not None:
            self._told(heard)

    def go_down(self, code: str = "lost", *, for_good: bool = False) -> None:
        fault = adapter_fault(code, "hci0")
        self.fault = fault if for_good else None
        if self._down is not None and not self._down.done():
            self._down.set_result(fault)
        self._told = None
        for link in list(self.links):
            link.lost.set()

    def come_back(self) -> None:
        self.fault = None
        self._change.set()
