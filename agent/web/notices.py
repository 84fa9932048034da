"""A person takes a note off that every page shows."""

from __future__ import annotations

import re
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from courtyard.agent.accounts import Accounts, Principal
from courtyard.agent.web.form import own_form
from courtyard.agent.web.gate import address
from courtyard.agent.web.model import Hands, Refused, Words
from courtyard.agent.web.route import Route

PATH: Final = "/notices"
_BACK: Final = re.compile(r"/(?:[\w.-]+/?)*", re.ASCII)


class Notices:
    """Endpoint of `/notices`."""

    def __init__(self, hands: Hands, accounts: Accounts) -> None:
        self._hands, self._accounts = hands, accounts
        self.routes: tuple[Route, ...] = (Route("POST", PATH, "acknowledge", self._clear),)

    async def _clear(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given = await own_form(request, principal)
        if given.get("kind") != "damage":
            raise Refused(Words("Unknown note.", "无法识别的提示。"))
        await self._hands.clear_notice("damage", principal.origin)
        await self._accounts.note(principal.origin, "notice.clear", "damage", address=address(request))
        back = given.get("back", "")
        return RedirectResponse(back if _BACK.fullmatch(back) else "/", 303)
