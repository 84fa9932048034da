"""Drivers of panels tell whether they get on: waiting rightly is progress, a line or a step that hangs is not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from courtyard.drivers.base import Adjusts, Progresses, Signal
from courtyard.drivers.fire.panel import PanelDriver
from courtyard.drivers.fire.register_settings import RegisterPanel
from courtyard.drivers.fire.registers import RegisterDriver
from courtyard.drivers.fire.settings import FirePanel, Protocol
from courtyard.drivers.lines.faults import line_fault
from courtyard.drivers.lines.settings import LineSettings, TcpServerLine
from courtyard.drivers.lines.wire import Listener, Wire
from courtyard.drivers.progress import LATE_S, Progress
from hw_sim.panels.incidents import single_smoke
from hw_sim.panels.models import PANELS
from hw_sim.panels.registers import Gst200
from tests.fire_driver_rig import SERIAL, LoopClock, Memory, Watched, elapse, virtually
from tests.modbus_rig import SERIAL as MODBUS
from tests.modbus_rig import Slave, VirtualLine
from tests.tasks import end

POLLED = RegisterPanel(id="panel-1", model="gst200", address=1, every_s=60.0)


def panel(protocol: Protocol = "jbf", **more: Any) -> FirePanel:
    return FirePanel(id="panel-1", protocol=protocol, speak=True, **more)


async def never(settings: LineSettings, listener: Listener) -> Wire:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("never")


class StuckMemory(Memory):
    """Takes nothing any more."""

    async def signal(self, signal: Signal) -> None:
        await asyncio.get_running_loop().create_future()


def test_a_task_is_late_when_it_is_not_heard_of_again() -> None:
    async def main() -> None:
        progress = Progress()
        assert progress.on_time
        progress.expect("a", 100)
        progress.expect("b")
        await elapse(LATE_S - 1)
        assert progress.on_time
        await elapse(2)
        assert not progress.on_time
        progress.rest("b")
        assert progress.on_time
        await elapse(100)
        assert not progress.on_time

    virtually(main)


@pytest.mark.parametrize("protocol", ["jbf", "gst-printer", "gb26875"])
def test_a_panel_that_is_silent_or_away_holds_up_nothing(protocol: Protocol) -> None:
    async def main() -> None:
        async with Watched(PANELS[protocol](), panel(protocol)) as watched:
            assert isinstance(watched.driver, Progresses)
            for trouble in (None, "deaf", "cut"):
                watched.line.deaf = trouble == "deaf"
                if trouble == "cut":
                    watched.line.cut()
                for _ in range(50):
                    await elapse(17)
                    assert watched.driver.on_time()

    virtually(main)


def test_an_open_port_that_nobody_calls_holds_up_nothing() -> None:
    async def main() -> None:
        line = TcpServerLine(name="net", bind="127.0.0.1", port=4001)
        driver = PanelDriver(line, (panel("gb26875"),), LoopClock(), chance=lambda: 1.0)
        running = asyncio.create_task(driver.run(Memory()))
        for _ in range(50):
            await elapse(17)
            assert driver.on_time()
        assert driver.links.listening is not None
        await end([running])

    virtually(main)


def test_opening_that_never_ends_is_late() -> None:
    async def main() -> None:
        for driver in (
            PanelDriver(SERIAL, (panel(),), LoopClock(), open_line=never),
            RegisterDriver(MODBUS, (POLLED,), LoopClock(), open_line=never),
        ):
            running = asyncio.create_task(driver.run(Memory()))
            await elapse(LATE_S - 5)
            assert driver.on_time()
            await elapse(10)
            assert not driver.on_time()
            await end([running])

    virtually(main)


def test_looking_after_the_panels_that_never_ends_is_late() -> None:
    async def main() -> None:
        async with Watched(PANELS["jbf"](), panel()) as watched:
            watched.line.deaf = True
            await elapse(2)
            assert watched.driver.on_time()
        stuck = Watched(PANELS["jbf"](), panel())
        stuck.sink = StuckMemory()
        async with stuck:
            stuck.play(single_smoke())
            await elapse(LATE_S + 5)
            assert not stuck.driver.on_time()

    virtually(main)


def test_registers_that_are_read_rarely_or_in_vain_hold_up_nothing() -> None:
    async def main() -> None:
        slave = Slave()
        slave.registers = dict(enumerate(Gst200().values))
        line = VirtualLine({1: slave})
        driver = RegisterDriver(MODBUS, (POLLED,), LoopClock(), open_line=line.open, chance=lambda: 1.0)
        assert isinstance(driver, Progresses)
        assert isinstance(driver, Adjusts)
        running = asyncio.create_task(driver.run(Memory()))
        for trouble in (None, "dead", "cut"):
            slave.dead = trouble == "dead"
            if trouble == "cut":
                line.unplug(line_fault("line.open.missing", port="/dev/ttyV0"))
            for _ in range(50):
                await elapse(17)
                assert driver.on_time()
        await end([running])

    virtually(main)


def test_new_names_are_taken_without_a_pause_and_everything_else_takes_a_new_driver() -> None:
    async def main() -> None:
        driver = RegisterDriver(MODBUS, (POLLED,), LoopClock(), open_line=VirtualLine({}).open)
        named = RegisterPanel(id="panel-1", model="gst200", address=1, every_s=60.0, names={"11": "6层走廊"})
        driver.adjust((named,))
        for other in ((), (RegisterPanel(id="panel-1", model="gst200", address=2, every_s=60.0),), (named, named)):
            with pytest.raises(ValueError, match="new driver"):
                driver.adjust(other)

    virtually(main)


def test_a_panel_whose_parts_are_renamed_is_polled_on_and_keeps_its_watch() -> None:
    async def main() -> None:
        async with Watched(PANELS["jbf"](), panel()) as watched:
            await elapse(20)
            polls = watched.driver.counters()["panel-1"]["polls"]
            watched.driver.adjust((panel(names={"1-6-12": "6层走廊"}),))
            await elapse(30)
            assert watched.driver.counters()["panel-1"]["polls"] >= polls + 25
            assert watched.sink.life("panel_silent") == [False]
            watched.play(single_smoke())
            await elapse(5)
            assert [each.text for each in watched.sink.signals if each.kind == "fire"] == ["6层走廊"]

    virtually(main)


def test_a_panel_that_is_new_on_an_open_line_is_polled() -> None:
    async def main() -> None:
        async with Watched(PANELS["jbf"](), panel()) as watched:
            await elapse(20)
            watched.driver.adjust((FirePanel(id="panel-2", protocol="jbf", speak=True),))
            await elapse(20)
            assert watched.driver.counters()["panel-2"]["polls"] >= 15
            assert watched.sink.faults["panel-2"][-1] is None

    virtually(main)
