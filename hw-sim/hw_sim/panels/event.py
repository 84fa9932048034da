"""What happens in a building, before a panel puts it into its own words."""

from __future__ import annotations

import datetime
from typing import Literal, NamedTuple

Kind = Literal[
    "fire", "fault", "fault_end", "isolate", "release", "start", "stop", "feedback", "mains_fault", "mains_end",
    "battery_fault", "battery_end", "silence", "reset",
]  # fmt: skip
Detector = Literal["smoke", "heat", "manual", "module", "panel"]


class Event(NamedTuple):
    """One thing that a panel notices, at its own local time."""

    kind: Kind
    at: datetime.datetime
    controller: int = 1
    loop: int = 1
    point: int = 1
    detector: Detector = "smoke"
    text: str = ""


class Happening(NamedTuple):
    """An event and when it happens, in seconds from the beginning of the incident."""

    after_s: float
    event: Event
