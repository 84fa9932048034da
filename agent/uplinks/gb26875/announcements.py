"""What a centre gets unasked besides alarms and operations: who this device is, what it serves, what it measures.

Invariants
1. An announcement that a centre denies, or says nothing to, ends no connection and holds up nothing: many centres know
   only states and operations.
2. After each connection, and whenever the site has changed, everything is described once.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from courtyard.agent.uplinks.gb26875.analogues import analogues
from courtyard.agent.uplinks.gb26875.answers import Answers, Own
from courtyard.agent.uplinks.gb26875.link import CentreLink
from courtyard.drivers.fire.gb26875.objects import TYPES, InformationObject

MOST_VALUES: Final = 16
Build = Callable[[int, Sequence[InformationObject]], Callable[[int], bytes]]
"""From type and objects to what makes a packet of a serial number."""


class Announcements:
    """Of one uplink; each of the two tasks has one packet on the way."""

    def __init__(self, answers: Answers, own: Own, build: Build, every_s: float) -> None:
        self._answers, self._own, self._build, self._every_s = answers, own, build, every_s
        self._changed = asyncio.Event()
        self.counts: Counter[str] = Counter()
        """`announced`, `unwanted`: confirmed, and denied or not answered."""

    def site_changed(self) -> None:
        """Everything is described once more."""
        self._changed.set()

    async def describe(self, link: CentreLink) -> None:
        """Versions and configurations (types 25, 26 and 6), until cancelled."""
        while True:
            self._changed.clear()
            for kind, items in self._descriptions():
                if not await self._told(link, "description", kind, items):
                    break
            await self._changed.wait()

    async def measure(self, link: CentreLink) -> None:
        """Measured values (type 3), every so often until cancelled."""
        while True:
            reports = [report.item for report in analogues(self._own.quantities(), self._own.measure)]
            for items in _parts(reports, MOST_VALUES):
                if not await self._told(link, "measured", 3, items):
                    break
            await asyncio.sleep(self._every_s)

    def _descriptions(self) -> Iterator[tuple[int, Sequence[InformationObject]]]:
        yield 25, [self._answers.version()]
        yield 26, [self._answers.configuration()]
        for systems in _parts(self._answers.systems(), TYPES[6].most):
            yield 6, systems

    async def _told(self, link: CentreLink, key: str, kind: int, items: Sequence[InformationObject]) -> bool:
        """Whether the centre said anything."""
        settled = await link.exchange(key, self._build(kind, items))
        self.counts["announced" if settled.reply else "unwanted"] += 1
        return settled.reply is not None or settled.denied


def _parts(items: Sequence[InformationObject], most: int) -> Iterator[Sequence[InformationObject]]:
    return (items[at : at + most] for at in range(0, len(items), most))
