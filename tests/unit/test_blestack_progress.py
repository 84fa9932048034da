"""The driver of wearables tells whether it gets on: with a radio that works, that is away, and that never opens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from courtyard.drivers.base import Fault, Progresses
from courtyard.drivers.ble.driver import BleDriver
from courtyard.drivers.ble.faults import adapter_fault
from courtyard.drivers.ble.radio import Heard
from courtyard.drivers.progress import LATE_S
from tests.blestack_radio import FakeRadio
from tests.blestack_rig import Collected, LoopClock, band
from tests.gateway_rig import elapse, virtual
from tests.tasks import end


class Hanging(FakeRadio):
    async def open(self, heard: Callable[[Heard], None]) -> asyncio.Future[Fault]:
        await asyncio.get_running_loop().create_future()
        raise AssertionError("never")


def test_listening_and_waiting_for_an_adapter_hold_up_nothing() -> None:
    async def main() -> None:
        for fault in (None, adapter_fault("no_adapter", "hci0")):
            radio = FakeRadio()
            radio.fault = fault
            driver = BleDriver("ble-1", (band(1),), {"hci0": radio}, LoopClock())
            assert isinstance(driver, Progresses)
            running = asyncio.create_task(driver.run(Collected()))
            for _ in range(50):
                await elapse(17)
                assert driver.on_time()
            await end([running])

    virtual(main)


def test_an_adapter_whose_opening_never_ends_is_late() -> None:
    async def main() -> None:
        driver = BleDriver("ble-1", (band(1),), {"hci0": Hanging()}, LoopClock())
        running = asyncio.create_task(driver.run(Collected()))
        await elapse(LATE_S - 1)
        assert driver.on_time()
        await elapse(2)
        assert not driver.on_time()
        await end([running])

    virtual(main)
