"""From adverts at several lines to the room of a resident: what is told, to whom, with whose consent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from courtyard.agent.care.discretion import Discretion
from courtyard.agent.care.following import follow
from courtyard.agent.normalise import Places
from courtyard.agent.pipeline import condition_of
from courtyard.config.care import Resident
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import Reading, Signal
from courtyard.drivers.ble.presence import Terms
from courtyard.drivers.ble.rooms import ROOM, Rooms
from tests.blestack_rig import Collected, LoopClock
from tests.config_rig import check
from tests.gateway_rig import elapse, meter, site, virtual
from tests.presence_sites import GOOD

BAND, TAG = "C0:FF:EE:00:00:01", "C0:FF:EE:01:00:01"
PLACES = {"air": "b03/u02/f06/r601", "hall": "b03/x-hall"}


@asynccontextmanager
async def rooms() -> AsyncIterator[tuple[Rooms, Collected]]:
    followed, sink = Rooms(LoopClock()), Collected()
    followed.adjust(PLACES, Terms(), {BAND: "band-017"})
    running = asyncio.ensure_future(followed.run(sink))
    try:
        yield followed, sink
    finally:
        running.cancel()
        await asyncio.wait((running,))


async def stay(followed: Rooms, seconds: int, **strengths: int) -> None:
    for _ in range(seconds):
        for receiver, rssi in strengths.items():
            followed.heard(receiver, BAND, rssi)
            followed.heard(receiver, TAG, rssi)
        await elapse(1)


def told(sink: Collected) -> list[object]:
    return [reading.values[ROOM] for reading in sink.readings]


def test_changes_of_room_are_told_once_and_silence_as_unknown() -> None:
    @virtual
    async def _() -> None:
        async with rooms() as (followed, sink):
            await stay(followed, 30, air=-55, hall=-75)
            assert followed.place_of("band-017") == PLACES["air"]
            await stay(followed, 60, air=-75, hall=-55)
            await elapse(200)
            assert told(sink) == [PLACES["air"], PLACES["hall"], None]
            assert sink.readings[-1].quality == {ROOM: "bad:stale"}
            assert {reading.device for reading in sink.readings} == {"band-017"}
            assert followed.place_of("band-017") == ""


def test_strangers_and_former_devices_leave_nothing_behind() -> None:
    @virtual
    async def _() -> None:
        async with rooms() as (followed, sink):
            await stay(followed, 30, air=-55)
            followed.adjust(PLACES, Terms(), {TAG: "sos-017"})
            assert followed.place_of("band-017") == ""
            followed.adjust({}, Terms(), {BAND: "band-017"})
            assert not followed.hears("air")
            before = len(sink.readings)
            await stay(followed, 60, air=-55)
            assert len(sink.readings) == before


def test_the_site_says_who_is_followed_and_which_lines_hear(tmp_path: Path) -> None:
    @virtual
    async def _() -> None:
        verdict = check(tmp_path, GOOD)
        assert (verdict.mistakes, verdict.warnings) == ((), ())
        assert isinstance(verdict.snapshot, Snapshot)
        followed = Rooms(LoopClock())
        follow(followed, verdict.snapshot)
        assert followed.hears("air")
        assert "presence.room" in verdict.snapshot.devices["band"].points


def test_a_line_that_only_hears_has_a_driver(tmp_path: Path) -> None:
    second = '[[lines]]\nname = "hall"\nkind = "ble"\nadapter = "hci1"\n'
    receivers = GOOD.replace('r601" }]', 'r601" }, { name = "hall", place = "b03/x-hall" }]')
    verdict = check(tmp_path, receivers + second)
    assert (verdict.mistakes, verdict.warnings) == ((), ())
    assert verdict.snapshot is not None
    assert verdict.snapshot.lines["hall"].family == "ble"
    assert verdict.snapshot.lines["hall"].devices == ()
    alone = check(tmp_path, GOOD + second)
    assert [warning.code for warning in alone.warnings] == ["line.unused"]


def test_a_call_for_help_names_the_room_that_the_caller_is_in() -> None:
    places = Places(site(lines=[{"kind": "tcp", "name": "rs485-1", "host": "h"}], devices=[meter("sos-1")]))
    located = Places(
        site(lines=[{"kind": "tcp", "name": "rs485-1", "host": "h"}], devices=[meter("sos-1")]),
        lambda device: {"sos-1": "b03/x-hall"}.get(device, ""),
    )
    call = Signal("sos-1", "sos", 0, 0, severity=1)
    assert places.part(call) == "370213/005/012/0007/b03/u02"
    assert located.part(call) == "370213/005/012/0007/b03/x-hall"
    assert located.part(Signal("sos-1", "tamper", 0, 0)) == "370213/005/012/0007/b03/u02"


def test_the_room_of_somebody_who_has_not_agreed_leaves_memory_only_with_a_call() -> None:
    moved = Reading("band-017", 0, 0, {ROOM: "b03/x-hall"})
    for report, agrees, recorded in (
        ("minutes", True, True),
        ("changes", True, True),
        ("alarms", True, False),
        ("minutes", False, False),
    ):
        resident = Resident("r-017", wearables=("band-017",), report=report)  # type: ignore[arg-type]
        private = Discretion([resident], lambda _, agrees=agrees: agrees)  # type: ignore[misc]
        assert (private.recorded(moved) is not None) == recorded
        judged = private.judged(moved)
        assert judged is not None
        assert (ROOM in judged.values) == agrees
        assert private.due(120_000, 120_000) == []


def test_a_call_for_help_names_whose_it_is() -> None:
    call = Signal("sos-1", "sos", 0, 0, severity=1, source="button-1")
    private = Discretion([Resident("r-017", buttons=("sos-1",))], lambda _: False)
    named = condition_of(call, resident=private.owner_of("sos-1"))
    assert named.text == ("Call for help: r-017 (button-1).", "紧急求助：r-017 (button-1)。")
    assert named.details["resident"] == "r-017"
    assert private.owner_of("wm-1") == ""
    assert "resident" not in condition_of(call).details
