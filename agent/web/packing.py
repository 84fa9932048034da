"""Answers in gzip, where the browser takes it and it is worth while."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

WORTH_COMPRESSING: Final = 2048


def packed(body: bytes) -> bytes:
    """The body in gzip."""
    return gzip.compress(body, 5)


def compressed(
    request: Request,
    body: bytes,
    media_type: str,
    headers: Mapping[str, str] = {},
    *,
    status: int = 200,
    pack: Callable[[bytes], bytes] = packed,
) -> Response:
    """The body as the browser may take it: gzip, as `pack` makes it, where that is worth while."""
    every = {**headers, "Vary": "Accept-Encoding, Cookie"}
    if len(body) >= WORTH_COMPRESSING and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(pack(body), status, media_type=media_type, headers={**every, "Content-Encoding": "gzip"})
    return Response(body, status, media_type=media_type, headers=every)
