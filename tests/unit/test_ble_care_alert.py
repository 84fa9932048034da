"""An answered call buzzes: bounded, before everything else, and never in the way of anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from courtyard.drivers.base import Alert, Alerts, DriverError
from courtyard.drivers.ble.driver import BleDriver
from tests.blestack_radio import HEART_RATE, FakeLink, FakeRadio
from tests.blestack_rig import BAND, BUTTON, Collected, LoopClock, band, wearable
from tests.gateway_rig import elapse, settle, virtual

ADDRESS, LEVEL = "C0:FF:EE:01:00:01", 0x2A06
TAG = wearable("sos-1", ADDRESS, msgspec.structs.replace(BUTTON, alerts=True))


class Tags(FakeRadio):
    """Every link offers an alert level; `written` is what all of them were given."""

    def __init__(self) -> None:
        super().__init__()
        self.characteristics = (HEART_RATE, LEVEL)
        self.written: list[tuple[str, bytes, float]] = []
        self.hangs = False

    async def connect(self, handle: object, *, scan_paused: bool = False) -> FakeLink:
        if self.hangs:
            await asyncio.Event().wait()
        link = await super().connect(handle, scan_paused=scan_paused)
        keep = link.write

        async def write(uuid: int, data: bytes) -> None:
            await keep(uuid, data)
            self.written.append((link.address, data, asyncio.get_running_loop().time()))

        link.write = write  # type: ignore[method-assign]
        return link


@asynccontextmanager
async def driving(*devices: object, slots: int = 5) -> AsyncIterator[tuple[BleDriver, Tags, Collected]]:
    radio, sink = Tags(), Collected()
    driver = BleDriver("ble-1", devices, {"hci0": radio}, LoopClock(), slots=slots)  # type: ignore[arg-type]
    running = asyncio.ensure_future(driver.run(sink))
    await settle()
    try:
        yield driver, radio, sink
    finally:
        running.cancel()
        await asyncio.wait((running,))
        assert not radio.links


def levels(radio: Tags) -> list[bytes]:
    return [data for _, data, _ in radio.written]


def test_an_answer_buzzes_a_tag_that_is_never_connected_otherwise_and_stops_it() -> None:
    @virtual
    async def _() -> None:
        async with driving(TAG) as (driver, radio, _):
            assert isinstance(driver, Alerts)
            assert driver.alerting("sos-1")
            radio.advertise(ADDRESS)
            await elapse(5)
            assert radio.attempts == 0
            await driver.alert("sos-1", Alert("high", 4.0))
            assert levels(radio) == [b"\x02", b"\x00"]
            assert radio.written[1][2] - radio.written[0][2] == pytest.approx(4.0, abs=0.1)
            assert not radio.links
            assert driver.counters()["sos-1"]["alerts"] == 1
            await elapse(60)
            assert radio.attempts == 1


def test_a_tag_that_ends_by_itself_is_let_go_at_once() -> None:
    @virtual
    async def _() -> None:
        async with driving(TAG) as (driver, radio, _):
            radio.advertise(ADDRESS)
            await driver.alert("sos-1", Alert("mild", 4.0, stop=False))
            assert levels(radio) == [b"\x01"]
            assert not radio.links


def test_an_answer_waits_for_the_next_advert_but_not_for_ever() -> None:
    @virtual
    async def _() -> None:
        async with driving(TAG) as (driver, radio, _):
            loop = asyncio.get_running_loop()
            loop.call_later(12, radio.advertise, ADDRESS)
            await driver.alert("sos-1", Alert())
            assert levels(radio) == [b"\x01", b"\x00"]
            await elapse(60)
            began_s = loop.time()
            with pytest.raises(DriverError) as caught:
                await driver.alert("sos-1", Alert())
            assert caught.value.fault.code == "device.alert_unheard"
            assert loop.time() - began_s < 40


def test_a_tag_that_takes_no_connection_is_tried_three_times() -> None:
    @virtual
    async def _() -> None:
        async with driving(TAG) as (driver, radio, sink):
            radio.refuses.add(ADDRESS)
            radio.advertise(ADDRESS)
            with pytest.raises(DriverError) as caught:
                await driver.alert("sos-1", Alert())
            assert caught.value.fault.code == "device.alert_unanswered"
            assert radio.attempts == 3
            await elapse(20)
            assert sink.faults.get("sos-1") is None


def test_a_connect_that_is_never_answered_costs_bounded_time_and_no_call() -> None:
    @virtual
    async def _() -> None:
        async with driving(TAG) as (driver, radio, sink):
            radio.hangs = True
            radio.advertise(ADDRESS)
            alerting = asyncio.ensure_future(driver.alert("sos-1", Alert()))
            await elapse(1)
            radio.advertise(ADDRESS, {0xFCD2: b"\x44\x00\x01\x3a\x01"})
            await settle()
            assert [signal.kind for signal in sink.signals] == ["sos"]
            with pytest.raises(DriverError):
                await alerting


def test_a_device_without_the_service_says_so_at_once() -> None:
    @virtual
    async def _() -> None:
        async with driving(TAG, band(1)) as (driver, radio, _):
            radio.characteristics = (HEART_RATE,)
            radio.advertise(ADDRESS)
            with pytest.raises(DriverError) as caught:
                await driver.alert("sos-1", Alert())
            assert caught.value.fault.code == "device.alert_missing"
            assert radio.attempts == 1
            assert not driver.alerting("band-1")
            with pytest.raises(DriverError):
                await driver.alert("band-1", Alert())


def test_a_band_that_is_connected_is_told_in_its_own_connection() -> None:
    @virtual
    async def _() -> None:
        buzzing = wearable("band-1", "C0:FF:EE:00:00:01", msgspec.structs.replace(BAND, alerts=True))
        async with driving(buzzing) as (driver, radio, _):
            radio.advertise("C0:FF:EE:00:00:01")
            await elapse(1)
            assert radio.attempts == 1
            await driver.alert("band-1", Alert(for_s=1.0))
            assert levels(radio) == [b"\x01", b"\x00"]
            assert (radio.attempts, len(radio.links)) == (1, 1)


def test_an_answer_goes_before_bands_where_connections_are_few() -> None:
    @virtual
    async def _() -> None:
        async with driving(TAG, band(1), band(2), slots=2) as (driver, radio, _):
            for number in (1, 2):
                radio.advertise(f"C0:FF:EE:00:00:{number:02X}")
                await elapse(1)
            assert len(radio.links) == 2
            radio.advertise(ADDRESS)
            await driver.alert("sos-1", Alert(for_s=1.0))
            assert levels(radio) == [b"\x01", b"\x00"]
            assert radio.most_links == 2


def test_an_answer_survives_a_radio_that_goes_down() -> None:
    @virtual
    async def _() -> None:
        async with driving(TAG) as (driver, radio, _):
            alerting = asyncio.ensure_future(driver.alert("sos-1", Alert(for_s=1.0)))
            await elapse(1)
            radio.go_down()
            await elapse(3)
            radio.advertise(ADDRESS)
            await alerting
            assert levels(radio) == [b"\x01", b"\x00"]
