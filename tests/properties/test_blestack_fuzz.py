"""Any adverts and any notifications of anybody, through the whole driver: nothing raises, nothing is invented."""

from __future__ import annotations

import asyncio
import os

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.drivers.ble.driver import BleDriver
from courtyard.drivers.ble.gatt.characteristics import CHARACTERISTICS
from courtyard.drivers.ble.observation import SEVERITY
from courtyard.drivers.ble.points import PLAUSIBLE, UNITS
from courtyard.drivers.ble.radio import Heard
from courtyard.drivers.ble.receive import COMPANIES, SERVICES, Advertisement
from courtyard.drivers.ble.settings import BleDevice
from courtyard.drivers.ble.setup import Setup
from tests.blestack_radio import FakeRadio
from tests.blestack_rig import BAND, BUTTON, Collected, LoopClock, octets, wearable
from tests.gateway_rig import elapse, settle, virtual

RUNS = 1000 if os.environ.get("COURTYARD_CAMPAIGN") == "full" else 25
EVERYTHING = msgspec.structs.replace(BAND, characteristics=tuple(f"{uuid:04X}" for uuid in sorted(CHARACTERISTICS)))
ADDRESSES = [f"C0:FF:EE:00:00:0{number}" for number in range(4)]
KEYED = BleDevice("keyed", ADDRESSES[1], BUTTON, Setup(octets(ADDRESSES[1]), key=bytes(16), calls=dict(BUTTON.calls)))
DEVICES = (wearable("band", ADDRESSES[0], EVERYTHING), KEYED, wearable("button", ADDRESSES[2], BUTTON))
NOISE = st.binary(max_size=40)
SERVICE_DATA = st.dictionaries(st.sampled_from([*SERVICES, 0x1234]), NOISE, max_size=3)
COMPANY_DATA = st.dictionaries(st.sampled_from([*COMPANIES, 0x1234]), NOISE, max_size=2)
ADVERT = st.tuples(st.sampled_from(ADDRESSES), st.integers(-128, 127), SERVICE_DATA, COMPANY_DATA)
NOTIFICATION = st.tuples(st.sampled_from(sorted(CHARACTERISTICS)), NOISE)


@settings(max_examples=RUNS, deadline=None)
@given(st.lists(st.one_of(ADVERT, NOTIFICATION), min_size=1, max_size=40))
def test_the_driver_takes_anything(storm: list[tuple[object, ...]]) -> None:
    async def run() -> None:
        radio, sink = FakeRadio(), Collected()
        radio.characteristics = sorted(CHARACTERISTICS)
        driver = BleDriver("ble-1", DEVICES, {"hci0": radio}, LoopClock())
        with driver.watching.watch():
            running = asyncio.ensure_future(driver.run(sink))
            await settle()
            radio.advertise(ADDRESSES[0])
            await elapse(1)
            for each in storm:
                match each:
                    case (str() as address, int() as rssi, dict() as services, dict() as companies):
                        radio.hear(Heard(address, rssi, Advertisement(services, companies), handle=address))
                    case (int() as uuid, bytes() as value):
                        for link in list(radio.links):
                            link.notify(uuid, value)
                await elapse(0.5)
            assert not running.done()
            running.cancel()
            await asyncio.wait((running,))
            assert running.cancelled()
        for reading in sink.readings:
            for point, value in reading.values.items():
                assert point in UNITS
                limits = PLAUSIBLE.get(point)
                if value is not None and limits is not None and point not in reading.quality:
                    assert limits.low <= float(value) <= limits.high
        assert all(signal.kind in SEVERITY for signal in sink.signals)
        assert not [signal for signal in sink.signals if signal.device == "keyed"]

    virtual(run)
