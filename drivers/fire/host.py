"""A host of panels that speak only when they are polled (JBF, LD128E): polls while nobody else does."""

from __future__ import annotations

import asyncio

from courtyard.drivers.fire.faults import panel_fault
from courtyard.drivers.fire.manners import Poll, speaks
from courtyard.drivers.fire.roster import Roster
from courtyard.drivers.progress import Progress

LISTEN_FIRST_S = 5.0
"""So long no other host must have polled before this one does."""
ECHO_S = 0.15
"""A poll that is heard so soon after one's own, or after an answer that is the same, is its echo."""
OTHER_HOST = "other_host"


class Host:
    """Polls the only panel of its line."""

    def __init__(self, roster: Roster, progress: Progress) -> None:
        self._roster, self._progress = roster, progress
        self._loop = asyncio.get_running_loop()
        self._other_at = self._polled_at = -ECHO_S

    async def run(self, poll: Poll) -> None:
        """Polls until cancelled; listens first."""
        self._other_at = self._loop.time()
        while True:
            self._progress.expect("host", poll.every_s)
            await asyncio.sleep(poll.every_s)
            post, now = self._roster.first, self._loop.time()
            if now - self._other_at < LISTEN_FIRST_S:
                continue
            if post.trouble is not None and post.trouble.code == f"panel.{OTHER_HOST}":
                post.trouble = None
            if post.say(poll.build()):
                self._polled_at = now
                post.count("polls")

    def heard_poll(self, now: float) -> None:
        """Somebody polls this panel: another host, or the echo of one's own poll."""
        if now - self._polled_at < ECHO_S:
            return
        self._other_at = now
        post = self._roster.first
        if speaks(post.panel):
            post.trouble = panel_fault(OTHER_HOST)
