"""Pictures and clips that were kept of alarms, as files: a picture to look at, a clip to take away."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from courtyard.agent.accounts import Accounts, Principal
from courtyard.agent.web.form import own_form
from courtyard.agent.web.gate import address
from courtyard.agent.web.model import Refused, Words
from courtyard.agent.web.route import Route
from courtyard.agent.web.watched import Evidence

MOST_BYTES: Final = 8_000_000
"""More than the largest clip; an answer is never longer, whatever is asked for."""
KINDS: Final = {"jpg": "image/jpeg", "avi": "video/x-msvideo"}
NOTHING: Final = Words(
    "Nothing to learn from is kept of this event, or it was marked before.", "该事件没有可学习的样本，或已标记过。"
)
_EVENT: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[A-Za-z0-9_-]{1,64}", re.ASCII)
_NAME: Final = re.compile(rf"{_EVENT.pattern}\.(jpg|avi)", re.ASCII)
_RANGE: Final = re.compile(r"bytes=([0-9]{0,12})-([0-9]{0,12})", re.ASCII)


class Span(NamedTuple):
    """Bytes that are asked for: `size` from `first` on, or the last ones when `first` is negative."""

    first: int = 0
    size: int = MOST_BYTES


def span(header: str | None) -> Span | None:
    """What a header `Range` asks for (RFC 9110, 14.2); None for the whole: no range, several, or none that can be."""
    found = _RANGE.fullmatch(header or "")
    if found is None or found[0] == "bytes=-":
        return None
    if not found[1]:
        count = min(int(found[2]), MOST_BYTES)
        return Span(-count, count) if count else None
    first = int(found[1])
    last = int(found[2]) if found[2] else first + MOST_BYTES
    return Span(first, min(last - first + 1, MOST_BYTES)) if last >= first else None


class Kept:
    """Endpoints below `/evidence`: files, for those who may see the cameras; what was no e-bike, from an installer."""

    def __init__(self, evidence: Evidence, accounts: Accounts) -> None:
        self._evidence, self._accounts = evidence, accounts
        self.routes: tuple[Route, ...] = (
            Route("GET", "/evidence/{name}", "cameras", self._file),
            Route("POST", "/evidence/{name}/mark", "configure", self._mark),
        )

    async def _mark(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        await own_form(request, principal)
        name = request.path_params["name"]
        if not _EVENT.fullmatch(name) or not await self._evidence.mark(name):
            raise Refused(NOTHING)
        await self._accounts.note(principal.origin, "lift.no_ebike", name, address=address(request))
        return RedirectResponse("/alarms", 303)

    async def _file(self, request: Request, principal: Principal | None) -> Response:
        name = request.path_params["name"]
        found = _NAME.fullmatch(name)
        asked = span(request.headers.get("range"))
        part = await self._evidence.part(name, *(asked or Span())) if found else None
        if found is None or part is None or (asked is None and part.size > MOST_BYTES):
            return Response(status_code=404)
        headers = {"Accept-Ranges": "bytes", "Cache-Control": "private, no-store"}
        if found[1] == "avi":
            headers["Content-Disposition"] = f'attachment; filename="{name}"'
        if asked is None:
            return Response(part.content, 200, headers, KINDS[found[1]])
        if not part.content:
            return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{part.size}"})
        last = part.first + len(part.content) - 1
        headers["Content-Range"] = f"bytes {part.first}-{last}/{part.size}"
        return Response(part.content, 206, headers, KINDS[found[1]])
