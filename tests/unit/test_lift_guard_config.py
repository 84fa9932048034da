"""Lifts in a site file: what is accepted, and above all what must never hold a door."""

from __future__ import annotations

from pathlib import Path

import pytest

from courtyard.config.lifts import Commissioning
from tests.config_rig import BOARD, GATEWAY, LINE, RULE, check

CAMERA = '[[cameras]]\nid = "cam"\naddress = "192.168.1.64"\nusername = "gateway"\npassword_file = "pw"\n'
OUTPUT = '[[outputs]]\nname = "siren"\ndevice = "board"\ntarget = "siren"\nuse = "door-hold"\n'
FIRE = 'fire_return = { device = "board", point = "relay.1" }\n'
DONE = 'commissioned = { maintainer = "Lift Service, Wang", date = "2026-11-20" }\n'
LIFT = '[[lifts]]\nid = "lift"\ncamera = "cam"\nplace = "b03/x-lift1"\n'
HOLD = LIFT + 'hold = "siren"\n' + FIRE
TABLES = (GATEWAY, LINE, BOARD, CAMERA, OUTPUT)


def codes(folder: Path, *parts: str) -> list[str]:
    (folder / "pw").write_text("secret")
    (folder / "pw").chmod(0o600)
    verdict = check(folder, "\n".join(parts))
    for each in (*verdict.mistakes, *verdict.warnings):
        assert each.text.en
        assert each.cure.zh
    return [each.code for each in (*verdict.mistakes, *verdict.warnings)]


def test_a_commissioned_lift_is_a_part_of_the_site_with_a_place(tmp_path: Path) -> None:
    assert codes(tmp_path, *TABLES, HOLD + DONE) == []
    snapshot = check(tmp_path, "\n".join((*TABLES, HOLD + DONE))).snapshot
    assert snapshot is not None
    (lift,) = snapshot.site.lifts
    assert lift.commissioned == Commissioning("Lift Service, Wang", "2026-11-20")
    assert "lift" in {each.id for each in snapshot.site.installed}


def test_a_lift_that_is_not_commissioned_is_accepted_with_a_warning(tmp_path: Path) -> None:
    assert codes(tmp_path, *TABLES, HOLD) == ["lift.not_commissioned"]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([LIFT.replace('"cam"', '"cam-2"')], "reference.camera"),
        ([LIFT.replace('"lift"', '"cam"')], "name.twice"),
        ([LIFT, LIFT.replace('"lift"', '"lift-2"')], "lift.camera_twice"),
        ([LIFT + "floor_region = [[0.1, 0.1], [0.9, 0.1]]\n"], "lift.region"),
        ([LIFT + "floor_region = [[0.1, 0.1, 1], [0.9, 0.1], [0, 1]]\n"], "lift.region"),
        ([LIFT + 'door_closed = { device = "board", point = "relay.2" }\n'], "lift.point"),
        ([LIFT + 'door_closed = { device = "bored", point = "relay.1" }\n'], "reference.device"),
        ([LIFT + 'warn = ["siren"]\n'], "lift.door_hold_only"),
        ([LIFT + 'warn = ["lamp"]\n'], "reference.output"),
        ([HOLD, HOLD.replace('"lift"', '"lift-2"')], "lift.hold_twice"),
        ([LIFT + DONE], "lift.nothing_to_hold"),
        ([HOLD.replace(FIRE, "") + DONE], "lift.no_fire_contact"),
        ([HOLD + DONE, RULE.replace('"water.flow"\nabove = 3', '"relay.1"\nabove = 3')], "lift.door_hold_only"),
        ([LIFT, '[vision]\nwarn = "3/2"\n'], "vision.votes"),
    ],
)
def test_what_does_not_fit_is_named_with_its_cure(tmp_path: Path, parts: list[str], expected: str) -> None:
    assert expected in codes(tmp_path, *TABLES, *parts)


def test_an_output_that_is_not_declared_as_a_door_hold_holds_no_door(tmp_path: Path) -> None:
    tables = [each.replace('use = "door-hold"\n', "") for each in TABLES]
    assert codes(tmp_path, *tables, HOLD + DONE) == ["lift.not_door_hold"]


def test_a_door_that_a_dead_gateway_would_keep_open_is_warned_of(tmp_path: Path) -> None:
    output = OUTPUT.replace('"board"', '"cam"').replace('target = "siren"', 'target = "relay_0"')
    site = (GATEWAY, LINE, BOARD, CAMERA + 'relays = ["relay_0"]\n', HOLD + DONE)
    assert codes(tmp_path, *site, output) == ["lift.hold_outlives"]
    assert codes(tmp_path, *site, output + 'repeat = "2s"\n') == []


def test_a_camera_without_video_watches_no_lift(tmp_path: Path) -> None:
    tables = [each + "video = false\n" if each == CAMERA else each for each in TABLES]
    assert codes(tmp_path, *tables, LIFT) == ["lift.no_video"]
