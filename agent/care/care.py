"""Keeps the discretion of a running gateway in step with what the residents agreed to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path

from courtyard.agent.care.consents import Consents
from courtyard.agent.care.discretion import Discretion
from courtyard.config.care import Resident
from courtyard.drivers.base import Fault, Text

LOOK_S = 2.0
CURE = Text("See courtyard residents audit.", "请运行 courtyard residents audit 查看。")


class Care:
    """Used from the event loop only."""

    def __init__(
        self,
        file: Path,
        residents: Iterable[Resident],
        *,
        health: Callable[[Fault | None], None],
        changed: Callable[[str, bool], None],
        erase: Callable[[Collection[str]], Awaitable[int]],
        wall_ms: Callable[[], int],
    ) -> None:
        """`health` is told what is wrong with the file of acts, `changed` whose consent is new (True) or withdrawn.

        `erase` erases what this box has kept of some devices, and says how much that was.
        """
        self._consents = Consents(file)
        self._residents = tuple(residents)
        self._health, self._changed, self._erase, self._wall_ms = health, changed, erase, wall_ms
        self._looked = False
        self.discretion = Discretion(self._residents, self._consents.granted)

    @property
    def consents(self) -> Consents:
        """Who agreed to what, as it was at the last look."""
        return self._consents

    def adjust(self, residents: Iterable[Resident]) -> None:
        """From now on for these residents."""
        self._residents = tuple(residents)
        self.discretion.adjust(self._residents)

    async def run(self) -> None:
        """Looks at the acts now and then, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()
            await self._fulfil()

    def look(self) -> None:
        """Takes what was added to the file since the last look."""
        consents, first = self._consents, not self._looked
        names = [resident.id for resident in self._residents]
        before = {name: consents.granted(name) for name in names}
        try:
            consents.refresh()
        except OSError as error:
            what = Text(f"The consents of residents cannot be read: {error}.", f"无法读取住户同意记录：{error}。")
            self._health(Fault("residents.unreadable", what, CURE))
            return
        self._looked = True
        damage = consents.damage
        self._health(Fault("residents.damaged", damage.text, CURE) if damage else None)
        for name in names:
            if not first and consents.granted(name) != before[name]:
                self._changed(name, not before[name])

    async def _fulfil(self) -> None:
        """Erases what residents wished to be erased; of those that are not in the site no devices are known."""
        wishes = self._consents.to_erase()
        for resident in self._residents:
            if resident.id in wishes:
                count = await self._erase(resident.devices)
                self._consents.add("erased", resident.id, by="courtyard", note=f"{count} series", at_ms=self._wall_ms())
