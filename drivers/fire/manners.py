"""How the panels of each protocol behave on their line: who polls whom, and what their silence means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from courtyard.drivers.fire import jbf, ld128
from courtyard.drivers.fire.framing import FlawCode
from courtyard.drivers.fire.settings import FirePanel
from courtyard.drivers.fire.watch import Silence


class Poll(NamedTuple):
    """What a host says by itself, and how often."""

    build: Callable[[], bytes]
    every_s: float


class Manners(NamedTuple):
    """`silence_s` is None where a healthy panel may be silent for ever.

    With a `poll`, it counts only while we poll.  `benign` flaws are no sign of a bad line.
    """

    silence: Silence
    silence_s: float | None
    speak: bool = True
    poll: Poll | None = None
    benign: frozenset[FlawCode] = frozenset({"noise", "unsupported"})


MANNERS: Mapping[str, Manners] = {
    "gb26875": Manners("heartbeat_missing", 90.0),  # heartbeats come every 20 to 30 s
    "jbf": Manners("panel_silent", 10.0, speak=False, poll=Poll(jbf.poll, 1.0)),
    "ld128": Manners("panel_silent", 10.0, speak=False, poll=Poll(ld128.poll, 0.2)),
    "jb3208": Manners("poll_missing", 30.0),
    "fs5101": Manners("poll_missing", 10.0),
    "espa": Manners("poll_missing", 30.0),
    "gst24": Manners("heartbeat_missing", 60.0),
    "gst232": Manners("heartbeat_missing", None),
    "gst-printer": Manners("heartbeat_missing", None, benign=frozenset({"noise", "content"})),
}


def speaks(panel: FirePanel) -> bool:
    """Whether anything may be sent to this panel."""
    return MANNERS[panel.protocol].speak if panel.speak is None else panel.speak


def silence_s(panel: FirePanel) -> float | None:
    """The longest silence of this panel while it is healthy."""
    manners = MANNERS[panel.protocol]
    if panel.silence_s is not None:
        return panel.silence_s
    return manners.silence_s if manners.poll is None or speaks(panel) else None
