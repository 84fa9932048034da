"""`courtyard vision retrain` and what follows, on real files: figures, trial, activation by name, going back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from courtyard.agent.__main__ import main
from courtyard.agent.accounts.book import AccountBook
from courtyard.agent.cli.vision_retrain import who
from courtyard.agent.vision import own_head
from courtyard.agent.vision.lessons import Looks, write_looks
from courtyard.agent.vision.model import read_manifest
from courtyard.agent.vision.retraining import base_file
from courtyard.agent.vision.scores import Calibration, calibration_file, write
from tests.retraining_rig import base, overlooked, prams, write_base
from tests.vision_rig import make

LIFT = "lift-1"
EVENT = "20261122T063001Z-lift-1"


class Box:
    """A data directory, a model with its base, and the command line."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data, self._capsys = folder / "data", capsys
        self.data.mkdir()
        self.vision = self.data / "vision"
        self._manifest = make(folder)
        self.model = read_manifest(self._manifest).sha256
        self.base = base_file(self._manifest)
        write_base(self.base, base(), self.model)

    def run(self, action: str, target: str = LIFT, *more: str) -> tuple[int, str]:
        arguments = ["vision", action, target, "--data", str(self.data), "--model", str(self._manifest), *more]
        status = main(arguments)
        told = self._capsys.readouterr()
        return status, told.out + told.err

    def gather(self, looks: Looks, until_ms: int) -> None:
        """As a day of watching and a calibration leave it."""
        write_looks(own_head.lessons_folder(self.vision, LIFT) / own_head.GATHERED, self.model, looks)
        made = Calibration(LIFT, self.model, 0.9, 0.88, 40_000, 86_400.0, 0, until_ms, 1)
        write(calibration_file(self.vision, LIFT, self.model), made)


@pytest.fixture
def box(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Box:
    return Box(tmp_path, capsys)


def test_a_day_is_learned_activated_by_name_and_rolled_back(box: Box) -> None:
    box.gather(prams(80), until_ms=60_000 * 59)
    status, told = box.run("retrain", LIFT, "--json")
    assert status == 0
    made = json.loads(told)
    assert (made["gathered"], made["marked"]) == (60, 0), "only the time that was said to be without e-bikes counts"
    assert made["figures"]["site_after"] < made["figures"]["site_before"]
    assert own_head.read_head(box.vision, LIFT, "active") is None
    status, told = box.run("activate", LIFT, "--lang", "en")
    assert status == 0
    acting = own_head.read_head(box.vision, LIFT, "active", box.model)
    assert acting is not None
    assert acting.by == who() != ""
    assert acting.digest in told
    status, told = box.run("heads", LIFT, "--json")
    assert json.loads(told)["active"]["by"] == who()
    assert "weights" not in told
    assert box.run("heads", LIFT, "--lang", "zh-CN")[1].startswith("已启用：")
    assert box.run("rollback", LIFT)[0] == 0
    assert own_head.read_head(box.vision, LIFT, "active") is None
    assert box.run("rollback", LIFT)[0] == 1
    assert box.run("activate", LIFT)[0] == 0
    status, told = box.run("forget", LIFT, "--json")
    assert json.loads(told)["files"] == 2
    assert box.run("heads", LIFT, "--lang", "en")[1].strip().endswith("has none.")


def test_marked_events_are_learned_without_a_calibration(box: Box) -> None:
    looks = prams(30)
    folder = own_head.lessons_folder(box.vision, LIFT)
    write_looks(folder / own_head.GATHERED, box.model, looks)
    status, told = box.run("retrain", LIFT, "--lang", "en")
    assert status == 1
    assert "without e-bikes" in told, "nobody has said that this day had no e-bike"
    write_looks(folder / own_head.EVENTS / f"{EVENT}.npz", box.model, looks)
    assert box.run("mark", EVENT)[0] == 0
    assert box.run("mark", EVENT)[0] == 1
    status, told = box.run("retrain", LIFT, "--json")
    assert status == 0
    assert json.loads(told)["marked"] == 30


def test_what_would_forget_ebikes_is_refused_and_leaves_no_head(box: Box) -> None:
    known, looks = overlooked()
    write_base(box.base, known, box.model)
    box.gather(looks, until_ms=1 << 40)
    status, told = box.run("retrain", LIFT, "--lang", "zh-CN")
    assert status == 1
    assert "已拒绝" in told
    assert own_head.read_head(box.vision, LIFT, "trial") is None


@pytest.mark.parametrize("action", ["activate", "rollback", "mark"])
def test_what_is_not_there_is_named(box: Box, action: str) -> None:
    status, told = box.run(action, "nothing", "--lang", "en")
    assert status == 1
    assert "nothing" in told


@pytest.mark.parametrize("action", ["retrain", "activate", "rollback", "forget", "heads"])
@pytest.mark.parametrize("target", ["../x", ".."])
def test_a_name_that_leads_elsewhere_is_refused(box: Box, action: str, target: str) -> None:
    assert box.run(action, target)[0] == 1


def test_an_act_is_in_the_audit_trail_of_a_box_with_accounts(box: Box) -> None:
    assert main(["users", "add", "wang", "--role", "installer", "--data", str(box.data)]) == 0
    box.gather(prams(80), until_ms=1 << 40)
    assert box.run("retrain")[0] == 0
    assert box.run("activate")[0] == 0

    async def trail() -> list[tuple[str, str, str]]:
        book = AccountBook(box.data / "accounts", wall_ms=lambda: 1)
        await book.open()
        try:
            return [(each.who, each.action, each.subject) for each in await book.audit()]
        finally:
            await book.close()

    lines = asyncio.run(trail())
    assert (who(), "lift.head_made", LIFT) in lines
    assert (who(), "lift.head_activated", LIFT) in lines
