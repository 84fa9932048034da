"""When the records of a lane went out to each platform and came back confirmed: a feed that is looked at."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, NamedTuple

from courtyard.buffer.feed import Feed
from courtyard.buffer.types import Backlog, Block, Which

LANE: Final = "alarm"
MOST: Final = 256


class Passed(NamedTuple):
    """A range of the alarm lane, and when (in the event loop's seconds)."""

    epoch: str
    first: int
    last: int
    at: float


class Passages:
    """What passed lately, per uplink: `served` was handed to the connection, `confirmed` came back from it."""

    def __init__(self) -> None:
        self._served: dict[str, deque[Passed]] = {}
        self._confirmed: dict[str, deque[Passed]] = {}
        self.changed = asyncio.Event()

    def watch(self, name: str, feed: Feed) -> WatchedFeed:
        """The same feed, looked at."""
        self._served[name] = deque(maxlen=MOST)
        self._confirmed[name] = deque(maxlen=MOST)
        return WatchedFeed(feed, self._served[name], self._confirmed[name], self.changed)

    def served(self, name: str, epoch: str, seq: int) -> float | None:
        """When this record first went out to this uplink."""
        return _first(self._served.get(name), epoch, seq)

    def confirmed(self, name: str, epoch: str, seq: int) -> float | None:
        """When this uplink's platform first confirmed this record (PUBACK, or the confirmation of a centre)."""
        return _first(self._confirmed.get(name), epoch, seq)


class WatchedFeed:
    """Does what the journal's feed does."""

    def __init__(self, feed: Feed, served: deque[Passed], confirmed: deque[Passed], changed: asyncio.Event) -> None:
        self._feed, self._served, self._confirmed, self._changed = feed, served, confirmed, changed
        self.mark_live, self.release, self.set_aside = feed.mark_live, feed.release, feed.set_aside
        self.wait, self.resend = feed.wait, feed.resend

    async def next(self, lane: str, *, which: Which, max_bytes: int, max_records: int) -> Block | None:
        block = await self._feed.next(lane, which=which, max_bytes=max_bytes, max_records=max_records)
        if block is not None and lane == LANE:
            self._note(self._served, block)
        return block

    def ack(self, block: Block) -> None:
        self._feed.ack(block)
        if block.lane == LANE:
            self._note(self._confirmed, block)

    def backlog(self, lane: str) -> Backlog:
        return self._feed.backlog(lane)

    def _note(self, passed: deque[Passed], block: Block) -> None:
        passed.append(Passed(block.epoch, block.first, block.last, asyncio.get_running_loop().time()))
        self._changed.set()


def _first(passed: deque[Passed] | None, epoch: str, seq: int) -> float | None:
    return next((each.at for each in passed or () if each.epoch == epoch and each.first <= seq <= each.last), None)
