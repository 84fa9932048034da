"""The OpenAPI document against the real application: whatever it allows is answered as it says, and whatever it does
not allow is refused; and every route against every token.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance
from starlette.types import ASGIApp, Receive, Scope, Send

from courtyard.agent.accounts import PERMISSIONS, TOKEN_SCOPES, Permission
from tests.gateway_rig import virtual
from tests.unit.test_web_routes import ROUTES, concrete, document
from tests.web_rig import Stage

EXAMPLES = 200 if os.environ.get("COURTYARD_CAMPAIGN") == "full" else 5
CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]


class _Own:
    """The application of a stage, in which every request comes from somebody who may do everything."""

    def __init__(self) -> None:
        stage = Stage()
        stage.accounts.scopes["everything"] = PERMISSIONS
        self.app: ASGIApp = stage.asgi

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["headers"] = [*scope["headers"], (b"authorization", b"Bearer everything")]
        await self.app(scope, receive, send)


schema = schemathesis.openapi.from_dict(document())
schema.app = _Own()


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_api_is_what_its_document_says(case: Case) -> None:
    case.call_and_validate(checks=CHECKS)


@pytest.mark.parametrize("scope", TOKEN_SCOPES)
def test_a_token_opens_the_routes_of_its_scope_and_no_other(scope: Permission) -> None:
    async def run() -> None:
        stage = Stage()
        stage.accounts.scopes["t"] = (scope,)
        for method, path, permission in ROUTES:
            if permission is None:
                continue
            answer = await stage.call(method, concrete(path), headers={"authorization": "Bearer t"})
            refused = answer.status in (401, 403)
            assert refused == (permission != scope), (method, path, answer.status)
        assert stage.hands.done == ([("identify", "wm-0004")] if scope == "test" else [])  # all others want a body

    virtual(run)


def test_no_token_may_have_a_scope_that_opens_accounts_health_or_configuration() -> None:
    closed: tuple[Any, ...] = ("users", "audit", "configure", "residents", "erase", "logs", "drill")
    assert set(TOKEN_SCOPES).isdisjoint(closed)
    guarded = {path for _, path, permission in ROUTES if permission in closed}
    assert {"/users", "/audit", "/mend", "/residents", "/log"} <= guarded


def test_the_document_is_valid_json_schema_throughout() -> None:
    text = json.dumps(document())
    assert '"$ref": "#/components/schemas/' in text
