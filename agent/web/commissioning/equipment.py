"""The commissioning pages of fire panels, outputs and lifts: forms, what is heard, tables of detectors, test pulses."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from courtyard.agent.accounts import Accounts, Principal, csrf_matches
from courtyard.agent.web.commissioning.equipment_model import Equipment
from courtyard.agent.web.commissioning.model import Form
from courtyard.agent.web.commissioning.step_model import Preview, StepDesk
from courtyard.agent.web.commissioning.upload import upload
from courtyard.agent.web.form import TOO_OLD, own_form
from courtyard.agent.web.gate import address
from courtyard.agent.web.model import Refused, Views, Words
from courtyard.agent.web.pages import Page, Query
from courtyard.agent.web.route import Route, Show

BASE: Final = "/commissioning"
TITLES: Final[Mapping[str, Words]] = {
    "fire_panels": Words("Fire panels", "火灾报警控制器"),
    "fire_modbus_panels": Words("Fire panels on Modbus", "Modbus 火灾报警控制器"),
    "outputs": Words("Outputs", "输出"),
    "boards": Words("Relay boards", "继电器板"),
    "lifts": Words("Lifts", "电梯"),
}
LISTEN: Final = Words("What the panel says", "控制器报文")
PULSE: Final = Words("Test pulse", "动作测试")
PARTS: Final = Words("Names of detectors", "部件名称表")
RESTARTS: Final = Words("The gateway restarts", "网关正在重启")
NO_PANEL: Final = Words("There is no such fire panel.", "没有这台火灾报警控制器。")
MOST_FIELDS: Final = 100
LONGEST: Final = 500
LONGEST_DRAWING: Final = 4000
"""Characters of one region: 32 corners."""


class EquipmentPages:
    """Endpoints below `/commissioning`; `pages` change while somebody looks."""

    def __init__(self, equipment: Equipment, views: Views, accounts: Accounts, show: Show) -> None:
        self._own, self._views, self._accounts, self._show = equipment, views, accounts, show
        self._steps: Mapping[str, StepDesk] = {
            "fire_panels": equipment.panels,
            "fire_modbus_panels": equipment.register_panels,
            "outputs": equipment.outputs,
            "boards": equipment.boards,
            "lifts": equipment.lifts,
        }
        self.pages = (
            Page(f"{BASE}/listen", "commissioning_listen.html", "configure", LISTEN, self._listen_values),
            Page(f"{BASE}/pulse", "commissioning_pulse.html", "configure", PULSE, self._pulse_values),
        )
        self.routes: tuple[Route, ...] = (
            *(Route("GET", f"{BASE}/{name}", "configure", partial(self._form, name)) for name in self._steps),
            *(Route("POST", f"{BASE}/{name}", "configure", partial(self._change, name)) for name in self._steps),
            Route("POST", f"{BASE}/listen", "configure", self._stop_listening),
            Route("GET", f"{BASE}/parts", "configure", self._parts),
            Route("POST", f"{BASE}/parts", "configure", self._upload),
            Route("POST", f"{BASE}/pulse", "configure", self._pulse),
        )

    async def counts(self) -> Mapping[str, int]:
        """Entries of each step."""
        return {name: len([each for each in await step.listed() if each.name]) for name, step in self._steps.items()}

    async def _form(self, name: str, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        query = {key: text[:LONGEST] for key, text in request.query_params.items()}
        entry = query.get("entry") or None
        form = await self._steps[name].form(entry, query) if entry is not None or "new" in query else None
        return await self._page(name, request, principal, form, saved=query.get("saved"))

    async def _change(self, name: str, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given = {
            key: text[:LONGEST_DRAWING] for key, text in (await own_form(request, principal, most=MOST_FIELDS)).items()
        }
        entry, act, step = given.get("entry") or None, given.get("act"), self._steps[name]
        if act == "listen" and name == "fire_panels":
            wrong = await self._own.ear.start(entry, given)
            if wrong is not None:
                return await self._page(name, request, principal, wrong)
            await self._note(request, principal, "line.listen", given.get("where", "")[:200])
            return RedirectResponse(f"{BASE}/listen", 303)
        if act == "preview":
            form, preview = await step.preview(entry, given)
            return await self._page(name, request, principal, form, preview=preview)
        is_gone = act == "remove" and entry is not None
        saved = await (step.remove(entry or "", given.get("mark", "")) if is_gone else step.save(entry, given))
        if isinstance(saved, Form):
            return await self._page(name, request, principal, saved)
        details = {"file": saved.mark[:16]}
        if name == "lifts" and given.get("commissioned.maintainer"):
            details["signed"] = f"{given['commissioned.maintainer']}, {given.get('commissioned.date', '')}"[:200]
        what = "remove" if is_gone else "save"
        await self._note(request, principal, f"site.{what}", f"{name} {saved.entry}", details)
        return self._onward(request, principal, f"{BASE}/{name}?saved={saved.entry}", restarting=saved.restarting)

    async def _page(
        self,
        name: str,
        request: Request,
        principal: Principal,
        form: Form | None,
        *,
        preview: Preview | None = None,
        saved: str | None = None,
    ) -> Response:
        values: dict[str, Any] = {}
        if name == "lifts":
            values["progress"] = {each.id: each for each in self._own.lifts.progress()}
            camera = next((field.value for field in form.fields if field.name == "camera"), "") if form else ""
            values["picture"] = next((each for each in self._views.cameras() if each.id == camera), None)
        if name == "outputs":
            values["states"] = {each.name: each for each in self._own.pulses.states()}
        return self._show(
            request,
            principal,
            "commissioning_equipment.html",
            TITLES[name],
            status=200 if form is None or form.sound else 422,
            kind=name,
            form=form,
            preview=preview,
            entries=[each for each in await self._steps[name].listed() if each.name],
            saved=saved,
            **values,
        )

    # What a panel says

    def _listen_values(self, views: Views, query: Query) -> dict[str, Any]:
        return {"heard": self._own.ear.now()}

    async def _stop_listening(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        await own_form(request, principal)
        await self._own.ear.stop()
        return RedirectResponse(f"{BASE}/listen", 303)

    # Tables of detectors

    async def _parts(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        query = request.query_params
        return self._parts_page(request, principal, query.get("panel", "")[:LONGEST], saved=query.get("saved", "")[:10])

    async def _upload(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        if request.headers.get("content-type", "").startswith("multipart/"):
            given, content = await upload(request)
            if not csrf_matches(principal, given.get("csrf", "")):
                raise Refused(TOO_OLD)
            panel = given.get("panel", "")[:LONGEST]
            if panel not in self._own.parts.panels():
                raise Refused(NO_PANEL)
            return self._parts_page(request, principal, panel, table=await self._own.parts.judge(panel, content))
        given = await own_form(request, principal)
        saved, count = await self._own.parts.save(given.get("token", ""))
        await self._note(request, principal, "site.import", f"{saved.entry} {count}", {"file": saved.mark[:16]})
        onward = f"{BASE}/parts?panel={saved.entry}&saved={count}"
        return self._onward(request, principal, onward, restarting=saved.restarting)

    def _parts_page(
        self, request: Request, principal: Principal, panel: str, *, table: Any = None, saved: str = ""
    ) -> Response:
        panels = self._own.parts.panels()
        template, status = "commissioning_names.html", 422 if table is not None and table.mistakes else 200
        return self._show(
            request, principal, template, PARTS, status=status, panel=panel, panels=panels, table=table, saved=saved
        )

    # Test pulses

    def _pulse_values(self, views: Views, query: Query) -> dict[str, Any]:
        pulses = self._own.pulses
        return {"pulse": pulses.now(), "states": pulses.states(), "chosen": query.get("output", "")[:LONGEST]}

    async def _pulse(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given = await own_form(request, principal)
        output = given.get("output", "")[:LONGEST]
        self._own.pulses.start(output, given.get("seconds", ""), principal.origin, agreed=given.get("agreed") == "on")
        await self._note(request, principal, "output.test", output, {"for_s": given.get("seconds", "")[:10]})
        return RedirectResponse(f"{BASE}/pulse", 303)

    def _onward(self, request: Request, principal: Principal, onward: str, *, restarting: bool) -> Response:
        if not restarting:
            return RedirectResponse(onward, 303)
        started = self._views.gateway().started_ms
        return self._show(request, principal, "commissioning_restart.html", RESTARTS, started=started, onward=onward)

    async def _note(
        self,
        request: Request,
        principal: Principal,
        action: str,
        subject: str,
        details: Mapping[str, str] | None = None,
    ) -> None:
        await self._accounts.note(principal.name, action, subject, address=address(request), details=details or {})
