"""Fire panels behind Modbus: what changes is told, nothing is ever written, silence and loss are told by name."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.drivers.base import DriverError
from courtyard.drivers.fire.register_settings import Model, RegisterPanel
from courtyard.drivers.fire.registers import RegisterDriver
from courtyard.drivers.fire.watch import GRACE_S
from courtyard.drivers.lines.faults import line_fault
from courtyard.drivers.lines.settings import SerialLine
from hw_sim.panels.event import Event
from hw_sim.panels.incidents import single_smoke
from hw_sim.panels.registers import Gst200, Notifier
from tests.fire_driver_rig import FULL, LoopClock, Memory, elapse, virtually
from tests.modbus_rig import SERIAL, Slave, VirtualLine

FIRE = single_smoke()[0].event
GST = RegisterPanel(id="panel-1", model="gst200", address=1)
NOTIFIER = RegisterPanel(id="panel-1", model="notifier", address=1, spans=((0, 200),), names={"11": "6层走廊"})


class Polled:
    """A driver that polls a simulated panel; `async with`."""

    def __init__(self, panel: Gst200 | Notifier, settings: RegisterPanel) -> None:
        self.panel, self.slave, self.sink = panel, Slave(), Memory()
        self.line = VirtualLine({settings.address: self.slave})
        self.show()
        self.driver = RegisterDriver(SERIAL, (settings,), LoopClock(), open_line=self.line.open, chance=lambda: 1.0)

    def show(self) -> None:
        self.slave.registers = dict(enumerate(self.panel.values))

    def happen(self, event: Event) -> None:
        self.panel.happen(event)
        self.show()

    async def __aenter__(self) -> Polled:
        self._running = asyncio.get_running_loop().create_task(self.driver.run(self.sink))
        await elapse(3)
        self.at_first = list(self.sink.signals)
        self.sink.signals.clear()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._running.cancel()
        await asyncio.wait((self._running,))
        if not self._running.cancelled():
            await self._running


@pytest.mark.parametrize(("panel", "listed"), [(Gst200, GST), (Notifier, NOTIFIER)])
def test_a_fire_is_told_once_and_a_fault_ends_when_the_panel_says_so(
    panel: type[Gst200] | type[Notifier], listed: RegisterPanel
) -> None:
    async def main() -> None:
        async with Polled(panel(), listed) as polled:
            polled.happen(FIRE)
            polled.happen(FIRE._replace(kind="fault", point=13))
            await elapse(5)
            assert [each.severity for each in polled.sink.signals if each.kind == "fire"] == [1]
            assert polled.sink.life("fault") == [True]
            polled.happen(FIRE._replace(kind="fault_end", point=13))
            await elapse(5)
            assert polled.sink.life("fault") == [True, False]
            assert polled.sink.life("fire") == [True]
            if listed is NOTIFIER:
                assert [each.text for each in polled.sink.signals if each.kind == "fire"] == ["6层走廊"]
            assert polled.sink.faults == {"bus": [None], "panel-1": [None]}

    virtually(main)


def test_what_is_not_kept_is_found_again_at_the_next_poll() -> None:
    async def main() -> None:
        async with Polled(Gst200(), GST) as polled:
            polled.sink.keeps = False
            polled.happen(FIRE)
            await elapse(5)
            assert len(polled.sink.began("fire")) > 1
            polled.sink.keeps = True
            await elapse(5)
            count = len(polled.sink.began("fire"))
            await elapse(10)
            assert len(polled.sink.began("fire")) == count
            assert polled.driver.counters()["panel-1"]["not_kept"] >= 1

    virtually(main)


def test_silence_and_loss_are_told_by_name_and_end_no_fire() -> None:
    async def main() -> None:
        async with Polled(Gst200(), GST) as polled:
            polled.happen(FIRE)
            await elapse(3)
            polled.slave.dead = True
            await elapse(20)
            assert polled.sink.life("panel_silent") == [True]
            assert polled.sink.faults["panel-1"][-1] == "panel.panel_silent"
            polled.line.unplug(line_fault("line.open.missing", port="/dev/ttyV0"))
            await elapse(GRACE_S + 5)
            assert polled.sink.life("link_lost")[-1] is True
            assert polled.sink.faults["bus"][-1] == "line.open.missing"
            polled.line.fault, polled.slave.dead = None, False
            await elapse(20)
            assert polled.sink.life("link_lost")[-1] is False
            assert polled.sink.life("panel_silent") == [True, False]
            assert polled.sink.life("fire") == [True]
            assert polled.sink.faults["bus"][-1] is None
            assert {frame.direction for frame in polled.driver.frames("panel-1")} == {"sent", "received"}
            with pytest.raises(DriverError):
                polled.driver.frames("nobody")

    virtually(main)


def test_registers_that_the_panel_refuses_are_a_fault_with_their_numbers() -> None:
    async def main() -> None:
        async with Polled(Notifier(points=50), NOTIFIER) as polled:
            await elapse(5)
            assert polled.sink.faults["panel-1"][-1] == "device.refused"
            assert polled.sink.life("panel_silent") == []

    virtually(main)


@pytest.mark.parametrize(("panel", "listed"), [(Gst200, GST), (Notifier, NOTIFIER)])
def test_the_first_poll_ends_what_ended_while_nobody_polled_and_begins_what_holds(
    panel: type[Gst200] | type[Notifier], listed: RegisterPanel
) -> None:
    async def main() -> None:
        simulated = panel()
        simulated.happen(FIRE)
        async with Polled(simulated, listed) as polled:
            said = [(each.source, each.kind, each.active) for each in polled.at_first if each.severity == 1]
            assert said.count((str(FIRE.point - (panel is Notifier)), "fire", True)) == 1
            ended = {source for source, kind, active in said if kind == "fire" and not active}
            assert len(ended) == {Gst200: 242, Notifier: 199}[panel]  # 241 devices and the panel itself
            for kind in ("fault", "isolate"):
                ends = [each for each in polled.at_first if each.kind == kind and not each.active]
                assert len(ends) >= 200 - (panel is Gst200)
            assert not [each for each in polled.at_first if each.severity == 4]
            assert polled.sink.signals == []

    virtually(main)


@settings(max_examples=500 if FULL else 8, deadline=None)
@given(
    st.sampled_from(("gst200", "gst5000", "notifier", "gamewell")),
    st.lists(st.dictionaries(st.integers(0, 199), st.integers(0, 0xFFFF), max_size=20), max_size=4),
)
def test_whatever_registers_hold_only_questions_leave(model: Model, states: list[dict[int, int]]) -> None:
    async def main() -> list[bytes]:
        spans = () if model.startswith("gst") else ((0, 200),)
        polled = Polled(Gst200(), RegisterPanel(id="panel-1", model=model, address=1, spans=spans))
        polled.slave.registers = dict.fromkeys(range(5000), 0)
        async with polled:
            for state in states:
                polled.slave.registers |= state
                await elapse(15)
        return [data for _, data in polled.line.sent]

    sent = virtually(main)
    assert sent
    assert {data[1] for data in sent} == {3}


def test_a_panel_without_a_map_of_its_own_needs_spans() -> None:
    async def main() -> None:
        for panels in ((RegisterPanel(id="x", model="notifier", address=1),), ()):
            with pytest.raises(ValueError, match=r"spans|at least one"):
                RegisterDriver(SerialLine(name="x", port="y"), panels, LoopClock())

    virtually(main)
