"""What a browser or a program sends: forms and JSON bodies, bounded before they come here."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from courtyard.agent.accounts import Principal, csrf_matches
from courtyard.agent.web.model import Refused, Words

MOST_FIELDS = 20
TOO_OLD = Words("This form is too old. Go back and try again.", "表单已过期，请返回重试。")
UNREADABLE = Words("The form cannot be read.", "无法读取表单。")

T = TypeVar("T")


async def form(request: Request, *, most: int = MOST_FIELDS) -> dict[str, str]:
    """The fields of an urlencoded form of at most so many.  Raises Refused."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise Refused(UNREADABLE)
    try:
        text = (await request.body()).decode("utf-8")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=most, errors="strict"))
    except ValueError as error:
        raise Refused(UNREADABLE) from error


async def own_form(request: Request, principal: Principal, *, most: int = MOST_FIELDS) -> dict[str, str]:
    """The same, of a form that this session's page made.  Raises Refused."""
    given = await form(request, most=most)
    if not csrf_matches(principal, given.get("csrf", "")):
        raise Refused(TOO_OLD)
    return given


async def body(request: Request, wanted: type[T]) -> T:
    """A JSON body of a type.  Raises msgspec.MsgspecError (ValidationError, DecodeError)."""
    return msgspec.json.decode(await request.body(), type=wanted)
