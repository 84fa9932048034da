"""The steps for residents, rules, escalations, modem and wearables: one page a kind, and what is heard now.

Residents are for those alone who care for them (`residents`, `erase`); all else asks for `configure`.  Every act
carries the session's CSRF token and is noted in the audit trail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from courtyard.agent.accounts import Accounts, Permission, Principal, csrf_matches
from courtyard.agent.web.commissioning.model import Form
from courtyard.agent.web.commissioning.step_model import Preview, StepDesk, Steps
from courtyard.agent.web.commissioning.upload import upload
from courtyard.agent.web.form import TOO_OLD, own_form
from courtyard.agent.web.gate import address
from courtyard.agent.web.model import Refused, Views, Words
from courtyard.agent.web.pages import Page, Query
from courtyard.agent.web.route import Route, Show

BASE: Final = "/commissioning"
MOST_FIELDS: Final = 60
LONGEST: Final = 500
HEARD_S: Final = 4.0
"""How long a form waits for what is heard."""
TITLES: Final[Mapping[str, Words]] = {
    "rules": Words("Rules", "报警规则"),
    "escalations": Words("Escalation", "报警升级"),
    "modem": Words("Modem for text messages", "短信模块"),
    "residents": Words("Residents in care", "照护住户"),
}
HEARD: Final = Words("What is heard now", "当前收到的设备")
SIGNAL: Final = Words("SIM card and signal", "SIM 卡和信号")
TABLE: Final = Words("Residents from a table", "批量导入住户")
NOT_YOURS: Final = Words("Your account may not erase.", "您的账户没有删除权限。")
COLUMNS: Final = "id, wearables, buttons, report, not_seen, not_worn, heartbeat, battery_below"


class EntrySteps:
    """Endpoints below `/commissioning`; `pages` change while somebody looks."""

    def __init__(self, steps: Steps, accounts: Accounts, show: Show) -> None:
        self._steps, self._accounts, self._show = steps, accounts, show
        self._desks: Mapping[str, StepDesk] = {
            "rules": steps.rules,
            "escalations": steps.escalations,
            "modem": steps.modem,
            "residents": steps.residents,
        }
        self.pages = (
            Page(f"{BASE}/heard", "commissioning_heard.html", "configure", HEARD, self._heard_values),
            Page(f"{BASE}/signal", "commissioning_signal.html", "configure", SIGNAL, self._signal_values),
        )
        forms = [
            Route(method, f"{BASE}/{kind}", self._needs(kind), partial(endpoint, kind))
            for kind in self._desks
            for method, endpoint in (("GET", self._form), ("POST", self._change))
        ]
        self.routes: tuple[Route, ...] = (
            *forms,
            Route("POST", f"{BASE}/heard", "configure", self._listen),
            Route("POST", f"{BASE}/signal", "configure", self._look),
            Route("POST", f"{BASE}/escalations/test", "configure", self._test),
            Route("POST", f"{BASE}/residents/consent", "residents", self._consent),
            Route("GET", f"{BASE}/residents/import", "residents", self._table),
            Route("POST", f"{BASE}/residents/import", "residents", self._upload),
        )

    async def counts(self) -> Mapping[str, int]:
        """How many entries of each kind there are."""
        return {kind: len(await desk.listed()) for kind, desk in self._desks.items()}

    @staticmethod
    def _needs(kind: str) -> Permission:
        return "residents" if kind == "residents" else "configure"

    # Entries

    async def _form(self, kind: str, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        query = {name: text[:LONGEST] for name, text in request.query_params.items()}
        entry = query.get("entry") or None
        wanted = kind == "modem" or entry is not None or "new" in query
        form = await self._desks[kind].form(entry, query) if wanted else None
        return await self._page(kind, request, principal, form, saved=query.get("saved"))

    async def _change(self, kind: str, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given = await own_form(request, principal, most=MOST_FIELDS)
        given = {name: text[:LONGEST] for name, text in given.items()}
        entry, desk, act = given.get("entry") or None, self._desks[kind], given.get("act")
        if act == "preview":
            form, preview = await desk.preview(entry, given)
            return await self._page(kind, request, principal, form, preview=preview)
        if act == "listen":
            await self._hear(given)
            return await self._page(kind, request, principal, await desk.form(entry, given))
        removing = act == "remove" and entry is not None and kind != "modem"
        saved = await desk.remove(entry or "", given.get("mark", "")) if removing else await desk.save(entry, given)
        if isinstance(saved, Form):
            return await self._page(kind, request, principal, saved)
        done, details = "remove" if removing else "save", {"file": saved.mark[:16]}
        subject = f"{kind} {saved.entry}"
        await self._accounts.note(principal.name, f"site.{done}", subject, address=address(request), details=details)
        return RedirectResponse(f"{BASE}/{kind}?saved={saved.entry}", 303)

    async def _page(
        self,
        kind: str,
        request: Request,
        principal: Principal,
        form: Form | None,
        preview: Preview | None = None,
        **values: Any,
    ) -> Response:
        told: dict[str, Any] = {"saved": None, "test": None, "wrong": {}, "given": {}, **values}
        if kind == "escalations":
            told |= {"ladders": await self._steps.escalations.ladders()}
            told |= {"numbers": await self._steps.escalations.numbers()}
        if kind == "residents" and form is not None and form.entry:
            told["consent"] = self._steps.residents.consent(form.entry)
        sound = (form is None or form.sound) and not told["wrong"] and (told["test"] is None or not told["test"].errors)
        return self._show(
            request,
            principal,
            "commissioning_step.html",
            TITLES[kind],
            status=200 if sound else 422,
            kind=kind,
            form=form,
            preview=preview,
            listed=await self._desks[kind].listed(),
            templates=self._desks[kind].templates(),
            **told,
        )

    # What is heard, and how the modem fares

    def _heard_values(self, views: Views, query: Query) -> dict[str, Any]:
        return {"lines": self._steps.hearing.lines(), "listening": self._steps.hearing.now()}

    def _signal_values(self, views: Views, query: Query) -> dict[str, Any]:
        return {"signal": self._steps.texting.now()}

    async def _listen(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given = await own_form(request, principal)
        if given.get("act") == "stop":
            await self._steps.hearing.stop()
        else:
            self._steps.hearing.start(given.get("line", "")[:LONGEST])
        return RedirectResponse(f"{BASE}/heard", 303)

    async def _hear(self, given: Mapping[str, str]) -> None:
        """Listens on the first Bluetooth line for a moment."""
        hearing = self._steps.hearing
        lines = hearing.lines()
        hearing.start(lines[0] if lines else "")
        await asyncio.sleep(HEARD_S)

    async def _look(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given = await own_form(request, principal)
        if given.get("act") == "stop":
            await self._steps.texting.stop()
        else:
            self._steps.texting.start()
        return RedirectResponse(f"{BASE}/signal", 303)

    async def _test(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given = await own_form(request, principal)
        number = (given.get("other", "").strip() or given.get("number", ""))[:LONGEST]
        test = await self._steps.texting.test(number, agreed="agreed" in given)
        if not test.errors:
            details = {"sent": "yes" if test.sent else "no"}
            subject = f"…{number[-4:]}"
            await self._accounts.note(
                principal.name, "escalation.test", subject, address=address(request), details=details
            )
        return await self._page("escalations", request, principal, None, test=test, given=given)

    # Consent, and many residents at once

    async def _consent(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given = await own_form(request, principal)
        resident = given.get("entry", "")[:LONGEST]
        act = given.get("act", "")
        if act == "erase" and not principal.may("erase"):
            raise Refused(NOT_YOURS)
        wrong = await self._steps.residents.record(resident, principal.origin, given)
        if wrong:
            form = await self._steps.residents.form(resident, {})
            return await self._page("residents", request, principal, form, wrong=wrong, given=given)
        await self._accounts.note(principal.name, f"resident.{act}", resident, address=address(request))
        return RedirectResponse(f"{BASE}/residents?entry={resident}", 303)

    async def _table(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        return self._table_page(request, principal, saved=request.query_params.get("saved", "")[:10])

    async def _upload(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        if request.headers.get("content-type", "").startswith("multipart/"):
            given, content = await upload(request)
            if not csrf_matches(principal, given.get("csrf", "")):
                raise Refused(TOO_OLD)
            return self._table_page(request, principal, table=await self._steps.residents.judge(content))
        given = await own_form(request, principal)
        saved, count = await self._steps.residents.save_table(given.get("token", ""))
        details = {"file": saved.mark[:16]}
        await self._accounts.note(
            principal.name, "site.import", f"residents {count}", address=address(request), details=details
        )
        return RedirectResponse(f"{BASE}/residents/import?saved={count}", 303)

    def _table_page(self, request: Request, principal: Principal, table: Any = None, saved: str = "") -> Response:
        return self._show(
            request, principal, "commissioning_import.html", TABLE, table=table, saved=saved, columns=COLUMNS
        )
