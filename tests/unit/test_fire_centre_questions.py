"""What a fire-control centre reads of this gateway (GB/T 26875.3): answered from what is known, or denied."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from courtyard.agent.uplinks.gb26875.analogues import Measured, Quantity
from courtyard.agent.uplinks.gb26875.inventory import Inventory, Listed
from courtyard.agent.uplinks.gb26875.operations import MOST, Operations
from courtyard.agent.uplinks.gb26875.present import Report as Telling
from courtyard.config.station import Analogue, scales
from courtyard.drivers.base import Signal
from courtyard.drivers.fire.gb26875.objects import DeviceOperation, DeviceOperationsQuery, SystemOperation
from courtyard.drivers.fire.gb26875.wire import TimeTag
from hw_sim.centre import ANSWER, DENY, Centre, Report, read_reports, tag
from tests.gateway_rig import elapse, virtual
from tests.gb26875_uplink_rig import PANEL, Box, Cable

TANK = Analogue(device="tank", point="site.level", component_type=92, component=1, system_type=11)
OVEN = Analogue(device="oven", point="air.temperature", component_type=30, component=2)
AT = TimeTag(bytes((15, 30, 14, 22, 11, 26)))
PART = (1, 1, 6 << 16 | 12)
OTHER = "fire-b04"


def joined(test: Callable[[Box, Centre, Cable], Awaitable[None]], folder: Path, **known: Any) -> None:
    """Runs the test with a gateway that lists two panels, a centre, and a cable between them."""

    async def main() -> None:
        box, centre = Box(folder, threads=False), Centre()
        box.inventory = Inventory(
            own={OTHER: 2},
            systems={(1, 1): Listed(PANEL, "青鸟 JBF，3号楼"), (1, 2): Listed(OTHER, "海湾")},
            parts={PART: Listed(PANEL, "3号楼6层走廊"), (1, 2, 7): Listed(OTHER, "4号楼楼梯")},
        )
        for name, value in known.items():
            setattr(box, name, value)
        cable = Cable(centre)
        box.uplink(connect=cable.open)
        await elapse(0.5)
        await test(box, centre, cable)
        assert centre.errors == []
        await box.stop()

    virtual(main)


async def ask(centre: Centre, kind: int, *queries: bytes) -> list[Report] | None:
    """The objects of the answer; None for a denial."""
    before = len(centre.answers)
    centre.read(kind, *queries)
    await elapse(0.1)
    (reply,) = centre.answers[before:]
    if reply.command == DENY:
        return None
    assert (reply.command, reply.unit[0]) == (ANSWER, kind - 60)
    return read_reports(reply)


def component(kind: int | None, address: int, system: int = 1, system_type: int = 1) -> bytes:
    return bytes((system_type, system, *(() if kind is None else (kind,)))) + address.to_bytes(4, "little")


def words(reports: list[Report] | None) -> list[tuple[tuple[int, ...], str]]:
    assert reports is not None
    return [(report.words, report.text) for report in reports]


def test_parts_that_a_site_lists_are_configured_and_well_until_something_is_wrong(tmp_path: Path) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        smoke = component(42, PART[2])
        assert words(await ask(centre, 67, smoke)) == [((1, 1, 42, PART[2]), "3号楼6层走廊")]
        assert words(await ask(centre, 62, smoke)) == [((1, 1, 42, PART[2], 1), "3号楼6层走廊")]
        assert words(await ask(centre, 62, component(None, 7, 2))) == [((1, 2, 25, 7, 1), "4号楼楼梯")]
        await box.alarm("1-6-12", component_type=42)
        await elapse(1)
        assert words(await ask(centre, 62, smoke)) == [((1, 1, 42, PART[2], 3), "3号楼6层走廊")]
        assert words(await ask(centre, 62, component(None, PART[2]))) == [((1, 1, 42, PART[2], 3), "3号楼6层走廊")]
        assert words(await ask(centre, 67, component(None, PART[2]))) == [((1, 1, 42, PART[2]), "3号楼6层走廊")]
        both = await ask(centre, 62, smoke, component(12, 7, 2))
        assert words(both) == [((1, 1, 42, PART[2], 3), "3号楼6层走廊"), ((1, 2, 12, 7, 1), "4号楼楼梯")]
        for unknown in (component(42, 1), component(42, PART[2], 9), component(42, PART[2], 1, 12)):
            assert await ask(centre, 62, unknown) is None
            assert await ask(centre, 67, unknown) is None
            assert await ask(centre, 62, smoke, unknown) is None

    joined(test, tmp_path)


@pytest.mark.parametrize("silence", ["link_lost", "panel_silent", "poll_missing", "heartbeat_missing"])
def test_nothing_is_called_well_while_its_panel_is_out_of_sight(tmp_path: Path, silence: str) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        await box.alarm("1-6-13", component_type=42)
        await box.alarm("", silence, severity=2)
        await elapse(1)
        assert await ask(centre, 62, component(42, PART[2])) is None
        assert words(await ask(centre, 62, component(42, PART[2] + 1)))[0][0][-1] == 3
        assert words(await ask(centre, 61, bytes((1, 1)))) == [((1, 1, 3), "")]
        assert words(await ask(centre, 61, bytes((1, 2)))) == [((1, 2, 1), "")]
        assert words(await ask(centre, 67, component(42, PART[2])))
        await box.alarm("", silence, severity=2, active=False)
        await elapse(1)
        assert words(await ask(centre, 62, component(42, PART[2])))[0][0][-1] == 1

    joined(test, tmp_path)


def test_systems_are_described_and_what_a_listener_cannot_know_is_denied(tmp_path: Path) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        assert words(await ask(centre, 66, bytes((1, 1)), bytes((1, 2)))) == [
            ((1, 1), "青鸟 JBF，3号楼"), ((1, 2), "海湾")
        ]  # fmt: skip
        assert await ask(centre, 66, bytes((1, 3))) is None
        for kind in (65, 68):
            assert await ask(centre, kind, bytes((1, 1))) is None
        assert words(await ask(centre, 85)) == [((3, 14), "")]
        assert words(await ask(centre, 86)) == [((), "gw-0007")]
        time = await ask(centre, 88)
        assert time is not None
        assert time[0].at.startswith("2026-11-22T14:30:1")
        state = await ask(centre, 81)
        assert words(state) == [((1,), "")]

    joined(test, tmp_path)


def test_a_gateway_says_who_it_is_after_each_connection_and_when_its_site_has_changed(tmp_path: Path) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        described = [(25, (3, 14), ""), (26, (), "gw-0007"), (6, (1, 1), "青鸟 JBF，3号楼"), (6, (1, 2), "海湾")]
        assert [(each.kind, each.words, each.text) for each in centre.descriptions] == described
        (uplink,) = box.uplinks
        box.inventory = box.inventory._replace(systems={(1, 1): Listed(PANEL, "新名称")})
        uplink.set_inventory({})
        await elapse(1)
        assert [each.text for each in centre.descriptions[4:]] == ["", "gw-0007", "新名称"]

    joined(test, tmp_path)


@pytest.mark.parametrize("unwanted", ["ignored", "denied"])
def test_a_centre_that_wants_no_descriptions_gets_its_alarms_all_the_same(tmp_path: Path, unwanted: str) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        if unwanted == "ignored":
            centre.ignores |= {3, 6, 25, 26}
        else:
            centre.refuses |= {3, 6, 25, 26}
        (uplink,) = box.uplinks
        uplink.set_inventory({})
        await elapse(200)
        await box.alarm("1-6-12")
        await elapse(1)
        assert [report.kind for report in centre.reports if report.kind == 2] == [2]
        assert centre.connections == 1
        assert "uplink.gb26875.silent" not in box.faults

    joined(test, tmp_path, quantities=[Quantity(TANK, scales("m"))], measured={"tank": Measured(2.35, AT)})


def test_measured_values_are_reported_once_a_minute_and_read_when_they_are_good(tmp_path: Path) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        def told() -> list[tuple[int, ...]]:
            return [report.words for report in centre.reports if report.kind == 3]

        level, oven = (11, 1, 92, 1, 2, 235), (1, 1, 30, 2, 3, -125)
        assert told() == [level, oven]
        assert centre.reports[-1].at == "2026-11-22T14:30:15"
        await elapse(60)
        assert told() == [level, oven] * 2
        assert words(await ask(centre, 63, component(92, 1, 1, 11))) == [(level, "")]
        assert words(await ask(centre, 63, component(30, 2), component(92, 1, 1, 11))) == [(oven, ""), (level, "")]
        assert await ask(centre, 63, component(92, 2, 1, 11)) is None
        del box.measured["tank"]
        assert await ask(centre, 63, component(92, 1, 1, 11)) is None
        box.measured["oven"] = Measured(4000.0, AT)
        assert await ask(centre, 63, component(None, 2)) is None
        await elapse(60)
        assert told() == [level, oven] * 2

    quantities = [Quantity(TANK, scales("m")), Quantity(OVEN, scales("Cel"))]
    measured = {"tank": Measured(2.35, AT), "oven": Measured(-12.5, AT)}
    joined(test, tmp_path, quantities=quantities, measured=measured)


@pytest.mark.parametrize(
    ("unit", "value", "expected"),
    [
        ("m", 2.35, (2, 235)), ("Cel", 21.44, (3, 214)), ("kPa", 350.0, (5, 3500)), ("kPa", 6500.0, (4, 65)),
        ("m3/h", 36.0, (10, 100)), ("V", 220.5, (8, 2205)), ("m/s", 3.6, (12, 4)), ("s", 90.0, (7, 90)),
        ("%[LEL]", 12.5, (6, 125)), ("1", 17.0, (1, 17)), ("A", 1.26, (9, 13)),
    ],
)  # fmt: skip
def test_a_value_travels_in_the_finest_analogue_type_that_holds_it(
    tmp_path: Path, unit: str, value: float, expected: tuple[int, int]
) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        assert words(await ask(centre, 63, component(92, 1, 1, 11)))[0][0][-2:] == expected

    joined(test, tmp_path, quantities=[Quantity(TANK, scales(unit))], measured={"tank": Measured(value, AT)})


def test_units_that_the_standard_does_not_know_have_no_analogue_type() -> None:
    assert {unit: scales(unit) for unit in ("%", "kW.h", "m3", "/min", "-", "")} == dict.fromkeys(
        ("%", "kW.h", "m3", "/min", "-", ""), ()
    )


def test_operations_are_read_again_by_system_and_time_also_after_a_restart(tmp_path: Path) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        for kind, controller in (("reset", "1"), ("silence", "1"), ("reset", "2")):
            now = box.gateway.recorder.now()
            signal = Signal(PANEL, kind, *now, severity=4, source=controller, details={"momentary": True})
            await box.gateway.pipeline.signal(signal)
            await elapse(60)
        await box.alarm(test=True)
        await elapse(1)
        first = datetime.datetime.fromisoformat(centre.reports[1].at)
        assert words(await ask(centre, 64, bytes((1, 1, 5)) + tag(first))) == [((1, 1, 1, 0), ""), ((1, 1, 2, 0), "")]
        assert words(await ask(centre, 64, bytes((1, 1, 1)) + tag(first))) == [((1, 1, 1, 0), "")]
        later = first.replace(minute=first.minute + 1)
        assert words(await ask(centre, 64, bytes((1, 1, 5)) + tag(later))) == [((1, 1, 2, 0), "")]
        assert words(await ask(centre, 64, bytes((1, 2, 5)) + tag(first))) == [((1, 2, 1, 0), "")]
        assert words(await ask(centre, 84, bytes((5,)) + tag(first))) == [((64, 0), "")]
        for nothing in (bytes((1, 3, 5)) + tag(first), bytes((1, 1, 5)) + tag(first.replace(year=2027))):
            assert await ask(centre, 64, nothing) is None
        await box.stop()
        box.start()
        box.uplink(connect=Cable(centre).open)
        await elapse(1)
        assert len(words(await ask(centre, 64, bytes((1, 1, 5)) + tag(first)))) == 2
        assert words(await ask(centre, 84, bytes((5,)) + tag(first))) == [((64, 0), "")]

    joined(test, tmp_path)


def test_somebody_who_clears_an_alarm_by_hand_is_an_operation_of_this_device(tmp_path: Path) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        await box.alarm("1-6-12")
        await elapse(1)
        box.gateway.acts.clear(f"{PANEL}:fire:1-6-12", "li", "looked at it")
        await elapse(1)
        assert [(each.kind, each.words[-1] if each.kind == 2 else each.words) for each in centre.reports[1:]] == [
            (2, 3), (2, 1), (24, (8, 0))
        ]  # fmt: skip

    joined(test, tmp_path)


def test_the_list_of_operations_is_bounded_and_survives_damage() -> None:
    operations = Operations()
    items = [Telling(24, DeviceOperation(1 << (number % 7), 0, AT)) for number in range(3 * MOST)]
    assert operations.note([*items, Telling(4, SystemOperation(1, 1, 1, 0, AT))])
    assert not operations.note([])
    kept = operations.dump()
    assert len(kept) == MOST * 9 + 11
    again = Operations(kept)
    assert again.dump() == kept
    assert len(again.answer(DeviceOperationsQuery(255, AT))) == MOST
    for size in range(0, len(kept), 7):
        assert kept.startswith(Operations(kept[:size]).dump())
    assert Operations(b"\xff" + kept).dump() == b""


def test_a_question_that_is_cut_off_or_reserved_is_denied(tmp_path: Path) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        for kind, query in ((62, b"\1"), (61, b""), (82, b"\0"), (83, b"\0"), (87, b"\0"), (200, b"\0"), (69, b"\1\1")):
            assert await ask(centre, kind, query) is None
        await asyncio.wait_for(centre.wait(lambda: True), 1)

    joined(test, tmp_path)
