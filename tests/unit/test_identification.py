"""A device that can buzz does so for who looks for it: once at a time, not too often; nothing else is written to."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from courtyard.agent.identification import PAUSE_S, SIGN, Identification
from courtyard.drivers.base import Alert, Driver, DriverError, Fault, Sink, Text
from courtyard.drivers.ble.faults import wearable_fault


class Meters:
    """A driver that can do nothing of the kind."""

    async def run(self, sink: Sink) -> None:
        await asyncio.Event().wait()


class Tags(Meters):
    """Those named sos buzz until `done`; `fault` makes them fail."""

    def __init__(self) -> None:
        self.buzzed: list[tuple[str, Alert]] = []
        self.fault: Fault | None = None
        self.done = asyncio.Event()
        self.done.set()

    def alerting(self, device: str) -> bool:
        return device.startswith("sos")

    async def alert(self, device: str, alert: Alert) -> None:
        self.buzzed.append((device, alert))
        await self.done.wait()
        if self.fault is not None:
            raise DriverError(self.fault, device)


class House:
    """Tags, a meter, and a clock."""

    def __init__(self) -> None:
        self.tags, self.now_s = Tags(), 100.0
        self.own = Identification(self.driver_of, lambda: self.now_s)

    def driver_of(self, device: str) -> Driver:
        if device == "gone":
            raise DriverError(Fault("device.unknown", Text("?", "?"), Text("?", "?")), device)
        return Meters() if device == "meter" else self.tags

    async def refused(self, device: str) -> str:
        with pytest.raises(DriverError) as caught:
            await self.own.show(device)
        return caught.value.fault.code


def test_only_a_device_that_can_is_asked() -> None:
    async def scene() -> None:
        house = House()
        able = [name for name in ("sos-1", "band", "meter", "gone") if house.own.able(name)]
        assert able == ["sos-1"]
        for name in ("band", "meter"):
            assert await house.refused(name) == "device.no_sign"
        assert await house.refused("gone") == "device.unknown"
        await house.own.show("sos-1")
        assert house.tags.buzzed == [("sos-1", SIGN)]

    asyncio.run(scene())


def test_one_sign_at_a_time_and_a_pause_between_two() -> None:
    async def scene() -> None:
        house = House()
        house.tags.done.clear()
        first = asyncio.create_task(house.own.show("sos-1"))
        await asyncio.sleep(0)
        assert await house.refused("sos-1") == "device.sign_busy"
        house.tags.done.set()
        await house.own.show("sos-2")
        await first
        house.now_s += PAUSE_S - 0.1
        assert await house.refused("sos-1") == "device.sign_busy"
        house.now_s += 0.2
        await house.own.show("sos-1")
        assert [name for name, _ in house.tags.buzzed] == ["sos-1", "sos-2", "sos-1"]

    asyncio.run(scene())


@pytest.mark.parametrize("end", ["fault", "cancel"])
def test_a_sign_that_failed_or_was_given_up_may_be_tried_again(end: str) -> None:
    async def scene() -> None:
        house = House()
        house.tags.done.clear()
        trying: asyncio.Task[Any] = asyncio.create_task(house.own.show("sos-1"))
        await asyncio.sleep(0)
        if end == "fault":
            house.tags.fault = wearable_fault("alert_unheard", "sos-1")
            house.tags.done.set()
        else:
            trying.cancel()
        done, _ = await asyncio.wait((trying,))
        assert done.pop().cancelled() is (end == "cancel")
        assert end == "cancel" or isinstance(trying.exception(), DriverError)
        house.tags.fault = None
        house.tags.done.set()
        house.now_s += PAUSE_S + 0.1
        await house.own.show("sos-1")

    asyncio.run(scene())
