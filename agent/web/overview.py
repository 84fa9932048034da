"""The one sentence that a person needs first, and the counts beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import attrgetter
from typing import Literal

import msgspec

from courtyard.agent.web.model import Device, State, Trouble, Uplink, Words

_state = attrgetter("state")
Mood = Literal["well", "busy", "warn", "danger"]
"""Nothing is wrong; all that is wrong is being looked after; somebody is needed soon; somebody is needed now."""


class Headline(msgspec.Struct, frozen=True):
    """The state of the whole site in one sentence: the worst thing first, since when, and what to do."""

    mood: Mood
    sentence: Words
    more: int
    cure: Words | None = None
    since_ms: int | None = None
    trouble: Trouble | None = None


class Counts(msgspec.Struct, frozen=True):
    """What the tiles show."""

    devices: int
    answering: int
    open_alarms: int
    uplinks: int
    connected: int
    states: dict[State, int]


def headline(troubles: Sequence[Trouble]) -> Headline:
    """`troubles`, the worst first."""
    pending = [trouble for trouble in troubles if not trouble.acknowledged]
    if not troubles:
        return Headline("well", Words("All is well.", "一切正常。"), 0)
    if not pending:
        count = len(troubles)
        several = "s" * (count != 1)
        sentence = Words(
            f"{count} problem{several} being looked after, nothing new.", f"{count} 个问题正在处理，没有新问题。"
        )
        return Headline("busy", sentence, count - 1, troubles[0].cure, troubles[0].since_ms, troubles[0])
    worst = pending[0]
    mood: Mood = "danger" if worst.severity <= 2 else "warn"
    return Headline(mood, _with_own(worst, pending[1:]), len(pending) - 1, worst.cure, worst.since_ms, worst)


def _with_own(worst: Trouble, others: Sequence[Trouble]) -> Words:
    """The worst thing; what is wrong with the gateway itself is named behind it."""
    own = [other.title for other in others if other.own]
    if not own:
        return worst.what
    return Words(
        f"{worst.what.en} Also: {'; '.join(title.en for title in own)}.",
        f"{worst.what.zh}另外：{'；'.join(title.zh for title in own)}。",
    )


def counts(devices: Sequence[Device], open_alarms: int, uplinks: Sequence[Uplink]) -> Counts:
    """Counts for the tiles."""
    states: Counter[State] = Counter(map(_state, devices))
    answering = states["ok"] + states["alarm"]
    connected = sum(uplink.connected_since_ms is not None for uplink in uplinks)
    return Counts(len(devices), answering, open_alarms, len(uplinks), connected, dict(states))
