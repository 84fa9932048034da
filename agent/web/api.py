"""The same data as JSON under `/api/v1`: the table of all operations, from which the OpenAPI document is made."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from courtyard.agent.accounts import Accounts, Principal, csrf_matches
from courtyard.agent.history import History
from courtyard.agent.web.api_acts import Acts
from courtyard.agent.web.api_devices import Devices
from courtyard.agent.web.api_site import Looks
from courtyard.agent.web.model import Hands, Refused, Views, Words
from courtyard.agent.web.operation import ROOT, Operation, problem
from courtyard.drivers.base import Text

CSRF_HEADER: Final = "x-csrf-token"


class Api:
    """The operations over one gateway."""

    def __init__(self, views: Views, hands: Hands, accounts: Accounts, history: History | None) -> None:
        self._views = views
        self.operations: tuple[Operation, ...] = (
            *Looks(views, accounts).operations,
            *Acts(hands, accounts).operations,
            *Devices(views, hands, accounts, history).operations,
            Operation("GET", f"{ROOT}/openapi.json", "view", "This document", dict[str, Any], self._document),
        )

    async def answer(self, operation: Operation, request: Request, principal: Principal | None) -> Response:
        """Runs one operation for somebody whom the gate let in."""
        assert principal is not None
        if operation.method == "POST" and not csrf_matches(principal, request.headers.get(CSRF_HEADER, "")):
            return problem(403, "csrf", Words("The CSRF token is missing or wrong.", "CSRF 令牌缺失或错误。"))
        try:
            result = await operation.run(request, principal)
        except Refused as refused:
            return problem(409, "refused", refused.words)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            text = str(error)[:300]
            return problem(422, "body.invalid", Words(text, f"请求内容无效：{text}"))
        if result is None:
            return problem(404, "unknown", Words("There is no such thing here.", "没有该对象。"))
        return Response(msgspec.json.encode(result), media_type="application/json")

    @staticmethod
    def refused(status: int, code: str, text: Text) -> Response:
        """The answer to a refusal."""
        return problem(status, code, Words.of(text))

    @staticmethod
    def refused_access(*, known: bool) -> Response:
        """The answer to somebody who may not."""
        if known:
            return problem(
                403, "forbidden", Words("This account or token may not do this.", "此账户或令牌没有该权限。")
            )
        answer = problem(401, "unauthorised", Words("Log in, or send a token.", "请登录或提供令牌。"))
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer

    async def _document(self, request: Request, principal: Principal) -> dict[str, Any]:
        from courtyard.agent.web.openapi import document

        return document(self.operations, self._views.gateway().version)
