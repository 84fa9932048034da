"""Every route for every role; forms, forgeries, paths, bodies; the API and its document."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest

from courtyard.agent.accounts import ALLOWED, ROLES, Role, csrf_token
from courtyard.agent.web.bounds import MAX_BODY_BYTES
from courtyard.agent.web.gate import own_path
from courtyard.agent.web.live import MAX_STREAMS
from tests.gateway_rig import virtual
from tests.web_rig import PASSWORD, Answer, FakeViews, Stage

ROUTES = [(route.method, route.path, route.permission) for route in Stage().app.routes]
PUBLIC = {"/static/{name}", "/login", "/logout", "/health/live", "/health/ready"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
ACT = {"alarm": "wm-0009:leak:1", "occurrence": "17", "reason": "seen", "act": "acknowledge"}


def concrete(path: str) -> str:
    """A path that leads somewhere."""
    given = {"{name}": "app.css", "{device}": "wm-0004", "{point}": "water.flow", "{camera}": "cam-b03-lift1"}
    given["{lift}"] = "lift-b03-1"
    return re.sub(r"{\w+}", lambda found: given[found[0]], path)


def call(method: str, path: str, stage: Stage | None = None, **more: Any) -> Answer:
    return virtual(lambda: (stage or Stage()).call(method, path, **more))


def test_only_these_routes_are_public() -> None:
    assert {path for _, path, permission in ROUTES if permission is None} == PUBLIC


@pytest.mark.parametrize("role", [None, *ROLES])
@pytest.mark.parametrize(("method", "path", "permission"), ROUTES)
def test_every_route_lets_in_whom_the_table_says(method: str, path: str, permission: Any, role: Role | None) -> None:
    answer = call(method, concrete(path), role=role)
    may = permission is None or (role is not None and role in ALLOWED[permission][0])
    refused = answer.status in (401, 403) and "csrf" not in answer.text and "too old" not in answer.text
    if path in ("/login", "/logout"):
        assert answer.status in (200, 303, 409)
    elif may:
        assert not refused, answer
        assert answer.headers.get("location", "").startswith("/login") is False
    else:
        assert refused or answer.headers["location"].startswith("/login")
        assert "wm-0004" not in answer.text.replace(path, "")


@pytest.mark.parametrize("role", ROLES)
def test_what_changes_something_needs_the_sessions_own_token(role: Role) -> None:
    for method, path, permission in ROUTES:
        if method != "POST" or permission is None or role not in ALLOWED[permission][0]:
            continue
        stage = Stage()
        kind = {"content-type": "application/json"} if path.startswith("/api/") else FORM
        for forged in ("", csrf_token("session-of-somebody")):
            headers = {**kind, "x-csrf-token": forged}
            body = urlencode({**ACT, "csrf": forged}).encode()
            answer = call(method, concrete(path), stage, headers=headers, body=body, role=role)
            assert answer.status in (403, 409), (path, answer)
            assert stage.hands.done == []


@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site", "origin": "null"}]
)
def test_a_post_from_another_site_is_refused(headers: dict[str, str]) -> None:
    stage = Stage()
    body = urlencode({**ACT, "csrf": csrf_token("session-of-manager")}).encode()
    answer = call("POST", "/alarms", stage, headers={**FORM, **headers}, body=body, role="manager")
    assert answer.status == 403
    assert stage.hands.done == []


def test_an_act_is_done_in_the_persons_name_and_noted() -> None:
    stage = Stage()
    body = urlencode({**ACT, "csrf": csrf_token("session-of-manager")}).encode()
    answer = call("POST", "/alarms", stage, headers=FORM, body=body, role="manager")
    assert (answer.status, answer.headers["location"]) == (303, "/alarms")
    assert stage.hands.done == [("acknowledge", "wm-0009:leak:1", "operator:li", "seen")]
    assert stage.accounts.notes == [("li", "alarm.acknowledge", "wm-0009:leak:1")]


@pytest.mark.parametrize(
    "change", [{"reason": " "}, {"act": "explode"}, {"occurrence": "16"}, {"occurrence": "x" * 400}], ids=str
)
def test_a_bad_form_is_refused_with_words(change: dict[str, str]) -> None:
    stage = Stage()
    body = urlencode({**ACT, **change, "csrf": csrf_token("session-of-manager")}).encode()
    answer = call("POST", "/alarms", stage, headers=FORM, body=body, role="manager")
    assert answer.status in (409, 422)
    assert stage.hands.done == []


def test_what_forbids_a_held_door_is_said_in_words() -> None:
    page = call("GET", "/cameras", role="installer").text
    assert '禁止原因 消防触点, <span translate="no">smoke-b03</span>' in page


def test_a_device_that_can_buzz_has_a_button_for_it_and_says_what_came_of_it() -> None:
    stage = Stage()
    page = call("GET", "/devices/wm-0000", stage, role="installer").text
    assert 'action="/devices/wm-0000/identify"' in page
    assert "/identify" not in call("GET", "/devices/wm-0001", stage, role="installer").text
    assert "/identify" not in call("GET", "/devices/wm-0000", stage, role="viewer").text
    body = urlencode({"csrf": csrf_token("session-of-installer")}).encode()
    answer = call("POST", "/devices/wm-0000/identify", stage, headers=FORM, body=body, role="installer")
    assert (answer.status, "5" in answer.text) == (200, True)
    assert stage.hands.done == [("identify", "wm-0000")]
    assert stage.accounts.notes[-1][1:] == ("device.identify", "wm-0000")
    assert call("POST", "/devices/gone/identify", stage, headers=FORM, body=body, role="installer").status == 404


@pytest.mark.parametrize("cookie", ["x", "session-of-installer", "", "a" * 5000, "\x7f", "session-of-viewer; a=b"])
def test_a_forged_cookie_is_nobody(cookie: str) -> None:
    answer = call("GET", "/", headers={"cookie": f"courtyard_session={cookie}"})
    assert (answer.status, answer.headers["location"]) == (303, "/login")


@pytest.mark.parametrize(
    "name",
    ["../app.py", "..%2f..%2fapp.py", "%2e%2e/templates/base.html", "/etc/passwd", "app.css/", "....//app.css", "\x00"],
)
def test_no_path_leads_out_of_the_static_files(name: str) -> None:
    answer = call("GET", f"/static/{name}")
    assert answer.status in (307, 404)
    assert b"root:" not in answer.body
    assert b"import" not in answer.body


def test_a_browser_keeps_files_under_the_hash_of_their_content_and_asks_for_all_others() -> None:
    page = call("GET", "/", role="installer").text
    found = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page))
    assert {each.partition("?")[0] for each in found} >= {"/static/app.css", "/static/app.js", "/static/icons.svg"}
    for each in found:
        answer = call("GET", each)
        assert (answer.status, answer.headers["cache-control"]) == (200, "max-age=31536000, immutable")
        for other in (each.partition("?")[0], f"{each}0"):
            assert call("GET", other).headers["cache-control"] == "no-cache"


def test_an_oversize_body_is_refused_before_and_while_it_comes() -> None:
    body = b"a" * (MAX_BODY_BYTES + 1)
    announced = {**FORM, "content-length": str(len(body))}
    assert call("POST", "/login", headers=announced, body=body).status == 413
    assert call("POST", "/login", headers=FORM, body=body).status == 413
    assert call("POST", "/login", headers={**FORM, "content-length": "-1"}, body=body).status == 400


def test_every_answer_carries_the_policy() -> None:
    for path in ("/login", "/static/app.css", "/nowhere", "/api/v1/devices"):
        headers = call("GET", path).headers
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
    page = call("GET", "/", role="installer")
    assert not re.search(r"<style|style=|<script(?![^>]*src=)|\son\w+=|https?://", page.text)


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https://evil.example", "x", "/a\nb", ""])
def test_login_leads_nowhere_else(path: str) -> None:
    assert own_path(path) == "/"
    body = urlencode({"name": "li", "password": PASSWORD, "next": path}).encode()
    answer = call("POST", "/login", headers=FORM, body=body)
    assert answer.headers["location"] == "/"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "samesite=strict" in answer.headers["set-cookie"].lower()


def test_a_wrong_password_is_told_in_words() -> None:
    body = urlencode({"name": "li", "password": "wrong"}).encode()
    answer = call("POST", "/login", headers=FORM, body=body)
    assert answer.status == 403
    assert "用户名或密码错误" in answer.text


def test_a_wall_display_sees_the_wall_alone() -> None:
    stage = Stage()
    answer = call("GET", "/login?token=wall", stage)
    assert (answer.status, answer.headers["location"]) == (303, "/wall")
    cookie = {"cookie": "courtyard_wall=wall"}
    assert call("GET", "/wall", stage, headers=cookie).status == 200
    for path in ("/devices", "/alarms", "/", "/api/v1/devices"):
        assert call("GET", path, stage, headers=cookie).status in (401, 403)


def test_streams_are_bounded() -> None:
    async def open_many() -> Answer:
        stage = Stage()
        stage.app.live.streams = MAX_STREAMS
        return await stage.call("GET", "/?live=x", role="viewer")

    answer = virtual(open_many)
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")


# The API


def bearer(token: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", **more}


def document() -> dict[str, Any]:
    return dict(json.loads(call("GET", "/api/v1/openapi.json", headers=bearer("view")).body))


def test_the_document_describes_every_operation() -> None:
    described = {(method.upper(), path) for path, item in document()["paths"].items() for method in item}
    assert described == {(method, path) for method, path, _ in ROUTES if path.startswith("/api/")}


@pytest.mark.parametrize("path", [path for method, path, _ in ROUTES if method == "GET" and path.startswith("/api/")])
def test_what_the_api_gives_is_what_the_document_says(path: str) -> None:
    answer = call("GET", concrete(path), role="installer")
    whole = document()
    described = whole["paths"][path]["get"]["responses"]
    assert str(answer.status) in described
    schema = described[str(answer.status)]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": whole["components"]}).validate(json.loads(answer.body))


def test_a_token_acts_within_its_scopes() -> None:
    stage = Stage()
    body = json.dumps({"alarm_id": "wm-0009:leak:1", "occurrence": 17, "reason": "seen"}).encode()
    path = "/api/v1/alarms/acknowledge"
    assert call("POST", path, stage, headers=bearer("view"), body=body).status == 403
    assert call("POST", path, stage, headers=bearer("nobody"), body=body).status == 401
    assert call("POST", path, stage, headers=bearer("all"), body=body).status == 200
    assert stage.hands.done == [("acknowledge", "wm-0009:leak:1", "token:all", "seen")]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"alarm_id":1}', b"\xff", b'{"alarm_id":"a","occurrence":1,"reason":"r","x":1}']
)
def test_a_bad_body_is_told(body: bytes) -> None:
    answer = call("POST", "/api/v1/alarms/acknowledge", headers=bearer("all"), body=body)
    assert answer.status == 422
    assert json.loads(answer.body)["code"] == "body.invalid"


@pytest.mark.parametrize("query", ["offset=-1", "limit=x", "offset=" + "9" * 40, "limit=%00"])
def test_a_bad_parameter_is_told(query: str) -> None:
    assert call("GET", f"/api/v1/devices?{query}", headers=bearer("view")).status == 409


def test_devices_are_found_and_paged() -> None:
    answer = json.loads(call("GET", "/api/v1/devices?q=b02&limit=3&offset=1", headers=bearer("view")).body)
    assert (answer["found"], answer["total"], len(answer["devices"])) == (25, 75, 3)
    assert all("/b02/" in device["place"] for device in answer["devices"])


def test_metrics_are_prometheus_text() -> None:
    answer = call("GET", "/metrics", headers=bearer("metrics"))
    sample = re.compile(r'^courtyard_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.e+-]+$')
    lines = [line for line in answer.text.splitlines() if not line.startswith("# ")]
    assert [line for line in lines if not sample.match(line)] == []
    assert 'courtyard_devices{state="alarm"} 1' in lines
    assert 'courtyard_uplink_lost_records{uplink="community"} 1200' in lines


def test_health_for_monitoring() -> None:
    views = FakeViews()
    stage = Stage(views)
    assert call("GET", "/health/live", stage).status == 200
    assert call("GET", "/health/ready", stage).status == 200
    views.durable = False
    assert call("GET", "/health/ready", stage).status == 503
