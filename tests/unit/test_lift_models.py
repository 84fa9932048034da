"""Heads and a site's own detector, changed on real files: only what was seen, never to none, and with figures."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from courtyard.agent import own_model
from courtyard.agent.__main__ import main
from courtyard.agent.page.lift_models import GatewayLiftModels
from courtyard.agent.refusal import Refusal
from courtyard.agent.vision import own_head
from courtyard.agent.vision.comparing import Compared, Comparison, compared_file, in_force, read_compared
from courtyard.agent.vision.lessons import write_looks
from courtyard.agent.vision.model import read_manifest
from courtyard.agent.vision.own_head import read_head
from courtyard.agent.vision.retraining import base_file
from courtyard.agent.vision.scores import Calibration, calibration_file, write
from courtyard.agent.vision.votes import Policy
from courtyard.agent.web.model import Refused
from courtyard.config.lifts import Vision
from courtyard.config.read import check_site
from courtyard.config.site_file import SiteFile
from tests.retraining_rig import MODEL, base, head, prams, write_base
from tests.vision_rig import make

LIFT = "lift-1"
SITE = """# the site of a test
[gateway]
id = "gw-0007"
place = "370213/005/012/0007"
timezone = "Asia/Shanghai"

[vision]
model = "red.toml"   # tried since Monday
shadow = false
"""


class Box:
    """A site with a detector of its own, and a data directory."""

    def __init__(self, folder: Path) -> None:
        self.manifest = make(folder)
        self.digest = read_manifest(self.manifest).sha256
        self.path, self.data = folder / "site.toml", folder / "data"
        self.path.write_text(SITE)
        self.file = SiteFile(self.path, self.data)
        self.vision = self.data / "vision"
        self.models = GatewayLiftModels(self._snapshot, self.data, self.file, lambda: 5_000)

    @property
    def settings(self) -> Vision:
        snapshot = check_site(self.path).snapshot
        assert snapshot is not None
        return snapshot.site.vision

    def _snapshot(self) -> Any:
        site = SimpleNamespace(vision=self.settings, lifts=[SimpleNamespace(id=LIFT)])
        return SimpleNamespace(site=site, directory=self.path.parent)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_a_detector_acts_under_its_own_hash_alone_and_the_products_own_comes_back(box: Box) -> None:
    with pytest.raises(Refused):
        asyncio.run(box.models.activate_model("0" * 12))
    assert box.settings.activated is None
    asyncio.run(box.models.activate_model(box.digest[:12]))
    assert own_model.acts(box.settings, box.digest)
    assert "# tried since Monday" in box.path.read_text()
    asyncio.run(box.models.roll_back_model(box.digest[:12]))
    assert (box.settings.model, box.settings.activated) == ("shipped", None)
    assert own_model.acts(box.settings, "whatever")
    assert "# the site of a test" in box.path.read_text()
    with pytest.raises(Refused):
        asyncio.run(box.models.roll_back_model(box.digest[:12]))


def test_a_detector_that_was_changed_is_not_activated_and_can_be_left(box: Box) -> None:
    asyncio.run(box.models.activate_model(box.digest))
    (box.manifest.parent / "red.onnx").write_bytes(b"another")
    with pytest.raises(Refusal, match="hash of its manifest"):
        own_model.activate(box.file, box.settings, box.digest)
    assert own_model.roll_back(box.file, box.settings, box.digest[:12]) == "red.toml"
    assert box.settings.model == "shipped"


@pytest.mark.parametrize("text", ["", "no toml [", 'file = "red.onnx"', 'sha256 = "00"', 'file = "../../etc/passwd"'])
def test_a_manifest_that_is_none_is_told(box: Box, text: str) -> None:
    box.manifest.write_text(text)
    with pytest.raises(Refusal):
        own_model.digest_of(box.manifest)


def test_a_head_is_activated_if_it_is_still_the_one_that_was_seen(box: Box) -> None:
    first, second = head(LIFT), head(LIFT, bias=-2.0)
    own_head.propose(box.vision, first)
    with pytest.raises(Refused):
        asyncio.run(box.models.activate(LIFT, second.digest, "wang"))
    asyncio.run(box.models.activate(LIFT, first.digest, "wang"))
    found = read_head(box.vision, LIFT, "active")
    assert found is not None
    assert (found.digest, found.by, found.since_ms) == (first.digest, "wang", 5_000)
    with pytest.raises(Refused):
        asyncio.run(box.models.roll_back(LIFT, second.digest))
    asyncio.run(box.models.roll_back(LIFT, first.digest))
    assert read_head(box.vision, LIFT, "active") is None
    assert read_head(box.vision, LIFT, "trial") is not None
    asyncio.run(box.models.forget(LIFT))
    assert read_head(box.vision, LIFT, "trial") is None


@pytest.mark.parametrize("lift", ["lift-2", "../lift-1", ""])
def test_a_lift_that_the_site_does_not_have_is_refused(box: Box, lift: str) -> None:
    for wish in (box.models.forget(lift), box.models.retrain(lift), box.models.activate(lift, "0", "wang")):
        with pytest.raises(Refused):
            asyncio.run(wish)


def test_a_head_is_learned_in_a_process_of_its_own(box: Box) -> None:
    with pytest.raises(Refused):  # nothing to learn along with
        asyncio.run(box.models.retrain(LIFT))
    write_base(base_file(box.manifest), base(), box.digest)
    with pytest.raises(Refused, match="at least 5"):
        asyncio.run(box.models.retrain(LIFT))
    write_looks(own_head.lessons_folder(box.vision, LIFT) / own_head.GATHERED, box.digest, prams(80))
    day = Calibration(LIFT, box.digest, 0.9, 0.88, 40_000, 86_400.0, 0, 60_000 * 79, 1)
    write(calibration_file(box.vision, LIFT, box.digest), day)
    said = asyncio.run(box.models.retrain(LIFT))
    trial = read_head(box.vision, LIFT, "trial")
    assert trial is not None
    assert trial.digest in said.en
    assert trial.gathered == 80


def test_alarms_of_both_are_counted_by_the_lifts_own_votes() -> None:
    policy = Policy(warn_at=0.5, shadow=True)
    compared = Comparison(Compared("a", "b", 0))
    for number in range(200):
        is_pram, is_ebike = 20 <= number < 30, 100 <= number < 120
        score = 0.8 if is_pram or is_ebike else 0.1
        compared.look(number * 0.2, score, 0.2 if is_pram else score, policy)
    compared.look(40.0, 0.9, None, policy)
    counted = compared.counted
    assert (counted.all_looks, counted.looks, counted.agreed) == (201, 200, 190)
    assert (counted.alarms, counted.before, counted.trial_alarms) == (2, 2, 1)


def test_what_was_counted_lasts_as_long_as_both_do(tmp_path: Path) -> None:
    write(compared_file(tmp_path, LIFT), Compared("a", "b", 7, all_looks=3, alarms=2))
    assert read_compared(tmp_path, LIFT, "a", "b", 9).alarms == 2
    assert read_compared(tmp_path, LIFT, "a", "", 9) == Compared("a", "", 9)
    compared_file(tmp_path, LIFT).write_bytes(b"{")
    assert read_compared(tmp_path, LIFT, "a", "b", 9).since_ms == 9


def test_since_when_a_model_is_in_force_is_remembered(tmp_path: Path) -> None:
    assert in_force(tmp_path, LIFT, MODEL, 10) == 10
    assert in_force(tmp_path, LIFT, MODEL, 20) == 10
    assert in_force(tmp_path, LIFT, "another", 30) == 30
    assert in_force(tmp_path, LIFT, MODEL, 40) == 40
    assert in_force(tmp_path / "in-force" / f"{LIFT}.json", LIFT, MODEL, 50) == 50  # no folder


LIFTS = """

