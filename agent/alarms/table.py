"""The life of an alarm as a table; everything that is not in it changes nothing.

The four states answer two questions, is the condition active and has a person acknowledged it:

                 not acknowledged   acknowledged
    active       raised             acknowledged
    inactive     returned           cleared

The machine follows ISA-18.2 / IEC 62682 with three turns of its own: an alarm that comes back after it returned
opens a new occurrence; a rise in severity asks for a new acknowledgement; an operator may clear what never
returns by itself (an SOS button that was pressed has no way of saying that it no longer is).

Invariants
1. Only a raise makes an alarm active, and only a raise opens an occurrence.
2. An acknowledgement never ends a condition, and an end never acknowledges.
3. What needs evidence ends only by the device's own word or an operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from courtyard.agent.records import AlarmAction, AlarmState

Event = AlarmAction | Literal["lapse"]
"""`return` is the device's own word that the condition ended; `lapse` is inferred (a time-out, a removed device)."""


class Step(NamedTuple):
    """What an event does: the state that follows, and whether a new occurrence begins."""

    state: AlarmState
    opens: bool = False


TABLE: Mapping[tuple[AlarmState, AlarmAction], Step] = {
    ("cleared", "raise"): Step("raised", opens=True),
    ("returned", "raise"): Step("raised", opens=True),
    ("acknowledged", "raise"): Step("raised", opens=True),  # the engine asks for it only where a return was withheld
    ("raised", "escalate"): Step("raised"),
    ("acknowledged", "escalate"): Step("raised"),
    ("raised", "return"): Step("returned"),
    ("acknowledged", "return"): Step("cleared"),
    ("raised", "acknowledge"): Step("acknowledged"),
    ("returned", "acknowledge"): Step("cleared"),
    ("raised", "clear"): Step("cleared"),
    ("acknowledged", "clear"): Step("cleared"),
    ("returned", "clear"): Step("cleared"),
    ("raised", "shelve"): Step("raised"),
    ("acknowledged", "shelve"): Step("acknowledged"),
    ("returned", "shelve"): Step("returned"),
    ("cleared", "shelve"): Step("cleared"),
    ("raised", "unshelve"): Step("raised"),
    ("acknowledged", "unshelve"): Step("acknowledged"),
    ("returned", "unshelve"): Step("returned"),
    ("cleared", "unshelve"): Step("cleared"),
    ("raised", "repeat"): Step("raised"),
    ("acknowledged", "repeat"): Step("acknowledged"),
}
ACTIVE: frozenset[AlarmState] = frozenset({"raised", "acknowledged"})


def step(state: AlarmState, event: Event, *, needs_evidence: bool = False) -> Step | None:
    """What the event does to an alarm in this state; None is nothing.  A new alarm starts as `cleared`."""
    if event == "lapse":
        return None if needs_evidence else TABLE.get((state, "return"))
    return TABLE.get((state, event))
