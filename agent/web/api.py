"""The same data as JSON under `/api/v1`; a table of operations, from which the OpenAPI document is made.

An error is `{"code": …, "error": {"en": …, "zh": …}}`.  Times are Unix milliseconds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from courtyard.agent.accounts import Accounts, AuditEntry, Permission, Principal, User, csrf_matches
from courtyard.agent.history import History, Series
from courtyard.agent.web.bounds import int_or_none
from courtyard.agent.web.form import body
from courtyard.agent.web.gate import address
from courtyard.agent.web.model import (
    Alarm,
    Device,
    DeviceDetail,
    Frame,
    Gateway,
    Hands,
    LogLine,
    NoticeKind,
    Refused,
    SettingsTable,
    System,
    TestRead,
    Trouble,
    Uplink,
    Views,
    Words,
)
from courtyard.agent.web.overview import Counts, Headline, counts, headline
from courtyard.agent.web.pages import choose
from courtyard.agent.web.watched import Camera, Resident
from courtyard.drivers.base import Text

ROOT: Final = "/api/v1"
MOST_DEVICES: Final = 1000
MOST_SPARKS: Final = 50
DAY_MS: Final = 86_400_000
HEALTH: Final = ("vital.", "presence.")
"""Points that tell of a person."""
CSRF_HEADER: Final = "x-csrf-token"


class Overview(msgspec.Struct, frozen=True):
    """What the overview page shows."""

    headline: Headline
    counts: Counts
    troubles: tuple[Trouble, ...]


class DeviceList(msgspec.Struct, frozen=True):
    """Some of the devices; `found` counts all that fit."""

    found: int
    total: int
    devices: tuple[Device, ...]


class Act(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to acknowledge or clear, and why."""

    alarm_id: str
    occurrence: int
    reason: str


class Shelf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to shelve, until when, and why."""

    alarm_id: str
    until_ms: int
    reason: str


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which note a person has seen."""

    kind: NoticeKind


class Done(msgspec.Struct, frozen=True):
    """It is on its way to disk."""

    done: bool = True


class Problem(msgspec.Struct, frozen=True):
    """Why not."""

    code: str
    error: Words


class Operation(NamedTuple):
    """One operation: `query` names parameters with their meaning, `takes` and `gives` are bodies."""

    method: str
    path: str
    permission: Permission
    summary: str
    gives: Any
    run: Callable[[Request, Principal], Awaitable[Any]]
    takes: Any = None
    query: tuple[tuple[str, str], ...] = ()


