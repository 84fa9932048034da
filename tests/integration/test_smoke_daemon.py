"""Smoke detectors on a Modbus line, through a whole box: what they say, what a rule makes of it, and their silence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon_rig import Box, box, device

LINES = [{"name": "loft", "kind": "serial"}]
DEVICES = [
    {"id": "duct", "model": "ug-3", "line": "loft", "address": 1},
    {"id": "ceiling", "model": "sm7571", "line": "loft", "address": 2},
]
RULE = (
    '[[rules]]\nname = "smoke"\nkind = "threshold"\ndevices = ["ceiling"]\npoint = "smoke.concentration"\n'
    "above = 300\nhysteresis = 100\nseverity = 1\n"
)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Box]:
    with box(tmp_path, LINES, DEVICES) as made:
        detectors = device("duct", "fire/calectro-ug-3", "loft", 1), device("ceiling", "fire/sonbest-sm7571", "loft", 2)
        made.write_site(made.line("loft"), *detectors, RULE)
        made.start()
        made.wait(lambda: len(made.readings("duct")) >= 2 and len(made.readings("ceiling")) >= 2)
        yield made


def states(stage: Box, alarm_class: str, name: str) -> list[tuple[str, int]]:
    return [(each["state"], each["severity"]) for each in stage.alarms(alarm_class) if each["device"] == name]


def test_smoke_is_an_alarm_of_severity_1_that_only_the_detector_ends(stage: Box) -> None:
    stage.simulator("device duct smoke")
    stage.wait(lambda: states(stage, "smoke", "duct") == [("raised", 1)])
    stage.simulator("fault duct dead")
    stage.wait(lambda: states(stage, "detector_silent", "duct") == [("raised", 2)])
    assert states(stage, "smoke", "duct") == [("raised", 1)], "a detector that is gone ends no fire"
    stage.simulator("heal duct")
    stage.simulator("device duct reset")
    over = ("returned", "cleared")
    stage.wait(lambda: states(stage, "smoke", "duct")[-1][0] in over, 90)  # a unit that was dead is asked rarely
    stage.simulator("device ceiling smoke 640")
    stage.wait(lambda: states(stage, "threshold", "ceiling") == [("raised", 1)])
    assert stage.platform.missing() == {}
