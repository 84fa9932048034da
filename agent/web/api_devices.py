"""Devices in the JSON API: as they are, their frames, a read now, and their points over time."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.requests import Request

from courtyard.agent.accounts import Accounts, Principal
from courtyard.agent.history import History, Series
from courtyard.agent.web.gate import address
from courtyard.agent.web.model import Device, DeviceDetail, Frame, Hands, Refused, Sign, TestRead, Views, Words
from courtyard.agent.web.operation import ROOT, Operation, count
from courtyard.agent.web.pages import choose

MOST_DEVICES: Final = 1000
MOST_SPARKS: Final = 50
DAY_MS: Final = 86_400_000
HEALTH: Final = ("vital.", "presence.")
"""Points that tell of a person."""


class DeviceList(msgspec.Struct, frozen=True):
    """Some of the devices; `found` counts all that fit."""

    found: int
    total: int
    devices: tuple[Device, ...]


class Devices:
    """Operations on devices; without a history there is nothing over time."""

    def __init__(self, views: Views, hands: Hands, accounts: Accounts, history: History | None) -> None:
        self._views, self._hands, self._accounts, self._history = views, hands, accounts, history
        search = (("q", "words"), ("state", "ok, waiting, stale, fault or alarm"), ("place", "a place and all in it"))
        span = (
            ("since_ms", "begin, Unix milliseconds"),
            ("until_ms", "end"),
            ("buckets", "at most so many, 1 to 5000"),
        )
        self.operations: tuple[Operation, ...] = (
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
                "POST",
                f"{ROOT}/devices/{{device}}/identify",
                "test",
                "Have it buzz or blink, where it can, for somebody who looks for it",
                Sign,
                self._identify,
            ),
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
        )

    async def _devices(self, request: Request, principal: Principal) -> DeviceList:
        devices, query = self._views.devices(), request.query_params
        chosen = choose(devices, query)
        offset = count(query.get("offset"), 0, 1_000_000)
        limit = max(1, count(query.get("limit"), 100, MOST_DEVICES))
        return DeviceList(len(chosen), len(devices), tuple(chosen[offset : offset + limit]))

    async def _device(self, request: Request, principal: Principal) -> DeviceDetail | None:
        return self._views.device(request.path_params["device"])

    async def _frames(self, request: Request, principal: Principal) -> Any:
        name = request.path_params["device"]
        return None if self._views.device(name) is None else self._views.frames(name)

    async def _read(self, request: Request, principal: Principal) -> TestRead | None:
        name = request.path_params["device"]
        return None if self._views.device(name) is None else await self._hands.read(name)

    async def _identify(self, request: Request, principal: Principal) -> Sign | None:
        name = request.path_params["device"]
        if self._views.device(name) is None:
            return None
        await self._accounts.note(principal.origin, "device.identify", name[:200], address=address(request))
        return await self._hands.identify(name)

    async def _series(self, request: Request, principal: Principal) -> Series | None:
        name, query = request.path_params["device"], request.query_params
        if self._history is None or self._views.device(name) is None:
            return None
        if request.path_params["point"].startswith(HEALTH) and not principal.may("residents"):
            raise Refused(Words("Health data is for those who care for residents.", "健康数据仅限照护人员查看。"))
        now_ms = self._views.now_ms()
        until_ms = count(query.get("until_ms"), now_ms, 1 << 53)
        since_ms = count(query.get("since_ms"), until_ms - 86_400_000, 1 << 53)
        buckets = max(1, count(query.get("buckets"), 1000, 5000))
        if since_ms >= until_ms:
            raise Refused(Words("The begin must lie before the end.", "开始时间必须早于结束时间。"))
        return await self._history.query(name, request.path_params["point"], since_ms, until_ms, buckets=buckets)

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
