"""Several adapters of one line on radios in virtual time: one report, connections shared, one fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from courtyard.drivers.ble.driver import BleDriver
from courtyard.drivers.ble.radio import Heard
from courtyard.drivers.ble.receive import Advertisement
from courtyard.drivers.ble.settings import BleDevice
from tests.ble_radio import bthome
from tests.blestack_radio import HEART_RATE, FakeRadio
from tests.blestack_rig import BUTTON, CUFF, Collected, LoopClock, band, wearable
from tests.gateway_rig import elapse, settle, virtual

ADDRESS = "C0:FF:EE:01:00:01"
SOS = wearable("sos-1", ADDRESS, BUTTON)
Radios = dict[str, FakeRadio]


@asynccontextmanager
async def driving(*devices: BleDevice, slots: int = 5) -> AsyncIterator[tuple[BleDriver, Radios, Collected]]:
    radios, sink = {"hci0": FakeRadio(), "hci1": FakeRadio()}, Collected()
    driver = BleDriver("ble-1", devices, radios, LoopClock(), slots=slots)
    running = asyncio.ensure_future(driver.run(sink))
    await settle()
    try:
        yield driver, radios, sink
    finally:
        running.cancel()
        await asyncio.wait((running,))
        assert running.cancelled(), running.exception()
        assert not any(radio.links for radio in radios.values())


def heard(address: str, rssi: int = -60, *, number: int | None = None) -> Heard:
    data = {} if number is None else {0xFCD2: bthome(bytes((0x00, number, 0x01, 90, 0x3A, 1)))}
    return Heard(address, rssi, Advertisement(data), handle=address)


def links(radio: FakeRadio) -> set[str]:
    return {link.address for link in radio.links}


def test_what_two_adapters_hear_is_one_report() -> None:
    @virtual
    async def _() -> None:
        async with driving(SOS) as (_, radios, sink):
            for _ in range(20):
                for radio in radios.values():
                    radio.hear(heard(ADDRESS, number=1))
                    await elapse(0.1)
            assert [(signal.kind, signal.active) for signal in sink.signals] == [("sos", True)]
            assert len([each for each in sink.readings if "battery.level" in each.values]) == 1


def test_connections_are_spread_and_a_device_has_one_only() -> None:
    @virtual
    async def _() -> None:
        bands = [band(number) for number in range(1, 9)]
        async with driving(*bands, slots=4) as (driver, radios, _):
            for _ in range(20):
                connected = links(radios["hci0"]) | links(radios["hci1"])
                for each in bands:
                    if each.address not in connected:
                        for radio in radios.values():
                            radio.hear(heard(each.address))
                for radio in radios.values():
                    for link in radio.links:
                        link.notify(HEART_RATE, bytes((0x06, 70)))
                await elapse(0.5)
            assert [len(radio.links) for radio in radios.values()] == [4, 4]
            assert not links(radios["hci0"]) & links(radios["hci1"])
            assert driver.counters()["ble-1"]["connected"] == 8


def test_the_adapter_that_hears_it_better_takes_it() -> None:
    @virtual
    async def _() -> None:
        async with driving(band(1), band(2)) as (_, radios, _):
            for _ in range(2):
                radios["hci0"].hear(heard(band(1).address, -85))
                radios["hci1"].hear(heard(band(2).address, -85))
                await elapse(0.01)
                radios["hci1"].hear(heard(band(1).address, -50))
                radios["hci0"].hear(heard(band(2).address, -50))
                await elapse(1)
                for radio in radios.values():
                    for link in list(radio.links):
                        link.lost.set()
                await elapse(1)
            radios["hci0"].hear(heard(band(1).address, -85))
            radios["hci1"].hear(heard(band(2).address, -85))
            await elapse(0.01)
            radios["hci1"].hear(heard(band(1).address, -50))
            radios["hci0"].hear(heard(band(2).address, -50))
            await elapse(2)
            assert links(radios["hci0"]) == {band(2).address}
            assert links(radios["hci1"]) == {band(1).address}


def test_a_device_that_one_adapter_cannot_reach_is_tried_by_the_other() -> None:
    @virtual
    async def _() -> None:
        async with driving(band(1)) as (_, radios, _):
            radios["hci0"].refuses = {band(1).address}
            for _ in range(5):
                radios["hci0"].hear(heard(band(1).address, -50))
                radios["hci1"].hear(heard(band(1).address, -60))
                await elapse(1)
            assert links(radios["hci1"]) == {band(1).address}
            assert radios["hci0"].attempts <= 2


@pytest.mark.parametrize("code", ["no_adapter", "powered_off", "rfkill"])
def test_one_adapter_that_fails_leaves_the_other_working(code: str) -> None:
    @virtual
    async def _() -> None:
        async with driving(SOS, band(1), band(2)) as (driver, radios, sink):
            for radio, number in zip(radios.values(), (1, 2), strict=True):
                radio.hear(heard(band(number).address))
            await elapse(1)
            assert links(radios["hci0"]) == {band(1).address}
            radios["hci0"].go_down(code, for_good=True)
            await elapse(1)
            fault = sink.faults["ble-1"]
            assert fault is not None
            assert (fault.code, "others" in fault.what.en or "other adapters" in fault.what.en) == (f"ble.{code}", True)
            assert links(radios["hci1"]) == {band(2).address}
            radios["hci1"].hear(heard(ADDRESS, number=1))
            radios["hci1"].hear(heard(band(1).address))
            await elapse(1)
            assert [signal.kind for signal in sink.signals] == ["sos"]
            assert links(radios["hci1"]) == {band(1).address, band(2).address}
            assert sink.faults["ble-1"] is not None
            radios["hci0"].come_back()
            await elapse(1)
            assert sink.faults["ble-1"] is None
            assert driver.counters()["ble-1"]["lost"] == 1


def test_a_device_is_silent_only_when_nobody_could_have_heard_it() -> None:
    @virtual
    async def _() -> None:
        async with driving(band(1)) as (_, radios, sink):
            radios["hci0"].hear(heard(band(1).address))
            await elapse(20)
            radios["hci1"].go_down()
            await elapse(15)
            assert sink.faults["band-1"] is not None  # hci0 listened all the time


def test_the_scan_is_paused_only_for_a_device_that_refused_twice() -> None:
    @virtual
    async def _() -> None:
        async with driving(band(1)) as (_, radios, _):
            radio = radios["hci0"]
            radio.refuses = {band(1).address}
            quiet = []
            for _ in range(10):
                radio.hear(heard(band(1).address))
                await elapse(1)
                quiet.append((radio.attempts, radio.quiet_attempts))
            assert (2, 0) in quiet
            assert quiet[-1][1] == quiet[-1][0] - 2


def test_room_is_made_on_one_adapter_only_and_by_the_least_important() -> None:
    @virtual
    async def _() -> None:
        bands, cuff = [band(number) for number in range(1, 5)], wearable("cuff", "C0:FF:EE:03:00:01", CUFF)
        async with driving(*bands, cuff, slots=2) as (_, radios, _):
            for _ in range(6):
                connected = links(radios["hci0"]) | links(radios["hci1"])
                for radio in radios.values():
                    for each in bands:
                        if each.address not in connected:
                            radio.hear(heard(each.address))
                    for link in radio.links:
                        link.notify(HEART_RATE, bytes((0x06, 70)))
                await elapse(1)
            assert sum(len(radio.links) for radio in radios.values()) == 4
            for radio in radios.values():
                radio.hear(heard(cuff.address))
            await elapse(0.5)
            together = links(radios["hci0"]) | links(radios["hci1"])
            assert cuff.address in together
            assert len(together) == 4
