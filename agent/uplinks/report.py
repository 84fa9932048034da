"""How one uplink fares, for the page and the command line."""

from __future__ import annotations

import msgspec

from courtyard.buffer.types import Backlog
from courtyard.drivers.base import Fault


class Report(msgspec.Struct, frozen=True):
    """How one uplink fares; times are Unix milliseconds, sizes bytes.

    `drain_left_s` is the backlog over the measured rate, None while that is not known.
    """

    name: str
    url: str
    connected_since_ms: int | None
    protocol: str | None
    fault: Fault | None
    in_flight_messages: int
    in_flight_bytes: int
    rate_bytes_s: float
    backlog: dict[str, Backlog]
    oldest_at_ms: int | None
    drain_left_s: float | None
    messages: int
    records: int
    gaps: int
    refused: int
    set_aside: int
    no_subscriber: int
    commands: int
    commands_dropped: int
    outcomes_dropped: int
    connections: int
