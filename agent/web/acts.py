"""What a person does on a page of alarms or of a device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from courtyard.agent.accounts import Accounts, Principal
from courtyard.agent.web.form import own_form
from courtyard.agent.web.gate import address
from courtyard.agent.web.model import Hands, Views, Words
from courtyard.agent.web.route import Route

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
SHELF_HOURS: Final = (1, 8, 24)
Show = Callable[..., Response]


class Acts:
    """Routes of acts.  `plain` shows a page outside the site: request, template, status, its values."""

    def __init__(self, views: Views, hands: Hands, accounts: Accounts, plain: Show) -> None:
        self._views, self._hands, self._accounts, self._plain = views, hands, accounts, plain
        self.routes = (
            Route("POST", "/alarms", "acknowledge", self._alarm),
            Route("POST", "/devices/{device}/read", "test", self._read),
            Route("POST", "/devices/{device}/identify", "test", self._identify),
        )

    async def _alarm(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given = await own_form(request, principal)
        alarm_id, reason = given.get("alarm", "")[:500], given.get("reason", "").strip()[:200]
        occurrence = int(given["occurrence"]) if given.get("occurrence", "").isdecimal() else 0
        if not reason:
            return self._say(request, Words("Give a reason.", "请填写原因。"), 422)
        match given.get("act"):
            case "acknowledge":
                await self._hands.acknowledge(alarm_id, occurrence, principal.origin, reason)
            case "clear":
                await self._hands.clear(alarm_id, occurrence, principal.origin, reason)
            case "shelve":
                hours = next((each for each in SHELF_HOURS if given.get("hours") == str(each)), SHELF_HOURS[0])
                until_ms = self._views.now_ms() + hours * HOUR_MS - MINUTE_MS
                await self._hands.shelve(alarm_id, principal.origin, reason, until_ms)
            case _:
                return self._say(request, Words("Unknown act.", "无法识别的操作。"), 422)
        await self._accounts.note(principal.name, f"alarm.{given['act']}", alarm_id, address=address(request))
        return RedirectResponse("/alarms", 303)

    async def _read(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        name = request.path_params["device"]
        await own_form(request, principal)
        detail = self._views.device(name)
        if detail is None:
            return self._say(request, Words("There is no such device.", "没有这台设备。"), 404)
        result = await self._hands.read(name)
        values: dict[str, Any] = {"device": detail.device, "result": result, "logs": principal.may("logs")}
        return self._plain(request, "read.html", **values)

    async def _identify(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        name = request.path_params["device"]
        await own_form(request, principal)
        detail = self._views.device(name)
        if detail is None:
            return self._say(request, Words("There is no such device.", "没有这台设备。"), 404)
        await self._accounts.note(principal.name, "device.identify", name[:200], address=address(request))
        return self._plain(request, "identify.html", device=detail.device, sign=await self._hands.identify(name))

    def _say(self, request: Request, words: Words, status: int) -> Response:
        return self._plain(request, "message.html", status, words=words)
