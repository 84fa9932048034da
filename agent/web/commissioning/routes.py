"""The commissioning pages: an index, a form for each kind of entry, scan, table of devices, drill, report.

Every route asks for the permission `configure`; every act carries the session's CSRF token and is noted in the audit
trail.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from courtyard.agent.accounts import Accounts, Principal, csrf_matches
from courtyard.agent.web.commissioning.abilities import AbilityPages
from courtyard.agent.web.commissioning.equipment import EquipmentPages
from courtyard.agent.web.commissioning.model import KINDS, Desk, Form, Kind, Saved
from courtyard.agent.web.commissioning.step_routes import EntrySteps
from courtyard.agent.web.commissioning.upload import upload
from courtyard.agent.web.form import TOO_OLD, own_form
from courtyard.agent.web.gate import address
from courtyard.agent.web.model import Refused, Views, Words
from courtyard.agent.web.pages import Page, Query
from courtyard.agent.web.route import Route, Show

BASE: Final = "/commissioning"
INDEX: Final = Words("Commissioning", "开通调试")
TITLES: Final[Mapping[Kind, Words]] = {
    "gateway": Words("Identity and place", "网关编号和位置"),
    "uplinks": Words("Platforms", "上行平台"),
    "lines": Words("Lines", "线路"),
    "devices": Words("Devices", "设备"),
    "cameras": Words("Cameras", "摄像机"),
}
IMPORT: Final = Words("Devices from a table", "批量导入设备")
SCAN: Final = Words("Search a line", "扫描线路")
DRILL: Final = Words("Drill", "演练")
REPORT: Final = Words("Sign-off report", "验收报告")
RESTARTS: Final = Words("The gateway restarts", "网关正在重启")
NO_REPORT: Final = Words("There is no such report.", "没有这份报告。")
NAMELESS: Final = Words("Who signs?", "请填写验收人。")
TRIES: Final[Mapping[Kind, str]] = {"uplinks": "try_uplink", "devices": "try_device", "cameras": "try_camera"}
LONGEST: Final = 200


class Commissioning:
    """Endpoints below `/commissioning`; `pages` change while somebody looks."""

    def __init__(self, desk: Desk, views: Views, accounts: Accounts, show: Show) -> None:
        self._desk, self._views, self._accounts, self._show = desk, views, accounts, show
        self.pages: tuple[Page, ...] = (
            Page(f"{BASE}/scan", "commissioning_scan.html", "configure", SCAN, self._scan_values),
            Page(f"{BASE}/drill", "commissioning_drill.html", "configure", DRILL, self._drill_values),
        )
        self._steps = EntrySteps(desk.steps, accounts, show) if desk.steps is not None else None
        self._equipment = EquipmentPages(desk.equipment, views, accounts, show) if desk.equipment is not None else None
        forms = [
            Route(method, f"{BASE}/{kind}", "configure", partial(endpoint, kind))
            for kind in KINDS
            for method, endpoint in (("GET", self._form), ("POST", self._change))
        ]
        self.routes: tuple[Route, ...] = (
            Route("GET", BASE, "configure", self._index),
            *forms,
            Route("POST", f"{BASE}/scan", "configure", self._scan),
            Route("GET", f"{BASE}/import", "configure", self._import),
            Route("POST", f"{BASE}/import", "configure", self._upload),
            Route("POST", f"{BASE}/drill", "configure", self._drill),
            Route("GET", f"{BASE}/report", "configure", self._reports),
            Route("POST", f"{BASE}/report", "configure", self._sign),
            Route("GET", f"{BASE}/report/{{number}}", "configure", self._report),
            Route("GET", f"{BASE}/picture/{{token}}", "configure", self._picture),
            Route("GET", f"{BASE}/started", "configure", self._started),
        )
        if desk.abilities is not None:
            self.routes += AbilityPages(desk.abilities, views, accounts, show).routes
        if self._steps is not None:
            self.pages += self._steps.pages
            self.routes += self._steps.routes
        if self._equipment is not None:
            self.pages += self._equipment.pages
            self.routes += self._equipment.routes

    # The index and the forms

    async def _index(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        site = self._desk.site
        counts = {kind: len(await site.entries(kind)) for kind in KINDS if kind != "gateway"}
        drills, reports = await self._desk.drills.evidence(), await self._desk.sign_offs.all()
        steps: Mapping[str, int] = await self._steps.counts() if self._steps is not None else {}
        return self._show(
            request,
            principal,
            "commissioning.html",
            INDEX,
            titles=TITLES,
            counts=counts,
            steps=steps,
            equipment=await self._equipment.counts() if self._equipment is not None else {},
            commissioned=site.commissioned(),
            drills=len(drills),
            reports=len(reports),
        )

    async def _form(self, kind: Kind, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        query = {name: text[:LONGEST] for name, text in request.query_params.items()}
        entry = query.get("entry") or None
        wanted = kind == "gateway" or entry is not None or "new" in query
        form = await self._desk.site.form(kind, entry, query) if wanted else None
        return await self._page(kind, request, principal, form, saved=query.get("saved"))

    async def _change(self, kind: Kind, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given = await own_form(request, principal)
        entry, site = given.get("entry") or None, self._desk.site
        if given.get("act") == "try" and kind in TRIES:
            form, result = await getattr(self._desk.trials, TRIES[kind])(entry, given)
            return await self._page(kind, request, principal, form, result=result)
        if given.get("act") == "probe" and kind == "cameras":
            probe = await self._desk.trials.probe()
            return await self._page(kind, request, principal, None, result=probe)
        if given.get("act") == "remove" and entry is not None and kind != "gateway":
            saved = await site.remove(kind, entry, given.get("mark", ""))
        else:
            saved = await site.save(kind, entry, given)
        if isinstance(saved, Form):
            return await self._page(kind, request, principal, saved)
        act = "remove" if given.get("act") == "remove" else "save"
        await self._note(request, principal, f"site.{act}", f"{kind} {saved.entry}", saved)
        onward = BASE if kind == "gateway" else f"{BASE}/{kind}?saved={saved.entry}"
        return self._saved(request, principal, saved, onward)

    async def _page(
        self, kind: Kind, request: Request, principal: Principal, form: Form | None, **values: Any
    ) -> Response:
        told: dict[str, Any] = {"saved": None, "result": None, **values}
        return self._show(
            request,
            principal,
            "commissioning_form.html",
            TITLES[kind],
            status=200 if form is None or form.sound else 422,
            kind=kind,
            form=form,
            entries=await self._desk.site.entries(kind),
            ports=self._desk.trials.ports() if kind == "lines" else (),
            tries=kind in TRIES and (form is None or form.asked),
            **told,
        )

    def _saved(self, request: Request, principal: Principal, saved: Saved, onward: str) -> Response:
        if not saved.restarting:
            return RedirectResponse(onward, 303)
        started = self._views.gateway().started_ms
        return self._show(request, principal, "commissioning_restart.html", RESTARTS, started=started, onward=onward)

    async def _started(self, request: Request, principal: Principal | None) -> Response:
        return PlainTextResponse(str(self._views.gateway().started_ms))

    async def _picture(self, request: Request, principal: Principal | None) -> Response:
        picture = self._desk.trials.picture(request.path_params["token"][:LONGEST])
        return Response(picture, media_type="image/jpeg") if picture else Response(status_code=404)

    # Scan

    def _scan_values(self, views: Views, query: Query) -> dict[str, Any]:
        return {
            "scan": self._desk.scans.now(),
            "lines": self._desk.scans.lines(),
            "line": query.get("line", "")[:LONGEST],
        }

    async def _scan(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given = await own_form(request, principal)
        if given.get("act") == "stop":
            await self._desk.scans.stop()
        else:
            line = given.get("line", "")[:LONGEST]
            bauds = ",".join(name.removeprefix("baud.") for name in given if name.startswith("baud."))
            parities = "".join(name.removeprefix("parity.") for name in given if name.startswith("parity."))
            self._desk.scans.start(line, given.get("units", "")[:LONGEST], bauds, parities)
            await self._note(request, principal, "line.scan", line)
        return RedirectResponse(f"{BASE}/scan", 303)

    # A table of devices

    async def _import(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        saved = request.query_params.get("saved", "")[:10]
        return self._show(request, principal, "commissioning_import.html", IMPORT, table=None, saved=saved, columns="")

    async def _upload(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        if request.headers.get("content-type", "").startswith("multipart/"):
            given, content = await upload(request)
            if not csrf_matches(principal, given.get("csrf", "")):
                raise Refused(TOO_OLD)
            table = await self._desk.lists.judge(content)
            return self._show(
                request, principal, "commissioning_import.html", IMPORT, table=table, saved="", columns=""
            )
        given = await own_form(request, principal)
        saved, count = await self._desk.lists.save(given.get("token", ""))
        await self._note(request, principal, "site.import", f"devices {count}", saved)
        return self._saved(request, principal, saved, f"{BASE}/import?saved={count}")

    # Drill

    def _drill_values(self, views: Views, query: Query) -> dict[str, Any]:
        return {"drill": self._desk.drills.now(), "devices": views.devices()}

    async def _drill(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given = await own_form(request, principal)
        device = given.get("device", "")
        if self._views.device(device) is None:
            raise Refused(Words("There is no such device.", "没有这台设备。"))
        alarm_class = "fire" if given.get("class") != "leak" else "leak"
        self._desk.drills.start(device, alarm_class, full="full" in given, by=principal.origin)
        await self._note(request, principal, "drill", device)
        return RedirectResponse(f"{BASE}/drill", 303)

    # Sign-off

    async def _reports(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        reports = await self._desk.sign_offs.all()
        return self._show(request, principal, "commissioning_reports.html", REPORT, reports=reports)

    async def _sign(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given = await own_form(request, principal)
        person, company = (given.get(name, "").strip()[:LONGEST] for name in ("person", "company"))
        if not person:
            raise Refused(NAMELESS)
        remarks = given.get("remarks", "").strip()[:2000]
        signed = await self._desk.sign_offs.sign(principal.origin, person, company, remarks)
        await self._note(request, principal, "site.sign-off", str(signed.number))
        return RedirectResponse(f"{BASE}/report/{signed.number}", 303)

    async def _report(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        reports = {str(each.number): each for each in await self._desk.sign_offs.all()}
        report = reports.get(request.path_params["number"])
        if report is None:
            raise Refused(NO_REPORT)
        return self._show(request, principal, "commissioning_report.html", REPORT, report=report)

    async def _note(
        self, request: Request, principal: Principal, action: str, subject: str, saved: Saved | None = None
    ) -> None:
        details = {} if saved is None else {"file": saved.mark[:16]}
        await self._accounts.note(principal.name, action, subject, address=address(request), details=details)
