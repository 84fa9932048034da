"""Sets the clocks of the transmission devices of a line (GB/T 26875.3, type 90), where the site wants that.

Invariants
1. A clock is set only while the gateway's own time is worth giving away.
2. A device is asked once a day; one that refuses or does not answer is asked again after an hour.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from courtyard.drivers.base import DriverError
from courtyard.drivers.fire.gb26875.questions import Questions
from courtyard.drivers.fire.post import PanelPost
from courtyard.drivers.fire.roster import Roster

LOOK_S = 10.0
EVERY_S = 86_400.0
AGAIN_S = 3_600.0


class Clocks:
    """`trusted` says whether the gateway's clock is synchronised now."""

    def __init__(self, roster: Roster, questions: Questions, trusted: Callable[[], bool]) -> None:
        self._roster, self._questions, self._trusted = roster, questions, trusted
        self._due: dict[str, float] = {}

    async def run(self) -> None:
        """Looks now and then until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            for post in tuple(self._roster):
                if post.panel.set_clock and self._trusted() and post.route is not None and post.last is not None:
                    await self._set(post)

    async def _set(self, post: PanelPost) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._due.get(post.id, 0.0):
            return
        try:
            await self._questions.synchronise_clock(post.id)
        except DriverError:
            post.count("clock_refused")
            self._due[post.id] = now + AGAIN_S
        else:
            post.count("clock_set")
            self._due[post.id] = now + EVERY_S
