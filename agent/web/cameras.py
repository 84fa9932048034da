"""Pictures of cameras in the page, and the editor of the region in which things count."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from courtyard.agent.accounts import Accounts, Principal
from courtyard.agent.web.form import own_form
from courtyard.agent.web.gate import address
from courtyard.agent.web.model import Refused, Views, Words
from courtyard.agent.web.route import Route, Show
from courtyard.agent.web.watched import Camera, Corners, Pictures

TITLE: Final = Words("Region of a camera", "摄像机识别区域")
UNKNOWN: Final = Words("There is no such camera.", "没有这台摄像机。")
UNREADABLE: Final = Words("The region cannot be read.", "无法读取所绘区域。")
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_corners: Final[msgspec.json.Decoder[Corners]] = msgspec.json.Decoder(
    Annotated[tuple[tuple[_Share, _Share], ...], msgspec.Meta(max_length=32)]
)


class Cameras:
    """Endpoints below `/cameras`."""

    def __init__(self, pictures: Pictures, views: Views, accounts: Accounts, show: Show) -> None:
        self._pictures, self._views, self._accounts, self._show = pictures, views, accounts, show
        self.routes: tuple[Route, ...] = (
            Route("GET", "/cameras/{camera}/picture", "cameras", self._picture),
            Route("GET", "/cameras/{camera}/region", "configure", self._editor),
            Route("POST", "/cameras/{camera}/region", "configure", self._draw),
        )

    async def _picture(self, request: Request, principal: Principal | None) -> Response:
        png = await self._pictures.picture(self._camera(request).id, small="small" in request.query_params)
        return Response(png, media_type="image/png") if png else Response(status_code=404)

    async def _editor(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        return self._show(request, principal, "region.html", TITLE, camera=self._camera(request))

    async def _draw(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given, camera = await own_form(request, principal), self._camera(request)
        await self._pictures.draw(camera.id, _polygon(given.get("floor", "")), _polygon(given.get("door", "")))
        await self._accounts.note(principal.origin, "camera.region", camera.id, address=address(request))
        return RedirectResponse("/cameras", 303)

    def _camera(self, request: Request) -> Camera:
        name = request.path_params["camera"]
        found = next((camera for camera in self._views.cameras() if camera.id == name), None)
        if found is None:
            raise Refused(UNKNOWN)
        return found


def _polygon(text: str) -> Corners:
    """Corners as JSON; none, or three and more.  Raises Refused."""
    try:
        corners = _corners.decode(text or "[]")
    except msgspec.MsgspecError as error:
        raise Refused(UNREADABLE) from error
    if 0 < len(corners) < 3:
        raise Refused(Words("A region has three corners or more.", "区域至少需要三个顶点。"))
    return corners
