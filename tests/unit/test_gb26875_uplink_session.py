"""An uplink to a fire-control centre on a virtual clock: tries, heartbeats, questions, refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from courtyard.drivers.base import Signal
from hw_sim.centre import ANSWER, CONFIRM, DENY, Centre, Packet
from tests.gateway_rig import elapse, virtual
from tests.gb26875_uplink_rig import PANEL, Box, Cable


def joined(test: Callable[[Box, Centre, Cable], Awaitable[None]], folder: Path) -> None:
    """Runs the test with a gateway, a centre, and a cable between them."""

    async def main() -> None:
        box, centre = Box(folder, threads=False), Centre()
        cable = Cable(centre)
        box.uplink(connect=cable.open)
        await elapse(0.5)
        await test(box, centre, cable)
        assert centre.errors == []
        await box.stop()

    virtual(main)


async def asked(centre: Centre, ask: Callable[[], None]) -> Packet:
    """The device's reply to a question."""
    before = len(centre.answers)
    ask()
    await elapse(0.1)
    (reply,) = centre.answers[before:]
    return reply


def test_three_times_ten_seconds_then_anew(tmp_path: Path) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        centre.set_mood(["silent"])
        before, begun = len(cable.sent), asyncio.get_running_loop().time()
        await box.alarm()
        await elapse(29.8)
        tries = [
            (round(at - begun), data) for at, data in cable.sent[before:] if data[26] == 2 and data[27:28] == b"\2"
        ]
        assert [at for at, _ in tries] == [0, 10, 20]
        assert len({data for _, data in tries}) == 1
        assert centre.connections == 1
        await elapse(2)
        assert box.faults[-1] == "uplink.gb26875.silent"
        centre.set_mood(["confirm"])
        await elapse(40)
        assert centre.connections >= 2
        assert [report.kind for report in centre.reports[1:]].count(2) == 1
        assert box.faults[-1] is None

    joined(test, tmp_path)


def test_a_heartbeat_every_thirty_seconds(tmp_path: Path) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        await elapse(301)
        assert centre.heartbeats == 10

    joined(test, tmp_path)


def test_the_end_of_a_fault_does_not_end_the_fire_beside_it(tmp_path: Path) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        await box.alarm("1-2-3", "fault", severity=2)
        await box.alarm("1-2-3", "fire")
        await elapse(1)
        await box.alarm("1-2-3", "fault", severity=2, active=False)
        await elapse(1)
        states = [report.words[4] for report in centre.reports if report.kind == 2]
        assert states[-2:] == [7, 3]

    joined(test, tmp_path)


def test_a_drill_is_reported_as_a_test_and_never_as_a_fire(tmp_path: Path) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        await box.alarm(test=True)
        await elapse(1)
        assert [(report.kind, report.words) for report in centre.reports[1:]] == [(24, (0x40, 0))]
        assert list(next(iter(box.gateway.book)).received) == ["centre"]

    joined(test, tmp_path)


def test_what_the_centre_may_ask(tmp_path: Path) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        await box.alarm("1-6-12", component_type=42)
        await box.alarm("", "link_lost", device=PANEL, severity=2)
        await elapse(1)
        state = await asked(centre, lambda: centre.read(81))
        assert (state.command, state.unit[:3]) == (ANSWER, bytes((21, 1, 0b1000011)))
        version = await asked(centre, lambda: centre.read(85))
        assert version.unit == bytes((25, 1, 3, 14))
        configuration = await asked(centre, lambda: centre.read(86))
        assert configuration.unit == b"\x1a\x01\x07gw-0007"
        time = await asked(centre, lambda: centre.read(88))
        assert (time.unit[:2], time.unit[6:8]) == (b"\x1c\x01", bytes((11, 26)))
        system = await asked(centre, lambda: centre.read(61, bytes((1, 1))))
        assert system.unit[:6] == bytes((1, 1, 1, 1, 3, 0))
        part = await asked(centre, lambda: centre.read(62, bytes((1, 1, 42, 12, 0, 6, 0))))
        assert part.unit[:11] == bytes((2, 1, 1, 1, 42, 12, 0, 6, 0, 3, 0))
        for unknown in (
            lambda: centre.read(61, bytes((1, 99))),
            lambda: centre.read(62, bytes((1, 1, 42, 13, 0, 6, 0))),
            lambda: centre.read(64, bytes((1, 1, 5)) + bytes(6)),
            lambda: centre.read(84, bytes((5,)) + bytes(6)),
            lambda: centre.read(67, bytes((1, 1, 42, 12, 0, 6, 0))),
        ):
            assert (await asked(centre, unknown)).command == DENY

    joined(test, tmp_path)


