"""What leaves the box of a wearable: never its hardware address, and a sign of life whatever it can measure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from courtyard.drivers.ble.driver import BleDriver
from courtyard.drivers.ble.settings import BleDevice, WearableProfile
from tests.ble_radio import bthome
from tests.blestack_radio import FakeRadio
from tests.blestack_rig import BUTTON, Collected, LoopClock, band, octets, wearable
from tests.gateway_rig import elapse, settle, virtual

ADDRESS = "AC:23:3F:A1:B2:C3"
SENSOR = wearable("door-1", ADDRESS, WearableProfile("Sensor", "传感器", silent_s=86_400))
MINEW, APPLE = 0xFFE1, 0x004C


@asynccontextmanager
async def driving(*devices: BleDevice) -> AsyncIterator[tuple[FakeRadio, Collected]]:
    radio, sink = FakeRadio(), Collected()
    running = asyncio.ensure_future(BleDriver("ble-1", devices, {"hci0": radio}, LoopClock()).run(sink))
    await settle()
    try:
        yield radio, sink
    finally:
        running.cancel()
        await asyncio.wait((running,))


def test_an_address_in_the_packet_itself_is_blanked_in_the_record() -> None:
    @virtual
    async def _() -> None:
        async with driving(SENSOR) as (radio, sink):
            radio.advertise(ADDRESS, {MINEW: b"\xa1\x20\x5a\x01" + octets(ADDRESS)[::-1]})
            await settle()
            (signal,) = sink.signals
            assert signal.kind == "tamper"
            assert signal.raw_hex == "a1205a01" + "00" * 6


def test_a_button_that_measures_nothing_still_gives_a_sign_of_life_a_minute() -> None:
    @virtual
    async def _() -> None:
        async with driving(wearable("sos-1", ADDRESS, BUTTON)) as (radio, sink):
            for _second in range(150):
                radio.advertise(ADDRESS, rssi=-70)
                await elapse(1)
            assert sink.values("sos-1", "signal.strength") == [60.0] * 3
            assert [set(reading.values) for reading in sink.readings] == [{"signal.strength"}] * 3


def test_contact_that_comes_and_goes_is_told_by_the_values_and_is_no_alarm() -> None:
    @virtual
    async def _() -> None:
        async with driving(band(1)) as (radio, sink):
            radio.advertise("C0:FF:EE:00:00:01")
            await elapse(1)
            (link,) = radio.links
            for worn in (True, False, True, False):
                link.notify(0x2A37, bytes((0x06 if worn else 0x04, 72)))
                await elapse(1)
            assert sink.signals == []
            assert sink.values("band-1", "vital.heart_rate") == [72.0, None, 72.0, None]
            assert sink.readings[-1].quality == {"vital.heart_rate": "bad:contact"}


def test_the_strength_of_a_signal_stays_between_nothing_and_all() -> None:
    @virtual
    async def _() -> None:
        for rssi, percent in ((-127, 0.0), (-100, 0.0), (-75, 50.0), (-50, 100.0), (20, 100.0)):
            async with driving(wearable("sos-1", ADDRESS, BUTTON)) as (radio, sink):
                radio.advertise(ADDRESS, {0xFCD2: bthome(b"\x00\x01")}, rssi=rssi)
                assert sink.values("sos-1", "signal.strength") == [percent]