class Api:
    """The operations over one gateway."""

    def __init__(self, views: Views, hands: Hands, accounts: Accounts, history: History | None) -> None:
        self._views, self._hands, self._accounts, self._history = views, hands, accounts, history
        search = (("q", "words"), ("state", "ok, waiting, stale, fault or alarm"), ("place", "a place and all in it"))
        span = (
            ("since_ms", "begin, Unix milliseconds"),
            ("until_ms", "end"),
            ("buckets", "at most so many, 1 to 5000"),
        )
        self.operations: tuple[Operation, ...] = (
            Operation("GET", f"{ROOT}/overview", "view", "The worst thing first", Overview, self._overview),
            Operation("GET", f"{ROOT}/gateway", "view", "The box itself", Gateway, self._gateway),
            Operation("GET", f"{ROOT}/alarms", "view", "Every alarm that is known", tuple[Alarm, ...], self._alarms),
            Operation(
                "POST", f"{ROOT}/alarms/acknowledge", "acknowledge", "Take an alarm on", Done, self._acknowledge, Act
            ),
            Operation("POST", f"{ROOT}/alarms/clear", "acknowledge", "End an alarm by hand", Done, self._clear, Act),
            Operation(
                "POST",
                f"{ROOT}/alarms/shelve",
                "acknowledge",
                "Stop the calling for a while",
                Done,
                self._shelve,
                Shelf,
            ),
            Operation(
                "POST",
                f"{ROOT}/notices/clear",
                "acknowledge",
                "Take off a note that every page shows",
                Done,
                self._clear_notice,
                Seen,
            ),
            Operation(
                "GET",
                f"{ROOT}/devices",
                "view",
                "Devices",
                DeviceList,
                self._devices,
                query=(*search, ("offset", "skip so many"), ("limit", f"at most so many, 1 to {MOST_DEVICES}")),
            ),
            Operation("GET", f"{ROOT}/devices/{{device}}", "view", "One device", DeviceDetail, self._device),
            Operation(
                "GET", f"{ROOT}/devices/{{device}}/frames", "logs", "Its last frames", tuple[Frame, ...], self._frames
            ),
            Operation("POST", f"{ROOT}/devices/{{device}}/read", "test", "Read it now", TestRead, self._read),
            Operation(
                "GET",
                f"{ROOT}/devices/{{device}}/history/{{point}}",
                "view",
                "A point over time",
                Series,
                self._series,
                query=span,
            ),
            Operation(
                "GET",
                f"{ROOT}/sparklines",
                "view",
                "The last day of the main point of some devices, an hour each; repeat `device`",
                dict[str, tuple[float | None, ...]],
                self._sparklines,
                query=(("device", f"a device; at most {MOST_SPARKS}"),),
            ),
            Operation("GET", f"{ROOT}/cameras", "cameras", "Cameras", tuple[Camera, ...], self._cameras),
            Operation(
                "GET",
                f"{ROOT}/residents",
                "residents",
                "Residents, as each agreed",
                tuple[Resident, ...],
                self._residents,
            ),
            Operation("GET", f"{ROOT}/users", "users", "Accounts", tuple[User, ...], self._users),
            Operation(
                "GET",
                f"{ROOT}/audit",
                "audit",
                "Who did what, the latest first",
                tuple[AuditEntry, ...],
                self._audit,
                query=(("before", "older than this number"), ("limit", "at most so many, 1 to 1000")),
            ),
            Operation("GET", f"{ROOT}/uplinks", "view", "Platforms", tuple[Uplink, ...], self._uplinks),
            Operation(
                "GET",
                f"{ROOT}/settings",
                "configure",
                "The site as it is in force",
                tuple[SettingsTable, ...],
                self._settings,
            ),
            Operation("GET", f"{ROOT}/system", "view", "Machine and daemon", System, self._system),
            Operation("GET", f"{ROOT}/log", "logs", "The last lines of the log", tuple[LogLine, ...], self._log),
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

    async def _overview(self, request: Request, principal: Principal) -> Overview:
        troubles, views = tuple(self._views.troubles()), self._views
        open_alarms = sum(alarm.state != "cleared" for alarm in views.alarms())
        return Overview(headline(troubles), counts(views.devices(), open_alarms, views.uplinks()), troubles)

    async def _gateway(self, request: Request, principal: Principal) -> Gateway:
        return self._views.gateway()

    async def _alarms(self, request: Request, principal: Principal) -> Any:
        return self._views.alarms()

    async def _acknowledge(self, request: Request, principal: Principal) -> Done:
        act = await body(request, Act)
        await self._hands.acknowledge(act.alarm_id, act.occurrence, principal.origin, _reason(act.reason))
        return await self._done(request, principal, "alarm.acknowledge", act.alarm_id)

    async def _clear(self, request: Request, principal: Principal) -> Done:
        act = await body(request, Act)
        await self._hands.clear(act.alarm_id, act.occurrence, principal.origin, _reason(act.reason))
        return await self._done(request, principal, "alarm.clear", act.alarm_id)

    async def _shelve(self, request: Request, principal: Principal) -> Done:
        shelf = await body(request, Shelf)
        await self._hands.shelve(shelf.alarm_id, principal.origin, _reason(shelf.reason), shelf.until_ms)
        return await self._done(request, principal, "alarm.shelve", shelf.alarm_id)

    async def _clear_notice(self, request: Request, principal: Principal) -> Done:
        seen = await body(request, Seen)
        await self._hands.clear_notice(seen.kind, principal.origin)
        return await self._done(request, principal, "notice.clear", seen.kind)

    async def _done(self, request: Request, principal: Principal, action: str, subject: str) -> Done:
        await self._accounts.note(principal.origin, action, subject[:200], address=address(request))
        return Done()

    async def _devices(self, request: Request, principal: Principal) -> DeviceList:
        devices, query = self._views.devices(), request.query_params
        chosen = choose(devices, query)
        offset = _count(query.get("offset"), 0, 1_000_000)
        limit = max(1, _count(query.get("limit"), 100, MOST_DEVICES))
        return DeviceList(len(chosen), len(devices), tuple(chosen[offset : offset + limit]))

    async def _device(self, request: Request, principal: Principal) -> DeviceDetail | None:
        return self._views.device(request.path_params["device"])

    async def _frames(self, request: Request, principal: Principal) -> Any:
        name = request.path_params["device"]
        return None if self._views.device(name) is None else self._views.frames(name)

    async def _read(self, request: Request, principal: Principal) -> TestRead | None:
        name = request.path_params["device"]
        return None if self._views.device(name) is None else await self._hands.read(name)

    async def _series(self, request: Request, principal: Principal) -> Series | None:
        name, query = request.path_params["device"], request.query_params
        if self._history is None or self._views.device(name) is None:
            return None
        if request.path_params["point"].startswith(HEALTH) and not principal.may("residents"):
            raise Refused(Words("Health data is for those who care for residents.", "健康数据仅限照护人员查看。"))
        now_ms = self._views.now_ms()
        until_ms = _count(query.get("until_ms"), now_ms, 1 << 53)
        since_ms = _count(query.get("since_ms"), until_ms - 86_400_000, 1 << 53)
        buckets = max(1, _count(query.get("buckets"), 1000, 5000))
        if since_ms >= until_ms:
            raise Refused(Words("The begin must lie before the end.", "开始时间必须早于结束时间。"))
        return await self._history.query(name, request.path_params["point"], since_ms, until_ms, buckets=buckets)

    async def _uplinks(self, request: Request, principal: Principal) -> Any:
        return self._views.uplinks()

    async def _sparklines(self, request: Request, principal: Principal) -> dict[str, tuple[float | None, ...]]:
        now_ms, found = self._views.now_ms(), dict[str, tuple[float | None, ...]]()
        for name in request.query_params.getlist("device")[:MOST_SPARKS] if self._history else ():
            detail = self._views.device(name)
            if detail is None or detail.device.main is None or self._history is None:
                continue
            point = detail.device.main.name
            series = await self._history.query(name, point, now_ms - DAY_MS, now_ms, resolution="hour", buckets=24)
            found[name] = series.increase if series.counter else series.mean
        return found

    async def _cameras(self, request: Request, principal: Principal) -> Any:
        return self._views.cameras()

    async def _residents(self, request: Request, principal: Principal) -> Any:
        return self._views.residents()

    async def _users(self, request: Request, principal: Principal) -> Any:
        return await self._accounts.users()

    async def _audit(self, request: Request, principal: Principal) -> Any:
        query = request.query_params
        before = None if "before" not in query else _count(query["before"], 0, 1 << 53)
        return await self._accounts.audit(before=before, limit=max(1, _count(query.get("limit"), 100, 1000)))

    async def _settings(self, request: Request, principal: Principal) -> Any:
        return self._views.settings()

    async def _system(self, request: Request, principal: Principal) -> System:
        return self._views.system()

    async def _log(self, request: Request, principal: Principal) -> Any:
        return self._views.log()

    async def _document(self, request: Request, principal: Principal) -> dict[str, Any]:
        from courtyard.agent.web.openapi import document

        return document(self.operations, self._views.gateway().version)


def problem(status: int, code: str, words: Words) -> Response:
    """An error, as JSON."""
    return Response(msgspec.json.encode(Problem(code, words)), status, media_type="application/json")


def _count(text: str | None, default: int, most: int) -> int:
    """A count of the query, cut to what is allowed.  Raises Refused for anything but digits."""
    if text is None:
        return default
    number = int_or_none(text)
    if number is None:
        raise Refused(Words("A parameter is not a number.", "参数不是数字。"))
    return min(number, most)


def _reason(text: str) -> str:
    """A reason, without space around it.  Raises Refused for an empty one."""
    if not text.strip():
        raise Refused(Words("Give a reason.", "请填写原因。"))
    return text.strip()[:200]
