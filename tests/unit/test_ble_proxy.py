"""A Bluetooth proxy of ESPHome: its handshake and messages, and the driver behind a simulated one."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from courtyard.drivers.ble.driver import BleDriver
from courtyard.drivers.ble.esphome.messages import adverts, fields, structures
from courtyard.drivers.ble.esphome.noise import Handshake, WrongKey
from courtyard.drivers.ble.esphome.radio import ProxyRadio
from courtyard.drivers.ble.settings import BleDevice
from hw_sim.bluez.residents import residents
from hw_sim.esphome import SimProxy, answer
from tests.blestack_rig import BAND, BUTTON, Collected, RealClock, wearable

KEY = bytes(range(32))
SOS = wearable("plain", "C0:FF:EE:01:00:02", BUTTON)
NEVER_CONNECTED = wearable("band-1", "C0:FF:EE:00:00:01", BAND)


@given(st.binary(max_size=200))
def test_no_bytes_of_a_proxy_raise_or_invent_a_strength(data: bytes) -> None:
    for heard in adverts(data):
        assert -127 <= heard.rssi <= 20
        assert len(heard.address) == 17
    assert all(number >= 0 for number, _ in fields(data))
    assert structures("C0:FF:EE:01:00:02", -60, data).rssi == -60


def test_an_advert_is_taken_apart() -> None:
    raw = bytes.fromhex(
        "020106 0303 0F18 0809 4254482D303032 0A16D2FC 44 0007 015A 3A01 05FF 39 06A401".replace(" ", "")
    )
    heard = structures("C0:FF:EE:01:00:02", -60, raw)
    assert (heard.name, heard.services) == ("BTH-002", (0x180F,))
    assert heard.news.service_data == {0xFCD2: bytes.fromhex("440007015A3A01")}
    assert heard.news.manufacturer_data == {0x0639: bytes.fromhex("A401")}


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=64))
def test_both_ends_agree_on_keys_of_their_own(psk: bytes, words: bytes) -> None:
    handshake = Handshake(psk, X25519PrivateKey.generate())
    message, receiving, sending = answer(psk, handshake.hello())
    ours, theirs = handshake.finish(message)
    assert receiving != sending
    assert ours.seal(words) != theirs.seal(words)


@pytest.mark.parametrize("wrong", [b"", bytes(48), bytes(47), b"\xff" * 48])
def test_an_answer_that_is_none_is_refused(wrong: bytes) -> None:
    handshake = Handshake(KEY)
    handshake.hello()
    with pytest.raises(WrongKey):
        handshake.finish(wrong)


@asynccontextmanager
async def proxied(*devices: BleDevice, key: str | None = None) -> AsyncIterator[tuple[BleDriver, SimProxy, Collected]]:
    proxy, sink = await SimProxy(residents(2), KEY, adverts_hz=5).open(), Collected()
    text = base64.b64encode(KEY).decode() if key is None else key
    radio = ProxyRadio("hall-3", "127.0.0.1", proxy.port, lambda: text)
    driver = BleDriver("air", devices, {"hall-3": radio}, RealClock(), receivers={"hall-3": "hall-3"})
    running = asyncio.ensure_future(driver.run(sink))
    try:
        yield driver, proxy, sink
    finally:
        running.cancel()
        await asyncio.wait((running,))
        await proxy.close()
        assert running.cancelled(), running.exception()


def calls(sink: Collected) -> int:
    return sum(signal.kind == "sos" and signal.active for signal in sink.signals)


def test_a_press_that_a_proxy_hears_is_a_call_and_a_band_is_not_connected_to() -> None:
    async def run() -> None:
        async with proxied(SOS, NEVER_CONNECTED) as (driver, proxy, sink):
            await sink.until(lambda: "air" in sink.faults and "band-1" in sink.faults)
            proxy.press(["BTH-002"])
            await sink.until(lambda: calls(sink))
            await sink.until(lambda: driver.counters()["plain"]["repeats"] > 10)
            assert calls(sink) == 1
            assert sink.faults["air"] is None
            assert driver.counters()["air"]["connected"] == 0

    asyncio.run(run())


def test_a_proxy_that_goes_away_is_named_and_found_again() -> None:
    async def run() -> None:
        async with proxied(SOS) as (_, proxy, sink):
            await sink.until(lambda: "plain" in sink.faults)
            await proxy.power(["off"])
            await sink.until(lambda: {"ble.proxy_lost", "ble.proxy_unreachable"} & {code for _, code in sink.said})
            await proxy.power(["on"])
            proxy.press(["BTH-002"])
            await sink.until(lambda: calls(sink) and sink.faults["air"] is None)
            assert proxy.connections == 2

    asyncio.run(run())


@pytest.mark.parametrize(
    "key", ["", "nonsense", base64.b64encode(bytes(32)).decode(), base64.b64encode(KEY[1:]).decode()]
)
def test_a_wrong_key_is_named(key: str) -> None:
    async def run() -> None:
        async with proxied(SOS, key=key) as (_, _, sink):
            await sink.until(lambda: ("air", "ble.proxy_key") in sink.said)
            fault = sink.faults["air"]
            assert fault is not None
            assert "encryption" in fault.cure.en
            assert not sink.readings

    asyncio.run(run())
