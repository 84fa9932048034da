"""The page of a lift's detector: what is in force, what runs beside it, and buttons that only an installer has."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from courtyard.agent.accounts import csrf_token
from courtyard.agent.accounts.permissions import Role
from courtyard.agent.web.watched import Model
from tests.gateway_rig import virtual
from tests.web_rig import NOW_MS, Answer, FakeViews, Stage

PATH = "/lifts/lift-b03-1"
FORM = {"content-type": "application/x-www-form-urlencoded"}
TRIAL = "ba9876543210"


def own(shadow: bool) -> FakeViews:
    views = FakeViews()
    views.model, views.shadow = Model("models/own.toml", "0a1b2c3d4e5f", NOW_MS - 7_200_000), shadow
    return views


def post(stage: Stage, act: str, role: Role = "installer", *, digest: str = TRIAL, sure: str = "yes") -> Answer:
    fields = {"csrf": csrf_token(f"session-of-{role}"), "act": act, "digest": digest, "sure": sure}
    return virtual(lambda: stage.call("POST", PATH, FORM, urlencode(fields).encode(), role=role))


def look(views: FakeViews, language: str = "en") -> str:
    cookie = {"cookie": f"courtyard_language={language}"}
    return virtual(lambda: Stage(views).call("GET", PATH, cookie, role="installer")).text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("own detector", "5e884898da28", "Side by side", "99.8 %", "0123456789ab", "Activate…")),
        ("zh-CN", ("产品自带模型", "并行对比", "报警次数", "一致率", "启用…", "回退…", "立即重新训练…", "全部清除…")),
    ],
)
def test_what_acts_stands_beside_what_is_on_trial(language: str, words: tuple[str, ...]) -> None:
    text = look(FakeViews(), language)
    assert [each for each in words if each not in text] == []
    assert "activate-model" not in text


def test_a_detector_of_the_site_is_activated_from_shadow_and_taken_back() -> None:
    shadow, acting = look(own(shadow=True)), look(own(shadow=False))
    assert "models/own.toml" in shadow
    assert "in shadow" in shadow
    assert 'value="activate-model"' in shadow
    assert 'value="activate-model"' not in acting
    assert 'value="rollback-model"' in acting


@pytest.mark.parametrize(
    ("act", "done", "note"),
    [
        ("activate", ("activate", "lift-b03-1", TRIAL, "wang"), "lift.head_activated"),
        ("rollback", ("rollback", "lift-b03-1", TRIAL), "lift.head_rolled_back"),
        ("forget", ("forget", "lift-b03-1"), "lift.head_forgotten"),
        ("retrain", ("retrain", "lift-b03-1"), "lift.head_made"),
        ("activate-model", ("activate-model", TRIAL), "vision.model_activated"),
        ("rollback-model", ("rollback-model", TRIAL), "vision.model_rolled_back"),
    ],
)
def test_each_change_is_done_once_and_noted(act: str, done: tuple[str, ...], note: str) -> None:
    stage = Stage()
    answer = post(stage, act)
    assert stage.lift_models.done == [done]
    assert [(action, subject) for _, action, subject in stage.accounts.notes] == [(note, "lift-b03-1")]
    if act == "retrain":
        assert answer.status == 200
        assert "112233445566" in answer.text
    else:
        assert (answer.status, answer.headers["location"]) == (303, f"{PATH}?done")


@pytest.mark.parametrize("role", ["viewer", "manager"])
def test_nobody_else_changes_it(role: Role) -> None:
    stage = Stage()
    assert post(stage, "activate", role).status == 403
    assert virtual(lambda: stage.call("GET", PATH, role=role)).status == 403
    assert stage.lift_models.done == []


@pytest.mark.parametrize(
    "change", [{"sure": ""}, {"act": "explode"}, {"act": ""}, {"digest": "somebody changed it"}], ids=str
)
def test_what_is_not_confirmed_or_no_longer_so_is_refused_with_words(change: dict[str, str]) -> None:
    stage = Stage()
    answer = post(stage, change.get("act", "activate"), **{k: v for k, v in change.items() if k != "act"})
    assert answer.status == 409
    assert stage.lift_models.done == []
    assert stage.accounts.notes == []


def test_another_lift_is_unknown() -> None:
    assert virtual(lambda: Stage().call("GET", "/lifts/nowhere", role="installer")).status in (404, 409)
