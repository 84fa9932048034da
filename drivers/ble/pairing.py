"""Pairing one device, while a person stands beside it: found, bonded by the radio that hears it best, let go again.

Invariants
1. Nothing pairs outside of a `Pairing`: no radio has an agent, so every request of a device is refused.
2. It ends by itself, and lets go of everything: the device's connection, the radio's agent, the one attempt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from courtyard.drivers.base import DriverError
from courtyard.drivers.ble.candidates import Candidates
from courtyard.drivers.ble.faults import wearable_fault
from courtyard.drivers.ble.radio import Asks, Heard
from courtyard.drivers.ble.station import Station

COLLECT_S = 1.0
"""So long after it was first heard it is waited for other radios to hear it too."""


class Person(Asks, Protocol):
    """Whoever pairs.  Answers may take as long as the pairing may."""

    async def tell(self, stage: str, adapter: str = "") -> None:
        """What happens now: `listening`, `pairing`."""


class Pairing:
    """One device, by address; `name` is what people call it."""

    def __init__(self, address: str, name: str, person: Person) -> None:
        self.address, self._name, self._person = address, name, person
        self._heard: dict[Station, Heard] = {}
        self._news = asyncio.Event()

    def heard(self, station: Station, heard: Heard) -> None:
        """One advert of anybody."""
        if heard.address == self.address:
            self._heard[station] = heard
            self._news.set()

    async def run(self, candidates: Candidates, within_s: float) -> str:
        """The adapter that has the keys now.  Raises DriverError."""
        ends_s = asyncio.get_running_loop().time() + within_s
        async with candidates.kept_away(self.address):
            await self._person.tell("listening")
            await self._within(ends_s, self._news.wait, "pair_unheard")
            await asyncio.sleep(COLLECT_S)
            station, heard = max(self._heard.items(), key=lambda pair: (pair[1].paired, pair[1].rssi))
            if heard.paired:
                return station.name
            if station.connections is None:
                raise DriverError(wearable_fault("pair_unheard", self._name), self._name)
            async with station.connections.alone():
                await self._person.tell("pairing", station.name)
                await self._within(
                    ends_s, lambda: station.radio.pair(heard.handle, self._name, self._person), "pair_timeout"
                )
        return station.name

    async def _within(self, ends_s: float, work: Callable[[], Awaitable[object]], late: str) -> None:
        try:
            async with asyncio.timeout_at(ends_s):
                await work()
        except TimeoutError as error:
            raise DriverError(wearable_fault(late, self._name), self._name) from error
