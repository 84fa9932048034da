"""What people and platforms do with alarms: acknowledge, clear, shelve; confirm receipt.

Invariants
1. An acknowledgement is a person's act and stops the calling; a receipt is a platform's and only proves the way there.
2. What is refused is named in both languages and changes nothing.
3. What belongs to an act is kept with it in one append, or not at all.
4. A receipt that waited for the disk undoes no change that overtook it.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from courtyard.agent.alarms.alarm import Alarm
from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.alarms.table import step
from courtyard.agent.recorder import NOTHING, Also
from courtyard.agent.records import AlarmAction, AlarmState, instant
from courtyard.agent.refusal import Refusal
from courtyard.buffer import Appended
from courtyard.drivers.base import Text

SHELF_MS: Final = {1: 3_600_000, 2: 7 * 86_400_000, 3: 7 * 86_400_000, 4: 7 * 86_400_000}
"""Longest shelf by severity; at severity 1 a new occurrence ends it besides."""
_STATE: Final[dict[AlarmState, Text]] = {
    "raised": Text("active", "报警中"),
    "acknowledged": Text("acknowledged", "已确认"),
    "returned": Text("over", "已恢复"),
    "cleared": Text("cleared", "已解除"),
}


class ActRefused(Refusal):
    """This alarm does not allow what was asked."""


class Acts:
    """Every method returns the append that keeps the act, together with `also`; raises ActRefused or JournalError."""

    def __init__(self, book: AlarmBook) -> None:
        self._book = book

    def acknowledge(
        self, alarm_id: str, person: str, reason: str, *, occurrence: int | None = None, also: Also = NOTHING
    ) -> asyncio.Future[Appended]:
        """A person takes it on.  With `occurrence`, only that one."""
        members = {"acknowledged_by": person, "acknowledged_at": self._now(), "reason": reason}
        return self._act(alarm_id, "acknowledge", occurrence, also, members)

    def clear(
        self, alarm_id: str, person: str, reason: str, *, occurrence: int | None = None, also: Also = NOTHING
    ) -> asyncio.Future[Appended]:
        """An operator ends it by hand.  A condition that still holds raises it anew when it next says so."""
        members = {"cleared_by": person, "reason": reason, "flapping": False}
        return self._act(alarm_id, "clear", occurrence, also, members)

    def shelve(
        self, alarm_id: str, person: str, reason: str, until_ms: int, *, also: Also = NOTHING
    ) -> asyncio.Future[Appended]:
        """Stops the calling until an end time (Unix, milliseconds) within SHELF_MS; the alarm's life goes on."""
        longest_ms = SHELF_MS[self._known(alarm_id).record.severity]
        if not 0 < until_ms - self._book.recorder.clock.wall_ms() <= longest_ms:
            hours = longest_ms // 3_600_000
            raise ActRefused(
                "shelf.length",
                Text(f"The end must lie within the next {hours} h.", f"搁置结束时间必须在今后 {hours} 小时以内。"),
            )
        members = {"shelved_until": instant(until_ms), "shelved_by": person, "reason": reason}
        return self._act(alarm_id, "shelve", None, also, members)

    def unshelve(self, alarm_id: str, reason: str, *, also: Also = NOTHING) -> asyncio.Future[Appended]:
        """Ends shelving before its time."""
        if self._known(alarm_id).record.shelved_until is None:
            raise ActRefused("alarm.not_shelved", Text("The alarm is not shelved.", "该报警未被搁置。"))
        members = {"shelved_until": None, "shelved_by": None, "reason": reason}
        return self._act(alarm_id, "unshelve", None, also, members)

    def received(self, by: str, alarm_id: str, occurrence: int, *, also: Also = NOTHING) -> asyncio.Future[Appended]:
        """A platform confirms that it has this occurrence; no person has seen it yet.  Repeats are harmless."""
        alarm = self._known(alarm_id)
        _check_occurrence(alarm, occurrence)
        return self._book.receipt(alarm, by, also)

    def _act(
        self, alarm_id: str, action: AlarmAction, occurrence: int | None, also: Also, members: dict[str, Any]
    ) -> asyncio.Future[Appended]:
        alarm = self._known(alarm_id)
        if occurrence is not None:
            _check_occurrence(alarm, occurrence)
        if step(alarm.state, action) is None:
            word = _STATE[alarm.state]
            raise ActRefused(
                f"alarm.{alarm.state}", Text(f"The alarm is {word.en} already.", f"该报警当前状态为“{word.zh}”。")
            )
        return self._book.change(alarm, action, self._book.recorder.now(), also=also, **members)

    def _known(self, alarm_id: str) -> Alarm:
        alarm = self._book.get(alarm_id)
        if alarm is None:
            name = alarm_id[:200]
            raise ActRefused("alarm.unknown", Text(f"No alarm {name} is known.", f"没有名为 {name} 的报警。"))
        return alarm

    def _now(self) -> str:
        return instant(self._book.recorder.clock.wall_ms())


def _check_occurrence(alarm: Alarm, occurrence: int) -> None:
    present = alarm.record.occurrence
    if occurrence != present:
        raise ActRefused(
            "alarm.occurrence",
            Text(
                f"The present occurrence is {present}, not {occurrence}.",
                f"该报警当前为第 {present} 次，而不是第 {occurrence} 次。",
            ),
        )
