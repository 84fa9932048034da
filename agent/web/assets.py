"""Files of the page that are the same for everybody: styles, scripts, drawings.

Each is asked for by its address with the hash of its content, and kept by the browser for good; after an update of the
box the address is another.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2s
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from courtyard.agent.accounts import Principal
from courtyard.agent.web.packing import compressed, packed

FOLDER: Final = Path(__file__).parent / "static"
CSS, SCRIPT, SVG = "text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml"
TYPES: Final = {
    "app.css": CSS,
    "app.js": SCRIPT,
    "commissioning.css": CSS,
    "commissioning.js": SCRIPT,
    "region.js": SCRIPT,
    "spark.js": SCRIPT,
    "chart.js": SCRIPT,
    "uplot.js": SCRIPT,
    "uplot.css": CSS,
    "icons.svg": SVG,
    "favicon.svg": SVG,
}
FOR_GOOD: Final = "max-age=31536000, immutable"
ASK_FIRST: Final = "no-cache"


@cache
def address(name: str) -> str:
    """Where a file is found.  Raises KeyError for one that is not served."""
    assert name in TYPES, name
    return f"/static/{name}?v={_hash(name)}"


async def serve(request: Request, principal: Principal | None) -> Response:
    """The answer to `GET /static/{name}`."""
    name = request.path_params["name"]
    if name not in TYPES:
        return PlainTextResponse("not found", 404)
    keeps = FOR_GOOD if request.query_params.get("v") == _hash(name) else ASK_FIRST
    return compressed(request, _bytes(name), TYPES[name], {"Cache-Control": keeps}, pack=_packed_once)


@cache
def _hash(name: str) -> str:
    return blake2s(_bytes(name), digest_size=6).hexdigest()


@cache
def _packed_once(body: bytes) -> bytes:
    return packed(body)


@cache
def _bytes(name: str) -> bytes:
    return (FOLDER / name).read_bytes()
