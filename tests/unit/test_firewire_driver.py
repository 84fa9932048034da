"""What the site adds to the drivers of panels: clocks that are set, places of parts, faults that end as they began."""

from __future__ import annotations

import asyncio

import pytest

from courtyard.drivers.base import Signal
from courtyard.drivers.fire.clocks import AGAIN_S, EVERY_S, LOOK_S, Clocks
from courtyard.drivers.fire.protocols import PANELS
from courtyard.drivers.fire.settings import FirePanel
from hw_sim.panels.event import Event, Kind
from hw_sim.panels.gb26875 import HEARTBEAT_TIME, Gb26875
from hw_sim.panels.incidents import BEGIN, single_smoke
from hw_sim.panels.models import PANELS as SIMULATED
from tests.fire_driver_rig import Watched, elapse, virtually
from tests.gateway_rig import gateway, settle, virtual

CONTROL, CONFIRM, DENY = 1, 3, 6


class Obedient(Gb26875):
    """A transmission device that answers every control with `answer`, and keeps it."""

    def __init__(self, answer: int) -> None:
        super().__init__()
        self.answer, self.orders = answer, list[bytes]()

    def heard(self, data: bytes, now: float) -> list[bytes]:
        if data[26] != CONTROL:
            return super().heard(data, now)
        self.orders.append(data)
        return [self.packet(self.answer, b"", int.from_bytes(data[2:4], "little"), HEARTBEAT_TIME)]


@pytest.mark.parametrize(
    ("answer", "wanted", "trusted", "passed_s", "orders"),
    [
        (CONFIRM, True, True, LOOK_S * 2, 1),
        (CONFIRM, True, True, EVERY_S + LOOK_S * 2, 2),
        (DENY, True, True, AGAIN_S + LOOK_S * 8, 2),
        (CONFIRM, True, False, EVERY_S, 0),
        (CONFIRM, False, True, EVERY_S, 0),
    ],
)
def test_a_clock_is_set_once_a_day_while_the_gateways_own_can_be_trusted(
    answer: int, wanted: bool, trusted: bool, passed_s: float, orders: int
) -> None:
    async def main() -> None:
        device = Obedient(answer)
        async with Watched(device, FirePanel(id="uitd", protocol="gb26875", set_clock=wanted)) as watched:
            driver = watched.driver
            setting = asyncio.get_running_loop().create_task(
                Clocks(driver.roster, driver.questions, lambda: trusted).run()
            )
            await elapse(passed_s)
            setting.cancel()
            distinct = {order[2:4] for order in device.orders}
            assert len(distinct) == orders
            assert all(order[27:29] == b"\x5a\x01" for order in device.orders)  # type 90 alone

    virtually(main)


@pytest.mark.parametrize(("begins", "ends"), [("mains_fault", "mains_end"), ("battery_fault", "battery_end")])
@pytest.mark.parametrize("protocol", ["jbf", "fs5101", "gb26875"])
def test_a_power_fault_ends_under_the_name_under_which_it_began(protocol: str, begins: Kind, ends: Kind) -> None:
    simulated = SIMULATED[protocol]

    def said(kind: Kind) -> list[tuple[str, str, bool]]:
        frame = simulated().encode(Event(kind, BEGIN, loop=0, point=0, detector="panel"))
        events = PANELS[protocol].read(frame)
        return [(event.condition, event.source, event.begins) for event in events if event.condition == begins]

    assert said(begins) == [(begins, source, True) for _, source, _ in said(ends)]
    assert [active for _, _, active in said(ends)] == [False]


def test_a_place_goes_with_the_signal_of_its_part() -> None:
    async def main() -> None:
        settings = FirePanel(id="p", protocol="gb26875", places={"1-6-12": "b03/f06"})
        async with Watched(Gb26875(), settings) as watched:
            watched.play(single_smoke())
            await elapse(1)
            fires = [each for each in watched.sink.signals if each.kind == "fire" and each.active]
            assert [(each.place, each.text) for each in fires] == [("b03/f06", "3号楼2单元6层走廊")]

    virtually(main)


def test_an_alarm_stands_where_its_part_is_and_says_it_in_both_languages() -> None:
    async def main() -> None:
        made, journal = gateway()
        fire = Signal("wm-1", "fire", 1000, 1000, severity=1, source="1-6-12", text="6F", place="b09/f06")
        await made.pipeline.signal(fire)
        await settle()
        (record,) = journal.records("alarm")
        assert record["place"] == "370213/005/012/0007/b09/f06"
        assert (record["text_en"], record["text_zh"]) == ("Fire: 6F (1-6-12).", "火警：6F (1-6-12)。")

    virtual(main)
