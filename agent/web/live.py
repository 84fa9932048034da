"""Open pages kept up to date by server-sent events.

Invariants
1. A page is rendered once for all who look at the same, at most every EVERY_S, and only when what it shows has changed;
   all of it takes at most SHARE of a core.
2. A stream sends what differs from what it sent before; a page that comes back gets all that differs at once.
3. At most MAX_STREAMS streams are open; the next one is refused and asks again later.
4. A stream ends within CHECK_S of the session that opened it.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, NamedTuple

import msgspec
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from courtyard.agent.web.render import Rendered

EVERY_S: Final = 0.5
SHARE: Final = 0.08
FORGET_S: Final = 5.0
HEARTBEAT_S: Final = 15.0
CHECK_S: Final = 30.0
MAX_STREAMS: Final = 64


class Subject(NamedTuple):
    """What a stream shows: `look` gives the values that decide everything in it, `render` draws them."""

    key: str
    look: Callable[[], Any]
    render: Callable[[Any], Rendered]


class _Frame(NamedTuple):
    """One rendering, shared; `fresh_until` in the loop's time, `cost_s` in seconds of a core."""

    seen: Any
    rendered: Rendered
    bare: dict[str, str]
    fresh_until: float
    cost_s: float


class Live:
    """All streams of one server."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._frames: dict[str, _Frame] = {}
        self.streams = 0

    def stream(
        self, subject: Subject, version: str, finish: Callable[[str], str], valid: Callable[[], Awaitable[bool]]
    ) -> Response:
        """The answer to `GET …?live=VERSION`; streams with one key share what is rendered, `finish` makes it one
        person's own, `valid` says whether that person may still look."""
        if self.streams >= MAX_STREAMS:
            return PlainTextResponse("too many open pages", 503, {"Retry-After": "30"})
        return StreamingResponse(self._run(subject, version, finish, valid), media_type="text/event-stream")

    async def _run(
        self, subject: Subject, version: str, finish: Callable[[str], str], valid: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[bytes]:
        self.streams += 1
        loop = asyncio.get_running_loop()
        try:
            frame = self._frame(subject)
            sent: dict[str, str] = frame.bare if digest(frame.rendered) == version else {}
            yield b"retry: 3000\n\n"
            said, check_at = float("-inf"), loop.time() + CHECK_S
            while True:
                if loop.time() >= check_at:
                    if not await valid():
                        return
                    check_at = loop.time() + CHECK_S
                frame = self._frame(subject)
                pieces = frame.rendered.changed(sent) if frame.bare != sent else {}
                sent = frame.bare
                if pieces or loop.time() - said >= HEARTBEAT_S:
                    said = loop.time()
                    told = {"now": self._now_ms(), "pieces": {name: finish(html) for name, html in pieces.items()}}
                    yield b"data: " + msgspec.json.encode(told) + b"\n\n"
                await asyncio.sleep(max(EVERY_S, frame.fresh_until - loop.time()))
        finally:
            self.streams -= 1

    def _frame(self, subject: Subject) -> _Frame:
        now, known = asyncio.get_running_loop().time(), self._frames.get(subject.key)
        if known is not None and now < known.fresh_until:
            return known
        began = time.thread_time()
        seen = subject.look()
        if known is not None and known.seen == seen:
            rendered, bare = known.rendered, known.bare
        else:
            rendered = subject.render(seen)
            bare = rendered.bare()
        cost_s = time.thread_time() - began
        self._frames = {each: old for each, old in self._frames.items() if old.fresh_until + FORGET_S > now}
        round_s = cost_s + sum(old.cost_s for each, old in self._frames.items() if each != subject.key)
        fresh_until = now + max(EVERY_S * 0.9, round_s / SHARE)
        frame = self._frames[subject.key] = _Frame(seen, rendered, bare, fresh_until, cost_s)
        return frame


def digest(rendered: Rendered) -> str:
    """What a page names to say which rendering it shows."""
    pieces = rendered.bare()
    return hashlib.blake2s("\0".join(f"{key}{pieces[key]}" for key in sorted(pieces)).encode()).hexdigest()[:16]
