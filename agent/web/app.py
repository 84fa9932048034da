"""The page as an ASGI application: one table of routes, each with the permission that it asks for.

Invariants
1. Every request passes the gate of its route; a route without a permission is public and shows nothing of the site.
2. What changes something is a POST with the session's CSRF token, or carries a bearer token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route as StarletteRoute
from starlette.routing import Router
from starlette.types import ASGIApp

from courtyard.agent.accounts import Accounts, Principal
from courtyard.agent.history import History
from courtyard.agent.refusal import Refusal
from courtyard.agent.web.acts import Acts
from courtyard.agent.web.api import Api
from courtyard.agent.web.assets import serve
from courtyard.agent.web.bounds import Bounds
from courtyard.agent.web.cameras import Cameras
from courtyard.agent.web.compound import Draughtsman
from courtyard.agent.web.door import Door
from courtyard.agent.web.evidence import Kept
from courtyard.agent.web.gate import LANGUAGE_COOKIE, Gate, allowed, to_login
from courtyard.agent.web.late import Late
from courtyard.agent.web.lift_models import Detectors
from courtyard.agent.web.live import Live, Subject, digest
from courtyard.agent.web.mend import Mend, SiteMender
from courtyard.agent.web.metrics import metrics_text
from courtyard.agent.web.model import Hands, Refused, Views, Words
from courtyard.agent.web.notices import Notices
from courtyard.agent.web.packing import compressed
from courtyard.agent.web.pages import NAV, PAGES, Link, Page
from courtyard.agent.web.past import Past, PastAlarms
from courtyard.agent.web.people import People
from courtyard.agent.web.render import Rendered, Renderer
from courtyard.agent.web.route import Route
from courtyard.agent.web.watched import Evidence, LiftModels, Pictures
from courtyard.drivers.base import Language

if TYPE_CHECKING:
    from courtyard.agent.web.commissioning.model import Desk

COMMISSIONING: Final = "/commissioning"
CSRF_MARK, VERSION_MARK = "__CSRF__", "__VERSION__"


class Inside(NamedTuple):
    """A page within the site that is made by an endpoint of its own."""

    path: str
    title: Words


class Doors(NamedTuple):
    """What parts of the page with routes of their own reach; a part whose door is None is not there."""

    past: PastAlarms | None = None
    mender: SiteMender | None = None
    pictures: Pictures | None = None
    desk: Callable[[], Awaitable[Desk]] | None = None
    """Makes it, at the first request for one of its pages."""
    evidence: Evidence | None = None
    lift_models: LiftModels | None = None
    begins: Callable[[], bool] = lambda: False
    """Whether this box waits to be commissioned."""


NO_DOORS: Final = Doors()


class WebApp:
    """All routes over one gateway."""

    def __init__(
        self,
        views: Views,
        hands: Hands,
        accounts: Accounts,
        history: History | None = None,
        *,
        secure: bool = True,
        doors: Doors = NO_DOORS,
        renderer: Renderer | None = None,
    ) -> None:
        self._views, self._hands, self._accounts = views, hands, accounts
        self._gate = Gate(accounts, secure=secure)
        self._renderer, self._draughtsman = renderer or Renderer(), Draughtsman()
        self.live = Live(views.now_ms)
        door = Door(self._gate, accounts, self.plain_page)
        api = Api(views, hands, accounts, history)
        more = [*People(self._gate, accounts, self.show).routes, *Notices(hands, accounts).routes]
        if doors.past is not None:
            more += Past(doors.past, views, self.show).routes
        if doors.mender is not None:
            more += Mend(doors.mender, accounts, self.show).routes
        if doors.pictures is not None:
            more += Cameras(doors.pictures, views, accounts, self.show).routes
        if doors.evidence is not None:
            more += Kept(doors.evidence, accounts).routes
        if doors.lift_models is not None:
            more += Detectors(doors.lift_models, views, accounts, self.show).routes
        self._begins, self._open_desk = doors.begins, doors.desk
        self.routes: tuple[Route, ...] = (
            *more,
            *(Route("GET", page.path, page.permission, partial(self._show, page)) for page in PAGES),
            *Acts(views, hands, accounts, self.plain_page).routes,
            Route("GET", "/static/{name}", None, serve),
            Route("GET", "/login", None, door.show),
            Route("POST", "/login", None, door.enter),
            Route("POST", "/logout", None, door.leave),
            Route("GET", "/health/live", None, self._live_health),
            Route("GET", "/health/ready", None, self._ready),
            Route("GET", "/metrics", "metrics", self._metrics),
            *(Route(each.method, each.path, each.permission, partial(api.answer, each)) for each in api.operations),
        )

    def asgi(self) -> ASGIApp:
        """The application with its bounds."""
        late = Late(COMMISSIONING, self._load_commissioning, self._not_for_them) if self._open_desk else None
        return Bounds(ExceptionMiddleware(Router(routes=self._table(self.routes), default=late)))

    def _table(self, routes: Sequence[Route]) -> list[StarletteRoute]:
        return [StarletteRoute(route.path, partial(self._guarded, route), methods=[route.method]) for route in routes]

    # What commissions the box: little used, and a twentieth of the daemon's memory

    def commissioning(self, desk: Desk) -> tuple[Route, ...]:
        """The routes below COMMISSIONING."""
        from courtyard.agent.web.commissioning.routes import Commissioning

        made = Commissioning(desk, self._views, self._accounts, self.show)
        pages = (Route("GET", page.path, page.permission, partial(self._show, page)) for page in made.pages)
        return (*made.routes, *pages)

    async def _load_commissioning(self) -> ASGIApp:
        assert self._open_desk is not None
        desk = await self._open_desk()
        await asyncio.to_thread(import_module, "courtyard.agent.web.commissioning.routes")
        return Router(routes=self._table(self.commissioning(desk)))

    async def _not_for_them(self, request: Request) -> Response | None:
        """The answer to those who may see none of it."""
        principal = await self._gate.principal(request)
        if principal is not None and (principal.may("configure") or principal.may("residents")):
            return None
        return self._refuse(Route(request.method, COMMISSIONING, "configure", serve), request, principal)

    # The gate

    async def _guarded(self, route: Route, request: Request) -> Response:
        try:
            principal = None if route.path.startswith("/static/") else await self._gate.principal(request)
            if not allowed(principal, route.permission):
                return self._refuse(route, request, principal)
            return await route.endpoint(request, principal)
        except Refusal as refusal:
            if route.path.startswith("/api/"):
                return Api.refused(429 if refusal.code == "login.throttled" else 409, refusal.code, refusal.text)
            return self._say(request, Words.of(refusal.text), 409)
        except Refused as refused:
            return self._say(request, refused.words, 409)

    def _refuse(self, route: Route, request: Request, principal: Principal | None) -> Response:
        machine = route.path.startswith("/api/") or route.path == "/metrics" or "live" in request.query_params
        if machine:
            return Api.refused_access(known=principal is not None)
        if principal is None and route.method == "GET":
            return to_login(request)
        words = Words("Your account may not do this.", "您的账户没有此权限。")
        return self._say(request, words, 403)

    # Pages

    async def _show(self, page: Page, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        query = dict(request.query_params) | dict(request.path_params)
        language = self._language(request)
        version = query.pop("live", None)
        choice = query.pop("lang", None)
        if page.path == "/" and principal.may("configure") and self._begins():
            return RedirectResponse(COMMISSIONING, 303)
        values = self._look(page, query)
        if values is None:
            return self._say(request, Words("There is no such device.", "没有这台设备。"), 404)
        if choice in ("en", "zh-CN"):
            answer: Response = RedirectResponse(str(request.url.remove_query_params("lang").path), 303)
            self._gate.remember_language(answer, choice)
            return answer

        if version is not None:
            key = repr((page.path, sorted(query.items()), language, sorted(principal.permissions), principal.name))

            def look() -> dict[str, Any]:
                shown = self._look(page, query)
                return {"gateway": self._views.gateway(), **(values if shown is None else shown)}

            def render(seen: dict[str, Any]) -> Rendered:
                return self._render(page, language, principal, seen, request, open_already=True)

            async def still_there() -> bool:
                return allowed(await self._gate.principal(request), page.permission)

            return self.live.stream(
                Subject(key, look, render), version, lambda html: html.replace(CSRF_MARK, principal.csrf), still_there
            )
        rendered = self._render(page, language, principal, values, request)
        html = rendered.html.replace(VERSION_MARK, digest(rendered), 1).replace(CSRF_MARK, principal.csrf)
        return compressed(request, html.encode(), "text/html; charset=utf-8")

    def _look(self, page: Page, query: Mapping[str, str]) -> dict[str, Any] | None:
        """What a page shows; devices that it draws come as the buildings that they stand in."""
        values = page.values(self._views, query)
        if values is not None and values.get("drawn"):
            values["drawn"] = self._draughtsman.draw(values["drawn"])
        return values

    def _render(
        self,
        page: Page | Inside,
        language: Language,
        principal: Principal,
        values: Mapping[str, Any],
        request: Request,
        template: str = "",
        *,
        open_already: bool = False,
    ) -> Rendered:
        """`open_already`: only pieces are wanted, the page around them is not."""
        gateway = self._views.gateway()
        base = {
            "gateway": gateway,
            "now_ms": self._views.now_ms(),
            "here": page,
            "path": request.url.path,
            "nav": () if open_already else self._links(principal),
            "who": principal,
            "may": principal.may,
            "csrf": CSRF_MARK,
            "version": VERSION_MARK if isinstance(page, Page) else "",
            "regions": principal.may("configure"),
        }
        return self._renderer.page(
            template or (page.template if isinstance(page, Page) else ""),
            language,
            ZoneInfo(gateway.timezone),
            {**base, **values},
        )

    def _links(self, principal: Principal) -> list[Link]:
        return [link for link in NAV if principal.may(link.permission) and link.wanted(self._views)]

    def show(
        self, request: Request, principal: Principal, template: str, title: Words, *, status: int = 200, **values: Any
    ) -> Response:
        """A page within the site that does not change by itself."""
        choice = request.query_params.get("lang")
        if choice in ("en", "zh-CN"):
            answer = RedirectResponse(str(request.url.remove_query_params("lang")), 303)
            self._gate.remember_language(answer, choice)
            return answer
        origin = f"{request.url.scheme}://{request.url.netloc}"
        language, inside = self._language(request), Inside(request.url.path, title)
        rendered = self._render(inside, language, principal, {"origin": origin, **values}, request, template)
        html = rendered.html.replace(CSRF_MARK, principal.csrf)
        return compressed(request, html.encode(), "text/html; charset=utf-8", status=status)

    def plain_page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """A page outside the site: login, messages."""
        gateway, language = self._views.gateway(), self._language(request)
        base = {"gateway": gateway, "now_ms": self._views.now_ms(), "path": request.url.path}
        rendered = self._renderer.page(template, language, ZoneInfo(gateway.timezone), {**base, **values})
        return Response(rendered.html, status, media_type="text/html; charset=utf-8")

    def _say(self, request: Request, words: Words, status: int) -> Response:
        return self.plain_page(request, "message.html", status, words=words)

    def _language(self, request: Request) -> Language:
        chosen = request.cookies.get(LANGUAGE_COOKIE)
        if chosen == "en":
            return "en"
        return "zh-CN" if chosen == "zh-CN" else self._views.gateway().language

    # For machines

    async def _live_health(self, request: Request, principal: Principal | None) -> Response:
        return PlainTextResponse("ok\n")

    async def _ready(self, request: Request, principal: Principal | None) -> Response:
        durable = self._views.system().journal.durable
        return PlainTextResponse("ready\n" if durable else "journal in memory only\n", 200 if durable else 503)

    async def _metrics(self, request: Request, principal: Principal | None) -> Response:
        text = metrics_text(self._views, streams=self.live.streams)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
