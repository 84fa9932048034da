"""Open pages kept up to date by server-sent events.

Invariants
1. A page is rendered once for all who look at the same, every EVERY_S, and only when what it shows has changed.  All of
   it takes at most SHARE of a core, with CREDIT_S of a core in hand; once that is spent, each page waits until it is
   paid back, but no longer than its own cost asks for, so that one costly page never makes the others late.
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
from starlette.responses import PlainTextResponse, Response

from courtyard.agent.web.render import Rendered
from courtyard.agent.web.stream import Stream

EVERY_S: Final = 0.6
LEAST_S: Final = 0.01
"""A stream that finds a frame about to go stale looks again a moment later, and does not spin."""
SHARE: Final = 0.08
CREDIT_S: Final = 0.2
STEADY: Final = 0.75
"""Weight of what a page cost before against what it cost just now."""
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
    """One rendering, shared; `fresh_until` in the loop's time, `cost_s` in seconds of a core a time."""

    seen: Any
    rendered: Rendered
    bare: dict[str, str]
    fresh_until: float
    cost_s: float


class Live:
    """All streams of one server."""

    def __init__(self, now_ms: Callable[[], int], core_s: Callable[[], float] = time.thread_time) -> None:
        """`core_s`: what this thread has taken of a core so far."""
        self._now_ms, self._core_s = now_ms, core_s
        self._frames: dict[str, _Frame] = {}
        self._paid_at = float("-inf")
        """Loop time at which SHARE of a core will have been as much as was spent."""
        self.streams = 0

    def stream(
        self, subject: Subject, version: str, finish: Callable[[str], str], valid: Callable[[], Awaitable[bool]]
    ) -> Response:
        """The answer to `GET …?live=VERSION`; streams with one key share what is rendered, `finish` makes it one
        person's own, `valid` says whether that person may still look."""
        if self.streams >= MAX_STREAMS:
            return PlainTextResponse("too many open pages", 503, {"Retry-After": "30"})
        return Stream(self._run(subject, version, finish, valid), media_type="text/event-stream")

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
                pieces = frame.rendered.changed(sent, frame.bare) if frame.bare != sent else {}
                sent = frame.bare
                if pieces or loop.time() - said >= HEARTBEAT_S:
                    said = loop.time()
                    told = {"now": self._now_ms(), "pieces": {name: finish(html) for name, html in pieces.items()}}
                    yield b"data: " + msgspec.json.encode(told) + b"\n\n"
                await asyncio.sleep(max(LEAST_S, frame.fresh_until - loop.time()))
        finally:
            self.streams -= 1

    def _frame(self, subject: Subject) -> _Frame:
        now, known = asyncio.get_running_loop().time(), self._frames.get(subject.key)
        if known is not None and now < known.fresh_until:
            return known
        began_s = self._core_s()
        seen = subject.look()
        if known is not None and known.seen == seen:
            rendered, bare = known.rendered, known.bare
        else:
            rendered = subject.render(seen)
            bare = rendered.bare()
        spent_s = self._core_s() - began_s
        cost_s = spent_s if known is None else STEADY * known.cost_s + (1 - STEADY) * spent_s
        self._frames = {each: old for each, old in self._frames.items() if old.fresh_until + FORGET_S > now}
        frame = _Frame(seen, rendered, bare, now + self._rest_s(now, spent_s, cost_s, subject.key), cost_s)
        self._frames[subject.key] = frame
        return frame

    def _rest_s(self, now: float, spent_s: float, cost_s: float, key: str) -> float:
        """How long a page stands that has just taken `spent_s` and takes `cost_s` each time."""
        self._paid_at = max(self._paid_at, now - CREDIT_S / SHARE) + spent_s / SHARE
        if self._paid_at <= now:
            return EVERY_S
        own_s = cost_s * len({*self._frames, key}) / SHARE
        return max(EVERY_S, min(own_s, self._paid_at - now))


def digest(rendered: Rendered) -> str:
    """What a page names to say which rendering it shows."""
    pieces = rendered.bare()
    return hashlib.blake2s("\0".join(f"{key}{pieces[key]}" for key in sorted(pieces)).encode()).hexdigest()[:16]
