"""What each page shows: one function a page, from the gateway's views and the query to the template's variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from courtyard.agent.accounts import Permission
from courtyard.agent.web.bounds import int_or_none, only
from courtyard.agent.web.compound import WORST
from courtyard.agent.web.model import Alarm, Device, SettingsTable, Views, Words
from courtyard.agent.web.modules import listed
from courtyard.agent.web.overview import counts, headline

DEVICES_A_PAGE: Final = 50
TABLES_A_PAGE: Final = 40
MOST_ALARMS: Final = 200
MOST_QUERY: Final = 100
MOST_DRAWN: Final = 200
"""Devices that the overview still draws; a larger compound has the map."""
MOST_SEARCHED: Final = 2000
"""Texts of devices that are kept for the next search."""
LINE: Final = "line "
MOST_PARTS: Final = 100
"""Parts of the daemon that are listed: lines that run are counted alone."""
ALARM_FILTERS: Final = ("open", "1", "2", "3", "4", "shelved", "all")

Query = Mapping[str, str]
Values = Callable[[Views, Query], dict[str, Any] | None]
"""None: there is no such thing to show."""


class Page(NamedTuple):
    """One page; `icon` is empty where the navigation does not lead to it."""

    path: str
    template: str
    permission: Permission
    title: Words
    values: Values
    icon: str = ""


def _overview(views: Views, query: Query) -> dict[str, Any]:
    troubles, devices, uplinks = views.troubles(), views.devices(), views.uplinks()
    open_alarms = sum(alarm.state != "cleared" for alarm in views.alarms())
    return {
        "headline": headline(troubles),
        "troubles": troubles[:20],
        "counts": counts(devices, open_alarms, uplinks),
        "drawn": devices if len(devices) <= MOST_DRAWN else (),
        "journal": views.system().journal,
    }


def _alarms(views: Views, query: Query) -> dict[str, Any]:
    shown = only(query.get("show"), ALARM_FILTERS, "open")
    chosen = [alarm for alarm in views.alarms() if _alarm_fits(alarm, shown)]
    return {"alarms": chosen[:MOST_ALARMS], "total": len(chosen), "show": shown, "filters": ALARM_FILTERS}


def _alarm_fits(alarm: Alarm, shown: str) -> bool:
    match shown:
        case "all":
            return True
        case "shelved":
            return alarm.shelved_until_ms is not None
        case "open":
            return alarm.state != "cleared"
        case severity:
            return alarm.state != "cleared" and alarm.severity == int(severity)


def choose(devices: Sequence[Device], query: Query) -> list[Device]:
    """The devices that the query's `q`, `state` and `place` let through, in their order."""
    words = query.get("q", "")[:MOST_QUERY].casefold().split()
    state, place = only(query.get("state"), WORST), query.get("place", "")[:MOST_QUERY]
    if not (words or state or place):
        return list(devices)
    return [
        device
        for device in devices
        if (not state or device.state == state)
        and (not place or device.place == place or device.place.startswith(f"{place}/"))
        and (not words or _all_in(words, _text(device)))
    ]


def _all_in(words: Sequence[str], text: str) -> bool:
    return all(word in text for word in words)


def _text(device: Device) -> str:
    return _searched(device.id, device.name, device.place, device.line, device.profile, device.title)


@lru_cache(maxsize=MOST_SEARCHED)
def _searched(name: str, called: str | None, place: str, line: str, profile: str, title: Words) -> str:
    """The text of a device that a search looks through; it outlives the device's values."""
    return "\n".join((name, called or "", place, line, profile, title.en, title.zh)).casefold()


