"""Silence, damage and loss of the line are told, each for itself, and end nothing else."""

from __future__ import annotations

from itertools import pairwise

import pytest

from courtyard.drivers.fire.faults import panel_fault
from courtyard.drivers.fire.host import LISTEN_FIRST_S
from courtyard.drivers.fire.settings import FirePanel, Protocol
from courtyard.drivers.fire.watch import GRACE_S
from hw_sim.panels.incidents import single_smoke
from hw_sim.panels.models import PANELS
from tests.fire_driver_rig import SERVER, Watched, elapse, virtually

FIRE = single_smoke()[0].event
SILENCES: dict[Protocol, tuple[str, float]] = {
    "jbf": ("panel_silent", 10), "ld128": ("panel_silent", 10), "jb3208": ("poll_missing", 30),
    "fs5101": ("poll_missing", 10), "espa": ("poll_missing", 30), "gst24": ("heartbeat_missing", 60),
    "gb26875": ("heartbeat_missing", 90),
}  # fmt: skip


def watched_panel(protocol: Protocol, **more: object) -> Watched:
    settings = FirePanel(id="panel-1", protocol=protocol, **{"speak": True, **more})  # type: ignore[arg-type]
    return Watched(PANELS[protocol](), settings)


@pytest.mark.parametrize("protocol", SILENCES)
def test_silence_of_a_panel_is_told_once_and_ends_with_its_next_word(protocol: Protocol) -> None:
    kind, window_s = SILENCES[protocol]

    async def main() -> None:
        async with watched_panel(protocol) as watched:
            await elapse(30)
            assert watched.sink.life(kind) == [False]
            bring, watched.line.bring = watched.line.bring, lambda data: None  # type: ignore[method-assign]
            watched.line.attached._send = watched.line.bring  # type: ignore[union-attr]
            await elapse(window_s - 7)
            assert watched.sink.life(kind) == [False]
            await elapse(40)
            assert watched.sink.life(kind) == [False, True]
            assert watched.sink.faults["panel-1"][-1] == f"panel.{kind}"
            watched.line.attached._send = bring  # type: ignore[union-attr]
            await elapse(40)
            assert watched.sink.life(kind) == [False, True, False]
            assert watched.sink.faults["panel-1"][-1] is None
            assert watched.sink.life("link_lost") == [False]

    virtually(main)


def test_a_panel_that_never_spoke_is_silent_too() -> None:
    async def main() -> None:
        async with watched_panel("jbf") as watched:
            watched.line.deaf = True
            await elapse(60)
            assert watched.sink.life("panel_silent") == [True]

    virtually(main)


def test_a_panel_that_only_pushes_may_be_silent_unless_the_site_says_otherwise() -> None:
    async def main() -> None:
        async with watched_panel("jbf", speak=False) as watched:
            await elapse(3600)
            assert watched.sink.life("panel_silent") == []
        async with watched_panel("jbf", speak=False, silence_s=600.0) as watched:
            await elapse(610)
            assert watched.sink.life("panel_silent") == [True]

    virtually(main)


def test_a_cable_that_is_out_is_a_loss_and_ends_no_fire_and_no_silence() -> None:
    async def main() -> None:
        async with watched_panel("jbf") as watched:
            watched.play(single_smoke())
            await elapse(20)
            watched.line.deaf = True
            await elapse(15)
            assert watched.sink.life("panel_silent") == [False, True]
            watched.line.cut()
            await elapse(GRACE_S + 2)
            assert watched.sink.life("link_lost") == [False, True]
            assert watched.sink.faults["fire-1"] == [None, "line.open.missing"]
            assert watched.sink.faults["panel-1"][-1] == "panel.link_lost"
            watched.line.mend()
            await elapse(5)
            assert watched.sink.life("link_lost") == [False, True, False]
            assert watched.sink.life("panel_silent") == [False, True]
            watched.line.deaf = False
            await elapse(5)
            assert watched.sink.life("panel_silent") == [False, True, False]
            assert watched.sink.life("fire") == [True]
            assert watched.sink.faults["fire-1"][-1] is None

    virtually(main)


def test_a_link_that_is_back_at_once_was_not_lost() -> None:
    async def main() -> None:
        async with watched_panel("jbf") as watched:
            await elapse(20)
            watched.line.cut()
            watched.line.mend()
            await elapse(20)
            assert watched.sink.life("link_lost") == [False]
            assert watched.sink.faults["fire-1"] == [None]
            assert len(watched.line.opened) == 2

    virtually(main)


