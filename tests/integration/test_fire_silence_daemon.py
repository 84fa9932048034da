"""Silence is an alarm, on the whole gateway: a panel that does not answer, that does not poll, that is garbled, whose
power fails, whose line is out: each its own alarm; none of them ends another, and no fire."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hw_sim.control import Client
from tests.daemon_rig import Box, box
from tests.firewire_rig import DEVICES, LINES, METER, is_up, panel, serial_line, simulated_panel, states

NAMED = ("panel_silent", "poll_missing", "heartbeat_missing", "line_quality", "link_lost", "line_fault")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Box]:
    with box(tmp_path, LINES, DEVICES) as made:
        yield made


def begin(stage: Box, protocol: str, path: Path, more: str = "") -> None:
    port = serial_line(path).replace("baud = 9600", "baud = 9600\nstop_bits = 2") if protocol == "fs5101" else None
    stage.write_site(stage.line("hall"), METER, port or serial_line(path), panel("fp-1", "fire-1", protocol, more))
    stage.start()
    stage.wait(lambda: is_up(stage))


def raised(stage: Box, *of: str) -> set[str]:
    """What is raised of the alarms about links and panels."""
    return {name for name in of or NAMED if "raised" in states(stage, name).values()}


def burn(client: Client, stage: Box) -> str:
    """A fire whose alarm must outlive everything; its source.  What a panel pushes before its line is open is lost."""
    for _ in range(10):
        client("event fire 6 12")
        with suppress(AssertionError):
            stage.wait(lambda: "raised" in states(stage, "fire").values(), 3.0)
            break
    (source,) = states(stage, "fire")
    return source


SILENCES = {"jbf": ("panel_silent", 3), "fs5101": ("poll_missing", 3)}
if os.environ.get("COURTYARD_CAMPAIGN") == "full":
    SILENCES |= {
        "ld128": ("panel_silent", 3), "jb3208": ("poll_missing", 8), "espa": ("poll_missing", 8),
        "gst24": ("heartbeat_missing", 8),
    }  # fmt: skip


@pytest.mark.parametrize("protocol", SILENCES)
def test_a_panel_that_says_nothing_is_an_alarm_of_its_own_name(stage: Box, protocol: str) -> None:
    silence, window_s = SILENCES[protocol]
    path = stage.folder / "panel"
    with simulated_panel(stage.folder, protocol, "--path", str(path)) as client:
        speaks = "speak = true\n" if protocol in ("jbf", "ld128") else ""
        begin(stage, protocol, path, f'{speaks}silence = "{window_s}s"')
        fire = burn(client, stage)
        client("mute on")
        stage.wait(lambda: raised(stage) == {silence})
        client("unplug")
        stage.wait(lambda: raised(stage) == {silence, "link_lost", "line_fault"})
        client("replug")
        stage.wait(lambda: raised(stage) == {silence})  # the link is back: that is no word of the panel
        client("mute off")
        stage.wait(lambda: raised(stage) == set())
        assert states(stage, silence) == {"": "returned"}
        assert states(stage, "fire") == {fire: "raised"}


def test_three_damaged_frames_in_a_row_are_bad_quality_of_the_line_and_three_good_ones_end_it(stage: Box) -> None:
    path = stage.folder / "panel"
    with simulated_panel(stage.folder, "jbf", "--path", str(path)) as client:
        begin(stage, "jbf", path)
        fire = burn(client, stage)
        client("mischief wrong-checksum 2")
        for point in (20, 21, 22):
            client(f"event fault 6 {point}")
        stage.wait(lambda: states(stage, "fault") == {"1-6-22": "raised"})
        assert raised(stage) == set()  # two in a row are none
        client("mischief wrong-checksum 3")
        for point in (30, 31, 32):
            client(f"event fault 6 {point}")
        stage.wait(lambda: raised(stage) == {"line_quality"})
        for point in (40, 41, 42):
            client(f"event fault 6 {point}")
        stage.wait(lambda: states(stage, "line_quality") == {"": "returned"})
        assert set(states(stage, "fault")) == {"1-6-22", "1-6-40", "1-6-41", "1-6-42"}
        assert states(stage, "fire") == {fire: "raised"}


def test_the_mains_and_the_battery_of_a_panel_are_two_alarms_and_a_lost_link_ends_neither(stage: Box) -> None:
    path = stage.folder / "panel"
    with simulated_panel(stage.folder, "ld128", "--path", str(path)) as client:
        begin(stage, "ld128", path, "speak = true")
        client("event mains_fault 0 0 panel")
        client("event battery_fault 0 0 panel")
        stage.wait(lambda: raised(stage, "mains_fault", "battery_fault") == {"mains_fault", "battery_fault"})
        client("unplug")
        stage.wait(lambda: "link_lost" in raised(stage))
        assert raised(stage, "mains_fault", "battery_fault") == {"mains_fault", "battery_fault"}
        client("replug")
        stage.wait(lambda: raised(stage) == set())
        client("event mains_end 0 0 panel")
        stage.wait(lambda: raised(stage, "mains_fault", "battery_fault") == {"battery_fault"})
        client("event battery_end 0 0 panel")
        stage.wait(lambda: raised(stage, "mains_fault", "battery_fault") == set())


def test_a_new_list_of_names_is_taken_by_itself_and_a_bad_one_leaves_the_old_names(stage: Box) -> None:
    path, names = stage.folder / "panel", stage.folder / "fp-1.csv"
    names.write_text("loop,address,text\n6,12,corridor 6\n", encoding="utf-8")
    with simulated_panel(stage.folder, "jbf", "--path", str(path)) as client:
        begin(stage, "jbf", path, 'speak = true\nnames = "fp-1.csv"')

        def events(name: str) -> list[dict[str, object]]:
            return [record for record in stage.platform.records["event"] if record["event"] == name]

        def text(point: int) -> str:
            client(f"event fire 6 {point}")
            stage.wait(lambda: f"1-6-{point}" in states(stage, "fire"))
            return str(next(each["text_en"] for each in stage.alarms("fire") if each["source"] == f"1-6-{point}"))

        assert "corridor 6" in text(12)
        names.write_text("loop,address,text\n6,13,stairs\n6,14,cellar\n", encoding="utf-8")
        stage.wait(lambda: len(events("site.applied")) == 1)
        assert "stairs" in text(13)
        names.write_text("what,is,this\n6,14,attic\n", encoding="utf-8")
        stage.wait(lambda: len(events("site.refused")) == 1)
        (refused,) = events("site.refused")
        assert refused["details"]["code"] == "names.header"  # type: ignore[index]
        assert refused["details"]["file"] == "fp-1.csv"  # type: ignore[index]
        assert "cellar" in text(14)
        assert raised(stage) == set()
        names.write_text("loop,address,text\n6,15,attic\n", encoding="utf-8")
        stage.wait(lambda: len(events("site.applied")) == 2)
        assert "attic" in text(15)
