"""Consent of a resident, from the command line to the platform: real frames, real broker, a running gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.daemon_rig import Box, box, device

LINES = [{"name": "hall", "kind": "tcp"}]
DEVICES = [{"id": "band-017", "model": "load", "line": "hall", "address": 1}]
PROFILE = (
    'protocol = "modbus"\ntitle_en = "Band"\ntitle_zh = "手环"\n'
    '[[points]]\npoint = "vital.heart_rate"\naddress = 0\ntype = "uint32"\nunit = "/min"\n'
    '[[points]]\npoint = "site.poll"\naddress = 0\ntype = "uint32"\nunit = "1"\n'
)
POINTS = '["site.poll"]\ntype = "number"\nunit = "1"\nen = "Polls"\nzh = "轮询次数"\n'
RESIDENT = '[[residents]]\nid = "r-017"\nwearables = ["band-017"]\nreport = "changes"\n'


def told(stage: Box) -> list[float]:
    """The heart rates that have arrived."""
    return [
        record["values"]["vital.heart_rate"]
        for record in stage.readings("band-017")
        if "vital.heart_rate" in record["values"]
    ]


def residents(stage: Box, *arguments: str) -> Any:
    answer = stage.run(
        "residents", *arguments, "--site", str(stage.site_file), "--data", str(stage.data), "--json", "--by", "li.na"
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def consents(stage: Box) -> list[bool]:
    events = [record for record in stage.platform.records["event"] if record["event"] == "resident.consent"]
    return [record["details"]["granted"] for record in events]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "profiles" / "test").mkdir(parents=True)
    (tmp_path / "profiles" / "test" / "band.toml").write_text(PROFILE)
    (tmp_path / "points.toml").write_text(POINTS)
    return tmp_path


def test_vital_signs_leave_the_box_only_while_the_resident_agrees(folder: Path) -> None:
    with box(folder, LINES, DEVICES) as stage:
        stage.write_site(stage.line("hall"), device("band-017", "test/band", "hall", 1, "100ms"), RESIDENT)
        stage.start()
        stage.wait(lambda: len(stage.readings("band-017")) >= 5)
        assert told(stage) == []
        assert residents(stage, "list") == [
            {"resident": "r-017", "consent": False, "since": None, "report": "changes", "devices": ["band-017"]}
        ]
        residents(stage, "grant", "r-017", "--note", "form 12")
        stage.wait(lambda: len(told(stage)) >= 3)
        steps = [later - earlier for earlier, later in zip(told(stage), told(stage)[1:], strict=False)]
        assert min(steps) >= 5
        document = residents(stage, "export", "r-017")
        assert any("vital.heart_rate" in record.get("values", {}) for record in document["records"])
        residents(stage, "erase", "r-017")
        stage.wait(lambda: consents(stage) == [True, False])
        count = len(told(stage))
        seen = len(stage.readings("band-017"))
        stage.wait(lambda: len(stage.readings("band-017")) >= seen + 10)
        assert len(told(stage)) <= count + 1
        acts = residents(stage, "audit")
        assert [act["deed"] for act in acts][:3] == ["grant", "export", "erase"]
        assert {act["by"] for act in acts} <= {"li.na", "courtyard"}
        assert acts[0]["note"] == "form 12"


def test_a_resident_that_is_not_in_the_site_is_named_with_those_that_are(folder: Path) -> None:
    with box(folder, LINES, DEVICES) as stage:
        stage.write_site(stage.line("hall"), device("band-017", "test/band", "hall", 1), RESIDENT)
        stage.data.mkdir()
        answer = stage.run(
            "residents", "grant", "r-71", "--site", str(stage.site_file), "--data", str(stage.data), "--lang", "en"
        )
        assert answer.returncode == 2
        assert "r-71 is no resident" in answer.stderr
        assert "r-017" in answer.stderr
