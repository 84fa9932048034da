"""A day of churn in virtual time: devices come and go, links are lost, radios go down; nothing is left behind.

Twenty minutes by default, the whole day with COURTYARD_CAMPAIGN=full; what was seen is printed for the measurements.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from courtyard.drivers.base import DriverError
from courtyard.drivers.ble.driver import BleDriver
from courtyard.drivers.ble.radio import Heard
from courtyard.drivers.ble.receive import Advertisement
from tests.ble_radio import bthome
from tests.blestack_radio import HEART_RATE, FakeLink, FakeRadio
from tests.blestack_rig import BUTTON, CUFF, Collected, LoopClock, band, wearable
from tests.gateway_rig import elapse, virtual

MINUTES = 24 * 60 if os.environ.get("COURTYARD_CAMPAIGN") == "full" else 20
SOS = wearable("sos-1", "C0:FF:EE:01:00:01", BUTTON)
BANDS = [band(number) for number in range(1, 11)]
CUFFS = [wearable(f"cuff-{number}", f"C0:FF:EE:03:00:{number:02X}", CUFF) for number in range(1, 4)]
FAULTS = ("lost", "no_stack", "no_adapter", "powered_off", "rfkill", "no_bus", "failed")


class Nobody:
    """A person who is not there when asked."""

    async def tell(self, stage: str, adapter: str = "") -> None:
        return

    async def passkey(self) -> int | None:
        return None

    async def same(self, number: int) -> bool:
        return False

    async def show(self, number: int) -> None:
        return


class CountingRadio(FakeRadio):
    """Knows every link that was ever made and is still held by anybody."""

    def __init__(self) -> None:
        super().__init__()
        self.made: weakref.WeakSet[FakeLink] = weakref.WeakSet()
        self.count = 0

    async def connect(self, handle: object, *, scan_paused: bool = False) -> FakeLink:
        link = await super().connect(handle, scan_paused=scan_paused)
        self.made.add(link)
        self.count += 1
        return link


class Day:
    """What happens, minute by minute; the same for every run."""

    def __init__(self, driver: BleDriver, radios: list[CountingRadio], sink: Collected) -> None:
        self._driver, self._radios, self._sink = driver, radios, sink
        self._chance = random.Random(4)
        self._devices = [*BANDS, SOS]
        self._pairings: list[asyncio.Task[str]] = []
        self.pressed = 0

    async def minute(self) -> None:
        radio = self._chance.choice(self._radios)
        match self._chance.randrange(14):
            case 0:
                radio.go_down(self._chance.choice(FAULTS), for_good=True)
                await elapse(self._chance.random() * 90)
                radio.come_back()
            case 1:
                radio.go_down()
            case 2:
                radio.refuses = {each.address for each in self._chance.sample(BANDS, 5)}
            case 3:
                radio.refuses = set()
            case 4 | 5:
                for link in list(radio.links):
                    link.lost.set()
            case 6 | 7:
                self._devices = [*self._chance.sample(BANDS, self._chance.randrange(5, 11)), *CUFFS, SOS]
                self._driver.adjust(self._devices)
            case 8:
                self._pairings.append(asyncio.ensure_future(self._driver.pair(CUFFS[0].address, Nobody(), 20.0)))
        await elapse(2)
        for each in self._devices:
            for radio in self._radios:
                radio.hear(Heard(each.address, -60, Advertisement(), handle=each.address))
        await elapse(5)
        for radio in self._radios:
            for link in list(radio.links):
                link.notify(HEART_RATE, bytes((0x06, 70)))

    async def press(self) -> None:
        """Both radios hear it, whatever else is going on; one that is down hears nothing."""
        if all(radio.fault is not None for radio in self._radios):
            return
        await elapse(1)
        self.pressed += 1
        data = {0xFCD2: bthome(bytes((0x00, self.pressed % 256, 0x01, 90, 0x3A, 1)))}
        for radio in self._radios:
            radio.hear(Heard(SOS.address, -60, Advertisement(data), handle=SOS.address))

    async def evening(self) -> None:
        """Everybody leaves."""
        await asyncio.gather(*self._pairings, return_exceptions=True)
        for pairing in self._pairings:
            assert isinstance(pairing.exception(), DriverError)
        for radio in self._radios:
            radio.come_back()
            for link in list(radio.links):
                link.lost.set()
        await elapse(60)


@asynccontextmanager
async def driving() -> AsyncIterator[tuple[BleDriver, list[CountingRadio], Collected]]:
    radios, sink = [CountingRadio(), CountingRadio()], Collected()
    named = dict(zip(("hci0", "hci1"), radios, strict=True))
    driver = BleDriver("ble-1", [*BANDS, SOS], named, LoopClock(), slots=4)
    running = asyncio.ensure_future(driver.run(sink))
    await elapse(1)
    try:
        yield driver, radios, sink
    finally:
        running.cancel()
        await asyncio.wait((running,))
        assert running.cancelled(), running.exception()


@pytest.mark.timeout(300 + MINUTES)
def test_a_day_of_churn_leaves_nothing_behind() -> None:
    @virtual
    async def _() -> None:
        alone = len(asyncio.all_tasks())
        async with driving() as (driver, radios, sink):
            before, day = len(asyncio.all_tasks()), Day(driver, radios, sink)
            for minute in range(MINUTES):
                await day.minute()
                if minute % 10 == 0:
                    await day.press()
                await elapse(53)
            await day.evening()
            tasks_left = len(asyncio.all_tasks()) - before - len(CUFFS)  # one a device of the site, as at the start
            assert sum(signal.active for signal in sink.signals) == day.pressed
            assert driver.counters()["ble-1"]["connected"] == 0
            opened, links = sum(radio.opened for radio in radios), sum(radio.count for radio in radios)
        gc.collect()
        links_left = sum(len(radio.links) + len(radio.made) for radio in radios)
        tasks_left = max(tasks_left, len(asyncio.all_tasks()) - alone)
        told = {"hours": round(MINUTES / 60, 1), "links": links, "opened": opened, "tasks_left": max(0, tasks_left)}
        print(json.dumps({**told, "links_left": links_left}))
        assert opened > MINUTES / 12
        assert links > MINUTES / 3
        assert tasks_left <= 0
        assert links_left == 0