def test_a_line_that_does_not_open_is_tried_less_and_less_often_and_at_least_every_2_s() -> None:
    async def main() -> None:
        async with watched_panel("jbf") as watched:
            watched.line.cut()
            before = len(watched.line.opened)
            await elapse(60)
            times = watched.line.opened[before:]
            pauses = [late - early for early, late in pairwise(times)]
            assert pauses[0] < 1.1
            assert max(pauses) <= 2.01
            assert len(times) < 40

    virtually(main)


def test_three_bad_frames_in_a_row_are_a_bad_line_and_three_good_ones_a_good_one() -> None:
    async def main() -> None:
        async with watched_panel("jb3208") as watched:
            good = watched.panel.encode(FIRE)
            bad = good[:-4] + b"\0" + good[-3:]
            for frame in (bad, bad, good, bad, bad):
                watched.line.bring(frame)
            await elapse(1.2)
            assert True not in watched.sink.life("line_quality")
            watched.line.bring(bad)
            await elapse(1.2)
            assert watched.sink.life("line_quality")[-1] is True
            assert watched.sink.faults["panel-1"][-1] == "panel.line_quality"
            for frame in (good, good, good):
                watched.line.bring(frame)
            await elapse(1.2)
            assert watched.sink.life("line_quality")[-1] is False
            assert watched.driver.counters()["panel-1"]["damaged"] == 5
            assert any(frame.direction == "damaged" for frame in watched.driver.frames("panel-1"))

    virtually(main)


def test_damage_that_mischief_makes_costs_no_other_event() -> None:
    async def main() -> None:
        for kind in ("half", "wrong-checksum", "garbage"):
            async with watched_panel("gst24") as watched:
                watched.panel.mischief.plan(kind, 1, after=1)
                for number in range(1, 5):
                    watched.line.attached.happen(FIRE._replace(point=number))  # type: ignore[union-attr]
                    await elapse(3)
                assert watched.sink.began("fire") == ["006001", "006002", "006003", "006004"]

    virtually(main)


def test_what_could_not_be_kept_of_a_silence_is_said_again() -> None:
    async def main() -> None:
        async with watched_panel("jbf") as watched:
            watched.line.deaf, watched.sink.keeps = True, False
            await elapse(15)
            said = watched.sink.life("panel_silent")
            assert len(said) > 1
            assert set(said) == {True}
            watched.sink.keeps = True
            await elapse(2)
            count = len(watched.sink.life("panel_silent"))
            await elapse(20)
            assert len(watched.sink.life("panel_silent")) == count

    virtually(main)


def test_a_host_listens_before_it_polls_and_leaves_the_panel_to_another_host() -> None:
    async def main() -> None:
        async with watched_panel("jbf") as watched:
            poll = b"\x82" + b"0" * 24 + b"\x83"
            for _ in range(20):
                watched.line.bring(poll)
                watched.line.attached.heard(poll)  # type: ignore[union-attr]
                await elapse(1)
            assert watched.line.said == []
            assert watched.sink.faults["panel-1"][-1] == "panel.other_host"
            await elapse(LISTEN_FIRST_S + 2)
            assert {data for _, data in watched.line.said} == {poll}
            await elapse(1.2)
            assert watched.sink.faults["panel-1"][-1] is None

    virtually(main)


def test_the_echo_of_a_poll_is_no_other_host() -> None:
    async def main() -> None:
        async with watched_panel("ld128") as watched:
            await elapse(LISTEN_FIRST_S + 1)
            for _ in range(20):
                await elapse(0.2)
                watched.line.bring(b"\x20")
            polls = len(watched.line.said)
            await elapse(2)
            assert len(watched.line.said) >= polls + 9
            assert "panel.other_host" not in watched.sink.faults["panel-1"]

    virtually(main)


def test_a_network_connection_that_went_dead_silently_is_made_anew() -> None:
    async def main() -> None:
        settings = FirePanel(id="panel-1", protocol="gst24")
        async with Watched(PANELS["gst24"](), settings, line=SERVER) as watched:
            watched.line.attached._send = lambda data: None  # type: ignore[union-attr]
            await elapse(200)
            assert 3 <= len(watched.line.opened) <= 5
            assert watched.sink.life("heartbeat_missing")[-1] is True

    virtually(main)


def test_every_fault_has_words_and_a_cure_in_both_languages() -> None:
    for code in ("link_lost", "panel_silent", "poll_missing", "heartbeat_missing", "line_quality", "other_host",
                 "overflow", "stale"):  # fmt: skip
        fault = panel_fault(code)
        assert all((*fault.what, *fault.cure))
        assert fault.what.zh != fault.what.en
