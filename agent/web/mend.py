"""The site file as text: what is wrong line by line, saved only when it can run, the last good one brought back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from courtyard.agent.accounts import Accounts, Principal
from courtyard.agent.web.form import own_form
from courtyard.agent.web.gate import address
from courtyard.agent.web.model import Mistake, Refused, Words
from courtyard.agent.web.route import Route, Show

TITLE: Final = Words("Mend the site file", "修复站点文件")
PATH: Final = "/mend"


class Draft(msgspec.Struct, frozen=True):
    """A text of the site file with what the check says; `mark` is the file that it was made from, `good` the last
    good text where that is another."""

    file: str
    text: str
    mark: str
    mistakes: tuple[Mistake, ...]
    good: bool = False


class SiteMender(Protocol):
    """Where the site file is.  Each method raises Refused."""

    async def draft(self) -> Draft:
        """The file as it is."""

    async def last_good(self) -> Draft:
        """The last text that could run, to be put in the place of the file as it is now."""

    async def check(self, text: str, mark: str) -> Draft: ...

    async def save(self, text: str, mark: str) -> Draft:
        """Puts the text in the place of the file with this mark, unless the check finds a mistake: then nothing."""


class Mend:
    """Endpoints of `/mend`."""

    def __init__(self, mender: SiteMender, accounts: Accounts, show: Show) -> None:
        self._mender, self._accounts, self._show = mender, accounts, show
        self.routes: tuple[Route, ...] = (
            Route("GET", PATH, "configure", self._open),
            Route("POST", PATH, "configure", self._change),
        )

    async def _open(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        return self._page(request, principal, await self._mender.draft())

    async def _change(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given = await own_form(request, principal)
        text, mark = given.get("text", "").replace("\r\n", "\n"), given.get("mark", "")[:100]
        match given.get("act"):
            case "check":
                return self._page(request, principal, await self._mender.check(text, mark), checked=True)
            case "restore":
                return self._page(request, principal, await self._mender.last_good(), restored=True)
            case "save":
                draft = await self._mender.save(text, mark)
                if any(each.severity == "mistake" for each in draft.mistakes):
                    return self._page(request, principal, draft, checked=True, status=422)
                await self._accounts.note(principal.origin, "site.saved", draft.file, address=address(request))
                return RedirectResponse("/site", 303)
            case _:
                raise Refused(Words("Unknown act.", "无法识别的操作。"))

    def _page(
        self,
        request: Request,
        principal: Principal,
        draft: Draft,
        *,
        checked: bool = False,
        restored: bool = False,
        status: int = 200,
    ) -> Response:
        lines = _marked(draft.text, draft.mistakes)
        values = {"draft": draft, "marked": lines, "checked": checked, "restored": restored}
        return self._show(request, principal, "mend.html", TITLE, status=status, **values)


def _marked(text: str, mistakes: Sequence[Mistake]) -> list[tuple[int, str]]:
    """The lines that something is said about, with their numbers."""
    lines = text.split("\n")
    wanted = sorted({each.line for each in mistakes if each.line is not None and each.line <= len(lines)})
    return [(number, lines[number - 1][:200]) for number in wanted]