[[cameras]]
id = "cam-1"
address = "192.0.2.20"
username = "gateway"
password_file = "secrets/cam"

[[lifts]]
id = "lift-1"
camera = "cam-1"
"""


def test_the_command_line_lists_activates_and_goes_back(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    box.path.write_text(SITE + LIFTS)
    (box.path.parent / "secrets").mkdir()
    (box.path.parent / "secrets/cam").write_text("x\n")
    (box.path.parent / "secrets/cam").chmod(0o600)
    box.data.mkdir(exist_ok=True)
    own_head.propose(box.vision, head(LIFT))
    write(compared_file(box.vision, LIFT), Compared("a", "b", 7, 90, 5, 80, 76, 4, 1))

    def run(*arguments: str) -> tuple[int, str]:
        status = main(["vision", *arguments, "--site", str(box.path), "--data", str(box.data), "--lang", "en"])
        told = capsys.readouterr()
        return status, told.out + told.err

    status, told = run("models")
    assert status == 0, told
    assert f"red.toml {box.digest[:12]}: in shadow" in told
    assert f"on trial {head(LIFT).digest}; alarms 4, with the head on trial 1, agreement 95.0%" in told
    assert run("activate", "0" * 12)[0] == 1
    assert run("activate", box.digest[:12], LIFT)[0] == 2
    with pytest.raises(SystemExit):
        run("activate")
    capsys.readouterr()
    assert run("activate", box.digest[:12])[0] == 0
    assert json.loads(run("models", "--json")[1])["acts"] is True
    assert run("rollback", box.digest[:12])[0] == 0
    assert "the product's own detector" in run("models")[1]
