"""Keeps the discretion of a running gateway in step with what the residents agreed to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
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
    ) -> None:
        """`health` is told what is wrong with the file of acts, `changed` whose consent is new (True) or withdrawn."""
        self._consents = Consents(file)
        self._residents = tuple(residents)
        self._health, self._changed = health, changed
        self._looked = False
        self.discretion = Discretion(self._residents, self._consents.granted)

    def adjust(self, residents: Iterable[Resident]) -> None:
        """From now on for these residents."""
        self._residents = tuple(residents)
        self.discretion.adjust(self._residents)

    async def run(self) -> None:
        """Looks at the acts now and then, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

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