def _devices(views: Views, query: Query) -> dict[str, Any]:
    devices = views.devices()
    chosen = choose(devices, query)
    pages = max(1, -(-len(chosen) // DEVICES_A_PAGE))
    page = min(max(1, int_or_none(query.get("page", "1")) or 1), pages)
    first = (page - 1) * DEVICES_A_PAGE
    return {
        "devices": chosen[first : first + DEVICES_A_PAGE],
        "found": len(chosen),
        "total": len(devices),
        "counts": counts(devices, 0, ()),
        "q": query.get("q", "")[:MOST_QUERY],
        "state": only(query.get("state"), WORST),
        "place_filter": query.get("place", "")[:MOST_QUERY],
        "page": page,
        "pages": pages,
        "sparks": views.has_history(),
    }


def _device(views: Views, query: Query) -> dict[str, Any] | None:
    detail = views.device(query["device"])
    if detail is None:
        return None
    charted = [
        point for point in detail.points if isinstance(point.value, int | float) and not isinstance(point.value, bool)
    ]
    return {
        "detail": detail,
        "device": detail.device,
        "frames": views.frames(query["device"]),
        "charted": charted if views.has_history() else (),
    }


def _map(views: Views, query: Query) -> dict[str, Any]:
    devices = views.devices()
    return {"drawn": devices, "counts": counts(devices, 0, ())}


def _uplinks(views: Views, query: Query) -> dict[str, Any]:
    return {"uplinks": views.uplinks(), "journal": views.system().journal}


def _site(views: Views, query: Query) -> dict[str, Any]:
    tables, words = views.settings(), query.get("q", "")[:MOST_QUERY].casefold().split()
    found = [table for table in tables if all(word in _said(table) for word in words)]
    pages = max(1, -(-len(found) // TABLES_A_PAGE))
    page = min(max(1, int_or_none(query.get("page", "1")) or 1), pages)
    return {
        "tables": found[(page - 1) * TABLES_A_PAGE : page * TABLES_A_PAGE],
        "found": len(found),
        "modules": listed(tables),
        "q": query.get("q", "")[:MOST_QUERY],
        "page": page,
        "pages": pages,
    }


def _said(table: SettingsTable) -> str:
    """The text of a table that a search looks through."""
    return "\n".join((table.title, *(f"{each.name} = {each.value}" for each in table.settings))).casefold()


def _system(views: Views, query: Query) -> dict[str, Any]:
    system = views.system()
    named = [part for part in system.parts if part.state != "running" or not part.name.startswith(LINE)]
    return {
        "system": system,
        "named": named[:MOST_PARTS],
        "lines": sum(each.name.startswith(LINE) for each in system.parts),
    }


def _log(views: Views, query: Query) -> dict[str, Any]:
    return {"lines": tuple(reversed(views.log()))}


def _wall(views: Views, query: Query) -> dict[str, Any]:
    troubles, devices, uplinks = views.troubles(), views.devices(), views.uplinks()
    open_alarms = sum(alarm.state != "cleared" for alarm in views.alarms())
    return {
        "headline": headline(troubles),
        "troubles": troubles[:6],
        "counts": counts(devices, open_alarms, uplinks),
        "drawn": devices,
    }


def _report(views: Views, query: Query) -> dict[str, Any]:
    since_ms = views.now_ms() - 86_400_000
    alarms = [alarm for alarm in views.alarms() if alarm.state != "cleared" or alarm.changed_ms >= since_ms]
    return {
        "headline": headline(views.troubles()),
        "counts": counts(views.devices(), sum(alarm.state != "cleared" for alarm in views.alarms()), views.uplinks()),
        "alarms": alarms[:MOST_ALARMS],
        "uplinks": views.uplinks(),
        "devices": views.devices(),
    }


def _cameras(views: Views, query: Query) -> dict[str, Any]:
    return {"cameras": views.cameras()}


def _residents(views: Views, query: Query) -> dict[str, Any]:
    return {"residents": views.residents()}


PAGES: Final = (
    Page("/", "overview.html", "view", Words("Overview", "总览"), _overview, "home"),
    Page("/alarms", "alarms.html", "view", Words("Alarms", "报警"), _alarms, "bell"),
    Page("/devices", "devices.html", "view", Words("Devices", "设备"), _devices, "meter"),
    Page("/map", "map.html", "view", Words("Map", "平面图"), _map, "map"),
    Page("/cameras", "cameras.html", "cameras", Words("Cameras", "摄像机"), _cameras, "eye"),
    Page("/residents", "residents.html", "residents", Words("Residents", "住户"), _residents, "person"),
    Page("/uplinks", "uplinks.html", "view", Words("Platforms", "平台"), _uplinks, "cloud"),
    Page("/site", "site.html", "configure", Words("Site", "站点"), _site, "file"),
    Page("/system", "system.html", "view", Words("System", "系统"), _system, "chip"),
    Page("/log", "log.html", "logs", Words("Log", "日志"), _log, "list"),
    Page("/report", "report.html", "report", Words("Daily report", "日报"), _report, "printer"),
    Page("/wall", "wall.html", "wall", Words("Wall display", "大屏"), _wall, "screen"),
    Page("/devices/{device}", "device.html", "view", Words("Device", "设备"), _device),
)


def _always(views: Views) -> bool:
    return True


_WANTED: Final[Mapping[str, Callable[[Views], bool]]] = {
    "/cameras": lambda views: bool(views.cameras()),
    "/residents": lambda views: bool(views.residents()),
}


class Link(NamedTuple):
    """One entry of the navigation; `wanted` says whether this site has what it leads to."""

    path: str
    permission: Permission
    title: Words
    icon: str
    wanted: Callable[[Views], bool] = _always


NAV: Final = (
    *(
        Link(page.path, page.permission, page.title, page.icon, _WANTED.get(page.path, _always))
        for page in PAGES
        if page.icon
    ),
    Link("/users", "users", Words("People", "账户"), "people"),
)
