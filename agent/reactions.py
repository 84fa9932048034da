"""What the site wants to happen while an alarm calls: outputs are held until somebody acknowledges or it is over.

An alarm demands the outputs of its rule only while it is active, not acknowledged, not shelved and no drill; an
output that reached its cap is demanded again only by the next occurrence.
"""

from __future__ import annotations

from collections.abc import Callable

from courtyard.agent.alarms.alarm import Alarm
from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.outputs.demands import Demands
from courtyard.agent.outputs.outputs import Outputs
from courtyard.agent.records import AlarmRecord
from courtyard.config.site import Site


class Reactions:
    """Used from the event loop only."""

    def __init__(self, book: AlarmBook, outputs: Outputs, site: Callable[[], Site]) -> None:
        self._demands, self._site = Demands(outputs), site
        self._book = book
        self._listening = False

    async def run(self) -> None:
        """Until cancelled; then everything held for an alarm is released."""
        if not self._listening:
            self._listening = True
            self._book.listen(self._heard)
        await self._demands.run()

    def _heard(self, alarm: Alarm) -> None:
        record = alarm.record
        calls = record.state == "raised" and record.shelved_until is None and not record.test
        outputs = self._outputs_of(record) if calls else ()
        self._demands.want(record.alarm_id, outputs, occasion=record.occurrence)

    def _outputs_of(self, record: AlarmRecord) -> tuple[str, ...]:
        for rule in self._site().rules:
            if rule.name == record.source and rule.kind == record.alarm_class:
                return rule.outputs
        return ()
