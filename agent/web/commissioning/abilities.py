"""The page that switches one ability of the site off or on."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from courtyard.agent.accounts import Accounts, Principal
from courtyard.agent.web.commissioning.ability_model import Abilities, AbilityChange
from courtyard.agent.web.form import own_form
from courtyard.agent.web.gate import address
from courtyard.agent.web.model import Views, Words
from courtyard.agent.web.route import Route, Show

PATH: Final = "/commissioning/abilities/{ability}"
TITLE: Final = Words("What this site uses", "本站点启用的功能")
RESTARTS: Final = Words("The gateway restarts", "网关正在重启")
LONGEST: Final = 200


class AbilityPages:
    """Routes for installers; each change is noted in the audit trail with its reason."""

    def __init__(self, abilities: Abilities, views: Views, accounts: Accounts, show: Show) -> None:
        self._abilities, self._views, self._accounts, self._show = abilities, views, accounts, show
        self.routes = (
            Route("GET", PATH, "configure", self._look),
            Route("POST", PATH, "configure", self._switch),
        )

    async def _look(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        return self._page(request, principal, await self._abilities.look(request.path_params["ability"][:LONGEST]))

    async def _switch(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given = await own_form(request, principal)
        ability, reason = request.path_params["ability"][:LONGEST], given.get("reason", "").strip()[:LONGEST]
        done = await self._abilities.switch(ability, given.get("mark", ""), reason)
        if isinstance(done, AbilityChange):
            return self._page(request, principal, done, status=422)
        where, why = address(request), {"reason": reason or None}
        await self._accounts.note(principal.name, "site.ability", ability, address=where, details=why)
        if done.restarting:
            started = str(self._views.gateway().started_ms)
            return self._show(
                request, principal, "commissioning_restart.html", RESTARTS, started=started, onward="/site"
            )
        return RedirectResponse("/site", 303)

    def _page(self, request: Request, principal: Principal, change: AbilityChange, *, status: int = 200) -> Response:
        return self._show(request, principal, "commissioning_ability.html", TITLE, status=status, change=change)
