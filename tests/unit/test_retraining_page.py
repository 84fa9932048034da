"""What the page shows of a lift's calibration and of its own head, and how an installer marks what was no e-bike."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from courtyard.agent.accounts import csrf_token
from courtyard.agent.accounts.permissions import Role
from courtyard.agent.lift_learning import HeadState, LearningState
from courtyard.agent.page.evidence import EvidenceFiles
from courtyard.agent.page.pictures import learned
from courtyard.agent.vision.own_head import EVENTS, MARKED, lessons_folder
from tests.gateway_rig import virtual
from tests.retraining_rig import FIGURES
from tests.web_rig import EVIDENCE, NAMES, Answer, Stage

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Threshold calibrated", "18.2 h", "enough for a calibration", "on trial", "66.0 → 64.0 %")),
        ("zh-CN", ("阈值已标定", "可以标定", "影子运行", "本梯误判率 21.4 → 10.7 %", "启用后 0.41", "启用人")),
    ],
)
def test_a_lift_shows_what_its_threshold_and_its_head_rest_on(language: str, words: tuple[str, ...]) -> None:
    answer = virtual(
        lambda: Stage().call("GET", "/cameras", {"cookie": f"courtyard_language={language}"}, role="manager")
    )
    assert answer.status == 200
    missing = [each for each in words if each not in answer.text]
    assert not missing


def test_counts_are_told_in_steps_and_heads_with_their_figures() -> None:
    head = HeadState("0123", False, 5, 40, 3, FIGURES, "", 0, 1_234, 0.8, 0.4)
    shown = learned(LearningState(0.6, None, 0, 65_500, 41_277, 0.455, False, True, 640, None, head))
    assert (shown.calibrated_ms, shown.watched_h, shown.looks, shown.gathered) == (None, 18.2, 41_200, 640)
    assert shown.trial is not None
    assert (shown.trial.learned, shown.trial.marked, shown.trial.looks) == (43, 3, 1_200)
    assert (shown.trial.site, shown.trial.trial_after) == ((0.5, 0.1), 0.4)
    assert shown.head is None


def post(stage: Stage, path: str, role: Role, token: str | None = None) -> Answer:
    csrf = csrf_token(token or f"session-of-{role}")
    return virtual(lambda: stage.call("POST", path, FORM, f"csrf={csrf}".encode(), role=role))


def test_an_installer_marks_an_event_and_nobody_else_does() -> None:
    stage, path = Stage(), f"/evidence/{EVIDENCE}/mark"
    assert post(stage, path, "manager").status == 403
    assert post(stage, path, "viewer").status == 403
    assert post(stage, path, "installer", "another session").status >= 400
    assert stage.evidence.marked == []
    answer = post(stage, path, "installer")
    assert (answer.status, answer.headers["location"]) == (303, "/alarms")
    assert stage.evidence.marked == [EVIDENCE]
    assert (f"operator:{NAMES['installer']}", "lift.no_ebike", EVIDENCE) in stage.accounts.notes
    assert post(stage, "/evidence/20261122T063001Z-other/mark", "installer").status >= 400
    assert post(stage, "/evidence/nonsense/mark", "installer").status >= 400
    assert stage.evidence.marked == [EVIDENCE, "20261122T063001Z-other"]


def test_marking_moves_what_was_kept_of_the_event(tmp_path: Path) -> None:
    folder = lessons_folder(tmp_path / "vision", "lift-1")
    (folder / EVENTS).mkdir(parents=True)
    (folder / EVENTS / f"{EVIDENCE}.npz").write_bytes(b"x")
    files = EvidenceFiles(tmp_path)
    assert asyncio.run(files.mark(EVIDENCE))
    assert not asyncio.run(files.mark(EVIDENCE))
    assert not asyncio.run(files.mark("../x"))
    assert (folder / MARKED / f"{EVIDENCE}.npz").exists()
