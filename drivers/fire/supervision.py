"""Says what became of the links to the panels: to the alarms as signals, to the person on site as faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from courtyard.drivers.base import Clock, Fault, NotKept, Signal, Sink
from courtyard.drivers.fire.faults import panel_fault
from courtyard.drivers.fire.post import PanelPost, Post

LOOK_S = 1.0


class Supervision:
    """Looks at every post of a line once a second.  What could not be kept is said again at the next look.

    `posts` and `strangers` give those that the site lists and those that it does not.
    """

    def __init__(
        self,
        posts: Callable[[], Iterable[Post]],
        clock: Clock,
        strangers: Callable[[], Iterable[PanelPost]] = lambda: (),
    ) -> None:
        self._posts, self._clock, self._strangers = posts, clock, strangers
        self._told: dict[str, Fault | None] = {}

    def begin(self) -> None:
        """A new consumer knows nothing yet."""
        self._told.clear()

    def tell(self, sink: Sink, subject: str, fault: Fault | None) -> None:
        """Says the present state of a panel or of the line, when it has changed."""
        if subject not in self._told or self._told[subject] != fault:
            self._told[subject] = fault
            sink.health(subject, fault)

    def forget(self, subject: str) -> None:
        """It is no more on this line."""
        self._told.pop(subject, None)

    async def look(self, sink: Sink) -> None:
        """What every panel's watch has to say by now."""
        now = asyncio.get_running_loop().time()
        for post in tuple(self._posts()):
            post.watch.look(now)
            for condition, holds in post.watch.untold():
                if await self._said(sink, post, condition, holds):
                    post.watch.told(condition, holds)
            self.tell(sink, post.id, post.fault())
        for stranger in self._strangers():
            if not stranger.introduced:
                stranger.introduced = await self._said(sink, stranger, "unknown_device", True)

    async def _said(self, sink: Sink, post: Post, condition: str, holds: bool) -> bool:
        fault = panel_fault(condition, address=post.prefix.rstrip("/"))
        signal = Signal(
            device=post.id,
            kind=condition,
            at_ms=self._clock.wall_ms(),
            mono_ms=self._clock.mono_ms(),
            active=holds,
            source=post.prefix.rstrip("/"),
            details={
                "code": fault.code,
                "label_en": fault.what.en,
                "label_zh": fault.what.zh,
                "cure_en": fault.cure.en,
                "cure_zh": fault.cure.zh,
            },
        )
        try:
            await sink.signal(signal)
        except NotKept:
            return False
        return True
