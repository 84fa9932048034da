"""What the site wants to happen while an alarm calls: outputs are held until somebody acknowledges or it is over.

Invariants
1. An output is held for an alarm only while that alarm is active, not acknowledged, not shelved and no drill.
2. One occurrence holds an output at most once, and never longer than the output's cap.
3. Reactions that end with the daemon release what they hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from courtyard.agent.alarms.alarm import Alarm
from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.outputs.lease import OutputRefused
from courtyard.agent.outputs.outputs import Outputs
from courtyard.agent.records import AlarmRecord
from courtyard.config.site import Site

MAX_HELD = 256
Key = tuple[str, str, int]
"""Output, alarm id, occurrence."""


class Reactions:
    """Used from the event loop only."""

    def __init__(self, book: AlarmBook, outputs: Outputs, site: Callable[[], Site]) -> None:
        self._outputs, self._site = outputs, site
        self._holding: dict[Key, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._book = book

    async def run(self) -> None:
        """Until cancelled; then every lease taken here is released."""
        async with asyncio.TaskGroup() as self._group:
            self._book.listen(self._heard)
            await asyncio.get_running_loop().create_future()

    def _heard(self, alarm: Alarm) -> None:
        record = alarm.record
        wanted = record.state == "raised" and record.shelved_until is None and not record.test
        keys = (
            {(output, record.alarm_id, record.occurrence) for output in self._outputs_of(record)} if wanted else set()
        )
        for key in [key for key in self._holding if key[1] == record.alarm_id and key not in keys]:
            self._holding.pop(key).cancel()
        for key in keys:
            if key not in self._holding and self._group is not None and len(self._holding) < MAX_HELD:
                self._holding[key] = self._group.create_task(self._hold(key))

    async def _hold(self, key: Key) -> None:
        output, holder, _ = key
        cap_s = next(each.cap_s for each in self._site().outputs if each.name == output)
        try:
            lease = await self._outputs.acquire(output, holder, cap_s)
        except OutputRefused:
            return  # recorded by the outputs, and an alarm of its own when the device does not obey
        try:
            await lease.ended
        finally:
            self._outputs.release(lease)

    def _outputs_of(self, record: AlarmRecord) -> tuple[str, ...]:
        site = self._site()
        known = {output.name for output in site.outputs}
        for rule in site.rules:
            if rule.name == record.source and rule.kind == record.alarm_class:
                return tuple(output for output in rule.outputs if output in known)
        return ()
