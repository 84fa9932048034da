"""One operation of the JSON API: who may, what it takes and gives; how errors are told.

An error is `{"code": …, "error": {"en": …, "zh": …}}`.  Times are Unix milliseconds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from courtyard.agent.accounts import Permission, Principal
from courtyard.agent.web.bounds import int_or_none
from courtyard.agent.web.model import Refused, Words

ROOT: Final = "/api/v1"


class Problem(msgspec.Struct, frozen=True):
    """Why not."""

    code: str
    error: Words


class Operation(NamedTuple):
    """One operation: `query` names parameters with their meaning, `takes` and `gives` are bodies."""

    method: str
    path: str
    permission: Permission
    summary: str
    gives: Any
    run: Callable[[Request, Principal], Awaitable[Any]]
    takes: Any = None
    query: tuple[tuple[str, str], ...] = ()


def problem(status: int, code: str, words: Words) -> Response:
    """An error, as JSON."""
    return Response(msgspec.json.encode(Problem(code, words)), status, media_type="application/json")


def count(text: str | None, default: int, most: int) -> int:
    """A count of the query, cut to what is allowed.  Raises Refused for anything but digits."""
    if text is None:
        return default
    number = int_or_none(text)
    if number is None:
        raise Refused(Words("A parameter is not a number.", "参数不是数字。"))
    return min(number, most)
