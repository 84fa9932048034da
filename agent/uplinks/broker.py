"""What a broker takes, what it sends us, and what it says for us when we are gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

MAX_IN_FLIGHT = 100
MAX_PACKET_BYTES = 268_435_455
"""MQTT 5.0 section 2.1.4: the largest remaining length."""


class Will(NamedTuple):
    """What the broker publishes, retained, when this connection dies."""

    topic: str
    payload: bytes


class Incoming(NamedTuple):
    """A message for this gateway; `acknowledge` when it has been dealt with: the broker sends at most 20 ahead."""

    topic: str
    payload: bytes
    retained: bool
    acknowledge: Callable[[], None]
    remaining_s: float | None = None
    """What was left of the message's expiry interval (MQTT 5), where it had one."""


class Limits(NamedTuple):
    """What the broker takes: messages unacknowledged at a time, and bytes of one whole packet."""

    messages: int = MAX_IN_FLIGHT
    packet_bytes: int = MAX_PACKET_BYTES