def test_clock_and_patrol_are_confirmed_and_told_and_initialising_is_denied(tmp_path: Path) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        assert (await asked(centre, centre.synchronise)).command == CONFIRM
        assert len(box.offsets) == 1
        assert (await asked(centre, lambda: centre.patrol(10))).command == CONFIRM
        assert box.patrols == [10]
        assert (await asked(centre, centre.initialise)).command == DENY

    joined(test, tmp_path)


def test_a_person_answers_a_patrol_check(tmp_path: Path) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        await box.alarm("centre", "patrol_check", device="gw-0007", severity=2)
        box.gateway.acts.acknowledge("gw-0007:patrol_check:centre", "li", "here")
        await elapse(1)
        assert [(report.kind, report.words) for report in centre.reports[1:]] == [(24, (0x20, 0))]

    joined(test, tmp_path)


def test_a_record_that_is_denied_is_set_aside_and_those_behind_it_go_on(tmp_path: Path) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        centre.set_mood(["deny"])
        await box.alarm("1-1-1")
        await elapse(40)
        assert "uplink.gb26875.denied" in box.faults
        centre.set_mood(["confirm"])
        await box.alarm("1-1-2")
        await elapse(1)
        assert [report.words[3] & 0xFFFF for report in centre.reports if report.kind == 2] == [2]

    joined(test, tmp_path)


def test_only_what_was_handed_over_is_reported(tmp_path: Path) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        box.handed = {f"{PANEL}:fire:1-1-2"}
        for point in (1, 2, 3):
            await box.alarm(f"1-1-{point}")
        await elapse(1)
        await box.alarm("1-1-2", active=False)
        box.gateway.acts.acknowledge(f"{PANEL}:fire:1-1-2", "li", "seen")
        await elapse(1)
        seen = [(report.words[3] & 0xFFFF, report.words[4]) for report in centre.reports if report.kind == 2]
        assert seen == [(2, 3), (2, 1)]
        assert box.over == [f"{PANEL}:fire:1-1-2"]

    joined(test, tmp_path)


def test_many_share_a_packet_and_readings_of_a_water_meter_are_no_matter_of_fire(tmp_path: Path) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        cable.whole = False
        for point in range(60):
            await box.alarm(f"1-1-{point}")
        await box.alarm("wm", "leak", severity=2)
        cable.whole = True
        await elapse(60)
        fires = [report for report in centre.reports if report.kind == 2]
        assert len({report.words[3] for report in fires}) == 60
        assert len({report.serial for report in fires}) < 15
        assert {report.kind for report in centre.reports} == {2, 21}

    joined(test, tmp_path)


@pytest.mark.parametrize(("kind", "flags"), [("reset", 1), ("silence", 2), ("test", 64)])
def test_what_somebody_does_at_a_panel_is_reported(tmp_path: Path, kind: str, flags: int) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        now = box.gateway.recorder.now()
        for said in (kind, "other"):
            signal = Signal(PANEL, said, *now, severity=4, source="3", details={"momentary": True})
            await box.gateway.pipeline.signal(signal)
        await elapse(1)
        assert [(report.kind, report.words) for report in centre.reports[1:]] == [(4, (1, 3, flags, 0))]

    joined(test, tmp_path)


@pytest.mark.parametrize(
    ("kind", "source", "severity", "expected"),
    [
        ("fire", "1-6-12", 1, (2, (1, 1, 40, 6 << 16 | 12, 3))),
        ("fault", "1-6-12", 2, (2, (1, 1, 40, 6 << 16 | 12, 5))),
        ("isolate", "1-6-12", 3, (2, (1, 1, 40, 6 << 16 | 12, 9))),
        ("mains_fault", "3", 2, (1, (1, 3, 0x101))),
        ("battery_fault", "3", 2, (1, (1, 3, 0x201))),
        ("link_lost", "", 2, (21, (0x41,))),
        ("disk_fault", "", 2, (21, (5,))),
    ],
)
def test_what_becomes_of_an_alarm(
    tmp_path: Path, kind: str, source: str, severity: int, expected: tuple[int, tuple[int, ...]]
) -> None:
    async def test(box: Box, centre: Centre, cable: Cable) -> None:
        await box.alarm(source, kind, severity=severity, detector="smoke")  # type: ignore[arg-type]
        await elapse(1)
        assert [(report.kind, report.words) for report in centre.reports[1:]] == [expected]
        assert centre.reports[-1].at == "2026-11-22T14:30:15"  # 06:30:15 UTC, as clocks in Shanghai show it

    joined(test, tmp_path)
