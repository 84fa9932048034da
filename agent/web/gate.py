"""Who stands at the door, and whether the route lets them in."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from courtyard.agent.accounts import Accounts, Permission, Principal, Session

SESSION_COOKIE, WALL_COOKIE, LANGUAGE_COOKIE = "courtyard_session", "courtyard_wall", "courtyard_language"
WALL_MAX_AGE_S: Final = 10 * 365 * 86_400
LONGEST_TOKEN: Final = 512


class Gate:
    """Finds the principal of a request; sets and takes cookies."""

    def __init__(self, accounts: Accounts, *, secure: bool) -> None:
        self._accounts, self._secure = accounts, secure

    async def principal(self, request: Request) -> Principal | None:
        """Whoever the bearer token, the session cookie or the wall display's cookie names.  Raises Throttled."""
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if bearer:
            if scheme.lower() != "bearer" or len(bearer) > LONGEST_TOKEN:
                return None
            return await self._accounts.bearer(bearer.strip(), address=address(request))
        session = request.cookies.get(SESSION_COOKIE, "")
        if 0 < len(session) <= LONGEST_TOKEN:
            principal = await self._accounts.principal(session)
            if principal is not None:
                return principal
        wall = request.cookies.get(WALL_COOKIE, "")
        if 0 < len(wall) <= LONGEST_TOKEN:
            return await self._accounts.bearer(wall, address=address(request))
        return None

    def admit(self, response: Response, session: Session) -> None:
        """Gives the browser its session."""
        self._cookie(response, SESSION_COOKIE, session.token, session.max_age_s)

    def admit_wall(self, response: Response, token: str) -> None:
        """Lets a display that has no keyboard keep its token."""
        self._cookie(response, WALL_COOKIE, token, WALL_MAX_AGE_S)

    def forget(self, response: Response) -> None:
        """Takes the session back."""
        for name in (SESSION_COOKIE, WALL_COOKIE):
            response.delete_cookie(name, path="/", secure=self._secure, httponly=True, samesite="strict")

    def remember_language(self, response: Response, language: str) -> None:
        """Keeps the language that a person chose."""
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=WALL_MAX_AGE_S, samesite="strict", secure=self._secure)

    def _cookie(self, response: Response, name: str, token: str, max_age_s: int) -> None:
        response.set_cookie(
            name, token, max_age=max_age_s, path="/", secure=self._secure, httponly=True, samesite="strict"
        )


def address(request: Request) -> str:
    """The peer's address."""
    return request.client.host if request.client else ""


def allowed(principal: Principal | None, permission: Permission | None) -> bool:
    """Whether a route that asks for this permission lets them in; None is for everybody."""
    return permission is None or (principal is not None and principal.may(permission))


def to_login(request: Request) -> Response:
    """The way to the login page and back."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    response = RedirectResponse("/login" if path == "/" else f"/login?next={quote(path, safe='')}", 303)
    MutableHeaders(raw=response.raw_headers)["Cache-Control"] = "no-store"
    return response


def own_path(path: str) -> str:
    """A path of this site to go on to after the login; `/` for anything that could lead elsewhere."""
    inside = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if inside and len(path) <= 500 else "/"
