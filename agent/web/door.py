"""The login, the first password by the one-time code on the box, and the way out."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from courtyard.agent.accounts import Accounts, Principal, Throttled, csrf_matches
from courtyard.agent.refusal import Refusal
from courtyard.agent.web.form import form
from courtyard.agent.web.gate import SESSION_COOKIE, Gate, address, own_path
from courtyard.agent.web.model import Words


class Door:
    """Endpoints of `/login` and `/logout`; `page` renders a template outside the site."""

    def __init__(self, gate: Gate, accounts: Accounts, page: Callable[..., Response]) -> None:
        self._gate, self._accounts, self._page = gate, accounts, page

    async def show(self, request: Request, principal: Principal | None) -> Response:
        """The form; with `?token=` a wall display comes in without one."""
        token = request.query_params.get("token", "")
        if token:
            display = await self._accounts.bearer(token[:500], address=address(request))
            if display is None or not display.may("wall"):
                return await self._form(request, Words("This token is not valid.", "此令牌无效。"), 403)
            answer: Response = RedirectResponse("/wall", 303)
            self._gate.admit_wall(answer, token[:500])
            return answer
        if principal is not None:
            return RedirectResponse(own_path(request.query_params.get("next", "/")), 303)
        return await self._form(request)

    async def enter(self, request: Request, principal: Principal | None) -> Response:
        """Takes name and password, or name, one-time code and a new password."""
        given = await form(request)
        name, password, code = given.get("name", "").strip(), given.get("password", ""), given.get("code", "").strip()
        try:
            if code:
                session = await self._accounts.redeem(name, code, password, address=address(request))
            else:
                session = await self._accounts.login(name, password, address=address(request))
        except Refusal as refusal:
            status = 429 if isinstance(refusal, Throttled) else 403
            return await self._form(
                request, Words.of(refusal.text), status, name, refusal.code == "login.code" or bool(code)
            )
        answer = RedirectResponse(own_path(given.get("next", "/")), 303)
        self._gate.admit(answer, session)
        return answer

    async def leave(self, request: Request, principal: Principal | None) -> Response:
        """Ends the session of this browser."""
        if principal is not None:
            given = await form(request)
            if csrf_matches(principal, given.get("csrf", "")):
                await self._accounts.logout(request.cookies.get(SESSION_COOKIE, ""))
        answer = RedirectResponse("/login", 303)
        self._gate.forget(answer)
        return answer

    async def _form(
        self, request: Request, words: Words | None = None, status: int = 200, name: str = "", by_code: bool = False
    ) -> Response:
        by_code = by_code or "code" in request.query_params or await self._accounts.first_start()
        next_path = own_path(request.query_params.get("next", "/"))
        return self._page(request, "login.html", status, words=words, name=name[:64], by_code=by_code, next=next_path)
