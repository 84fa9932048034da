"""The hours of the night that a `night_flow` rule looks at: local times of day, perhaps over midnight."""

from __future__ import annotations

import datetime
from typing import Final

NIGHT_FLOW_FOR_S: Final = 7200.0
"""How long water must flow without a rest when the rule does not say (`for`)."""
DAY: Final = datetime.timedelta(days=1)


def length_s(start: str, end: str) -> float:
    """Seconds from `start` to the next `end` (`HH:MM`), on a day of 24 hours; equal times are a whole day apart."""
    began = datetime.datetime.combine(datetime.date.min, datetime.time.fromisoformat(start))
    ended = datetime.datetime.combine(datetime.date.min, datetime.time.fromisoformat(end))
    return ((ended - began) % DAY or DAY).total_seconds()


def night_after(at_ms: int, start: str, end: str, timezone: datetime.tzinfo) -> tuple[int, int]:
    """Start and end (Unix, milliseconds) of the night that is under way at this instant, or else of the next."""
    begins, ends = datetime.time.fromisoformat(start), datetime.time.fromisoformat(end)
    over_midnight = DAY if ends <= begins else datetime.timedelta()
    first = datetime.datetime.fromtimestamp(at_ms / 1000, timezone).date() - DAY
    for day in (first, first + DAY, first + 2 * DAY):
        since = datetime.datetime.combine(day, begins, timezone).timestamp()
        until = datetime.datetime.combine(day + over_midnight, ends, timezone).timestamp()
        if at_ms < until * 1000:
            return round(since * 1000), round(until * 1000)
    raise AssertionError("a night of tomorrow ends after now")
