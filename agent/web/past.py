"""Alarms of the past, by time, class and place."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from courtyard.agent.accounts import Principal
from courtyard.agent.web.bounds import int_or_none
from courtyard.agent.web.model import Alarm, Views, Words
from courtyard.agent.web.route import Route, Show

TITLE: Final = Words("Past alarms", "历史报警")
PATH: Final = "/alarms/history"
A_PAGE: Final = 50
DAY_MS: Final = 86_400_000
LONGEST: Final = 100


class Wanted(msgspec.Struct, frozen=True):
    """Which alarms: raised in [since_ms, until_ms), of a class (empty: any), whose place, device or text has `q`."""

    since_ms: int
    until_ms: int
    alarm_class: str = ""
    q: str = ""


class Found(msgspec.Struct, frozen=True):
    """The alarms found, latest first, as they ended or stand; `classes` has every class that is kept.  `whole` is
    False when the oldest of that time may be missing, because only the newest records are looked through."""

    alarms: tuple[Alarm, ...]
    classes: tuple[tuple[str, Words], ...]
    whole: bool = True


class PastAlarms(Protocol):
    """Where alarms of the past are kept."""

    async def find(self, wanted: Wanted) -> Found: ...


class Past:
    """Endpoint of `/alarms/history`."""

    def __init__(self, past: PastAlarms, views: Views, show: Show) -> None:
        self._past, self._views, self._show = past, views, show
        self.routes: tuple[Route, ...] = (Route("GET", PATH, "view", self._list),)

    async def _list(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        query, zone = request.query_params, ZoneInfo(self._views.gateway().timezone)
        today = datetime.datetime.fromtimestamp(self._views.now_ms() / 1000, zone).date()
        first = _date(query.get("from"), today - datetime.timedelta(days=30))
        last = _date(query.get("to"), today)
        wanted = Wanted(
            _midnight_ms(first, zone),
            _midnight_ms(last, zone) + DAY_MS,
            query.get("class", "")[:LONGEST],
            query.get("q", "")[:LONGEST],
        )
        found = await self._past.find(wanted)
        pages = max(1, -(-len(found.alarms) // A_PAGE))
        page = min(max(1, int_or_none(query.get("page", "1")) or 1), pages)
        values: dict[str, Any] = {
            "alarms": _part(found.alarms, page),
            "found": found,
            "wanted": wanted,
            "first": first.isoformat(),
            "last": last.isoformat(),
            "page": page,
            "pages": pages,
        }
        return self._show(request, principal, "past.html", TITLE, **values)


def _part(alarms: Sequence[Alarm], page: int) -> Sequence[Alarm]:
    return alarms[(page - 1) * A_PAGE : page * A_PAGE]


def _date(text: str | None, default: datetime.date) -> datetime.date:
    """A date of the query; the default for anything else."""
    try:
        found = datetime.date.fromisoformat(text or "")
    except ValueError:
        return default
    return found if 2000 <= found.year <= 2200 else default


def _midnight_ms(day: datetime.date, zone: ZoneInfo) -> int:
    return round(datetime.datetime.combine(day, datetime.time(), zone).timestamp() * 1000)
