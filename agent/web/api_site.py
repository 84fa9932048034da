"""The site in the JSON API: what is wrong, alarms, platforms, people, settings, the machine and its log."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request

from courtyard.agent.accounts import Accounts, AuditEntry, Principal, User
from courtyard.agent.web.model import Alarm, Gateway, LogLine, SettingsTable, System, Trouble, Uplink, Views
from courtyard.agent.web.operation import ROOT, Operation, count
from courtyard.agent.web.overview import Counts, Headline, counts, headline
from courtyard.agent.web.watched import Camera, Resident


class Overview(msgspec.Struct, frozen=True):
    """What the overview page shows."""

    headline: Headline
    counts: Counts
    troubles: tuple[Trouble, ...]


class Looks:
    """Operations that show something and change nothing."""

    def __init__(self, views: Views, accounts: Accounts) -> None:
        self._views, self._accounts = views, accounts
        self.operations: tuple[Operation, ...] = (
            Operation("GET", f"{ROOT}/overview", "view", "The worst thing first", Overview, self._overview),
            Operation("GET", f"{ROOT}/gateway", "view", "The box itself", Gateway, self._gateway),
            Operation("GET", f"{ROOT}/alarms", "view", "Every alarm that is known", tuple[Alarm, ...], self._alarms),
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
        )

    async def _overview(self, request: Request, principal: Principal) -> Overview:
        troubles, views = tuple(self._views.troubles()), self._views
        open_alarms = sum(alarm.state != "cleared" for alarm in views.alarms())
        return Overview(headline(troubles), counts(views.devices(), open_alarms, views.uplinks()), troubles)

    async def _gateway(self, request: Request, principal: Principal) -> Gateway:
        return self._views.gateway()

    async def _alarms(self, request: Request, principal: Principal) -> Any:
        return self._views.alarms()

    async def _cameras(self, request: Request, principal: Principal) -> Any:
        return self._views.cameras()

    async def _residents(self, request: Request, principal: Principal) -> Any:
        return self._views.residents()

    async def _users(self, request: Request, principal: Principal) -> Any:
        return await self._accounts.users()

    async def _audit(self, request: Request, principal: Principal) -> Any:
        query = request.query_params
        before = None if "before" not in query else count(query["before"], 0, 1 << 53)
        return await self._accounts.audit(before=before, limit=max(1, count(query.get("limit"), 100, 1000)))

    async def _uplinks(self, request: Request, principal: Principal) -> Any:
        return self._views.uplinks()

    async def _settings(self, request: Request, principal: Principal) -> Any:
        return self._views.settings()

    async def _system(self, request: Request, principal: Principal) -> System:
        return self._views.system()

    async def _log(self, request: Request, principal: Principal) -> Any:
        return self._views.log()
