"""One route of the page, and how a part of the page that has routes of its own hangs in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol

from starlette.requests import Request
from starlette.responses import Response

from courtyard.agent.accounts import Permission, Principal
from courtyard.agent.web.model import Words

Endpoint = Callable[[Request, Principal | None], Awaitable[Response]]


class Route(NamedTuple):
    """One route: `permission` None is for everybody."""

    method: str
    path: str
    permission: Permission | None
    endpoint: Endpoint


class Show(Protocol):
    """Renders a template within the site: navigation, language, who is logged in."""

    def __call__(
        self, request: Request, principal: Principal, template: str, title: Words, *, status: int = 200, **values: Any
    ) -> Response: ...
