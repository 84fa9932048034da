"""Smoke and gas detectors on Modbus: what their points say is an alarm, kept on disk, and so is their silence."""

from __future__ import annotations

import asyncio

import pytest

from courtyard.config.catalogue import product_catalogue
from courtyard.config.library import PRODUCT_PROFILES, Library
from courtyard.drivers.modbus.driver import ModbusDriver
from courtyard.drivers.modbus.signals import ALARMS
from tests.modbus_rig import (
    LoopClock,
    Memory,
    Slave,
    VirtualLine,
    elapse,
    meter,
    poll,
    register,
    twenty_registers,
    virtual,
)

DETECTOR = meter(
    7,
    (
        register("device.tamper", 0, "bool", map={"0": True, "1": False}),
        register("detector.service", 1, "bool"),
        register("smoke.detected", 2, "bool"),
    ),
    function=2,
)


def head(*, smoke: bool = False, mounted: bool = True, service: bool = False) -> Slave:
    return Slave(coils={0: mounted, 1: service, 2: smoke})


def said(memory: Memory) -> list[tuple[str, bool, int]]:
    return [(signal.kind, signal.active, signal.severity) for signal in memory.signals]


QUIET = [("detector_silent", False, 2), ("tamper", False, 3), ("fault", False, 3), ("smoke", False, 1)]


def test_the_first_poll_says_what_holds_and_what_does_not_and_later_ones_only_what_changes() -> None:
    slave = head()

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        await elapse(5)
        assert said(memory) == QUIET
        slave.coils[2] = True
        await elapse(1)
        assert said(memory)[4:] == [("smoke", True, 1)]
        assert memory.signals[-1].raw_hex.startswith("0702")
        slave.coils[2] = False
        slave.coils[0] = False
        await elapse(3)
        assert said(memory)[5:] == [("tamper", True, 3), ("smoke", False, 1)]

    poll(VirtualLine({7: slave}), [DETECTOR], script)


def test_what_the_disk_did_not_take_is_said_again() -> None:
    slave = head(smoke=True)

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        memory.keeps = False
        await elapse(5)
        assert said(memory) == []
        assert len(memory.of("m7")) >= 4, "polls go on"
        memory.keeps = True
        await elapse(1)
        assert said(memory) == [*QUIET[:3], ("smoke", True, 1)]

    poll(VirtualLine({7: slave}), [DETECTOR], script)


def test_a_detector_that_does_not_answer_is_an_alarm_and_ends_no_other() -> None:
    slave = head(smoke=True)

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        await elapse(2)
        del memory.signals[:]
        slave.dead = True
        await elapse(30)
        assert said(memory) == [("detector_silent", True, 2)]
        slave.dead = False
        await elapse(60)
        assert said(memory)[1:] == [("detector_silent", False, 2)]

    poll(VirtualLine({7: slave}), [DETECTOR], script)


def test_a_value_that_is_missing_says_nothing() -> None:
    register_three = meter(7, (register("smoke.detected", 3, "bool", map={"0": False, "1": True}),))
    slave = Slave({3: 1})

    async def script(driver: ModbusDriver, memory: Memory) -> None:
        await elapse(2)
        slave.registers[3] = 7  # a code that nobody documented
        await elapse(3)
        assert memory.of("m7")[-1].quality == {"smoke.detected": "bad:decode"}
        assert said(memory) == [("detector_silent", False, 2), ("smoke", True, 1)]

    poll(VirtualLine({7: slave}), [register_three], script)


def test_a_meter_says_nothing_by_itself() -> None:
    async def script(driver: ModbusDriver, memory: Memory) -> None:
        await elapse(30)
        assert memory.signals == []

    slave = twenty_registers()
    slave.dead = True
    poll(VirtualLine({7: slave}), [meter(7)], script)


def test_a_read_by_hand_takes_nothing_from_the_polls() -> None:
    async def main() -> None:
        memory, line = Memory(), VirtualLine({7: head(smoke=True)})
        driver = ModbusDriver(line.settings, [DETECTOR], LoopClock(), open_line=line.open, chance=lambda: 0.5)
        assert (await driver.read("m7")).values["smoke.detected"] is True
        running = asyncio.create_task(driver.run(memory))
        await elapse(3)
        assert said(memory)[-1] == ("smoke", True, 1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    virtual(main)


@pytest.mark.parametrize("point", sorted(ALARMS))
def test_every_point_that_is_an_alarm_is_a_yes_or_no_of_the_catalogue(point: str) -> None:
    assert product_catalogue()[point].type == "boolean"


def test_no_shipped_detector_can_be_written() -> None:
    library = Library((PRODUCT_PROFILES,), product_catalogue())
    for name in (name for name in library.names() if name.startswith("fire/")):
        loaded = library.load(name)
        assert loaded is not None
        assert loaded.profile is not None
        assert not loaded.profile.writes
