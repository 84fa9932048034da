"""One lift's page for an installer: what it is looked at with, what runs beside it, and the buttons that change that.

Invariants
1. Every change names what the person saw, is confirmed by a tick of its own, and leaves a line in the audit trail.
2. Nothing here changes a threshold or commissions a door.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from courtyard.agent.accounts import Accounts, Principal
from courtyard.agent.web.form import own_form
from courtyard.agent.web.gate import address
from courtyard.agent.web.model import Refused, Views, Words
from courtyard.agent.web.route import Route, Show
from courtyard.agent.web.watched import Camera, LiftModels

TITLE: Final = Words("Detector of a lift", "电梯识别模型")
UNKNOWN: Final = Words("There is no such lift.", "没有这台电梯。")
UNSURE: Final = Words("Tick that you are sure; nothing was done.", "请勾选确认；未做任何更改。")
UNKNOWN_ACT: Final = Words("Unknown act.", "无法识别的操作。")
DONE: Final = Words("Done. The gateway follows within seconds.", "已完成，网关将在几秒内生效。")
NOTES: Final = {
    "retrain": "lift.head_made",
    "activate": "lift.head_activated",
    "rollback": "lift.head_rolled_back",
    "forget": "lift.head_forgotten",
    "activate-model": "vision.model_activated",
    "rollback-model": "vision.model_rolled_back",
}
"""Acts of the form, and how the audit trail calls them."""
LONGEST_DIGEST: Final = 64


class Detectors:
    """Endpoints below `/lifts`."""

    def __init__(self, models: LiftModels, views: Views, accounts: Accounts, show: Show) -> None:
        self._models, self._views, self._accounts, self._show = models, views, accounts, show
        self.routes: tuple[Route, ...] = (
            Route("GET", "/lifts/{lift}", "configure", self._open),
            Route("POST", "/lifts/{lift}", "configure", self._change),
        )

    async def _open(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        return self._page(request, principal, DONE if "done" in request.query_params else None)

    async def _change(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given, camera = await own_form(request, principal), self._camera(request)
        act, digest = given.get("act", ""), given.get("digest", "")[:LONGEST_DIGEST]
        if act not in NOTES:
            raise Refused(UNKNOWN_ACT)
        if given.get("sure") != "yes":
            raise Refused(UNSURE)
        lift = camera.lift or ""
        said = await self._act(act, lift, digest, principal)
        await self._accounts.note(principal.origin, NOTES[act], lift, address=address(request), details={"of": digest})
        if said is not None:
            return self._page(request, principal, said)
        return RedirectResponse(f"/lifts/{lift}?done", 303)

    async def _act(self, act: str, lift: str, digest: str, principal: Principal) -> Words | None:
        """What is to be said of it, where that is not seen."""
        models = self._models
        match act:
            case "retrain":
                return await models.retrain(lift)
            case "activate":
                await models.activate(lift, digest, principal.origin.removeprefix("operator:"))
            case "rollback":
                await models.roll_back(lift, digest)
            case "forget":
                await models.forget(lift)
            case "activate-model":
                await models.activate_model(digest)
            case "rollback-model":
                await models.roll_back_model(digest)
        return None

    def _page(self, request: Request, principal: Principal, said: Words | None) -> Response:
        return self._show(request, principal, "lift.html", TITLE, camera=self._camera(request), said=said)

    def _camera(self, request: Request) -> Camera:
        name = request.path_params["lift"]
        found = next((camera for camera in self._views.cameras() if camera.lift == name), None)
        if found is None:
            raise Refused(UNKNOWN)
        return found
