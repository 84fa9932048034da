"""Lanes and their turns, and what is on its way of them."""

from __future__ import annotations

import msgspec

from courtyard.agent.uplinks import send
from courtyard.buffer.types import Block, Which

TYPICAL_RECORD_BYTES = 256


class Lane:
    """What is known of one lane: where it goes, how carefully it is sent, how large its records are."""

    __slots__ = ("care", "most", "name", "record_bytes", "topic")

    def __init__(self, name: str, topic: str) -> None:
        self.name, self.topic = name, topic
        self.care = send.Care()
        self.most = send.MAX_MESSAGE_BYTES
        self.record_bytes = TYPICAL_RECORD_BYTES


class Turn:
    """Live or backlog of one lane, in the order of their turns.

    `empty` while the feed has said that there is nothing and has not changed since.  `blanks` are consecutive blocks
    of which the filter left nothing: they travel with the next message, or alone after 2 s.
    """

    __slots__ = ("blanks", "blanks_until", "empty", "lane", "which")

    def __init__(self, lane: Lane, which: Which) -> None:
        self.lane, self.which = lane, which
        self.empty = False
        self.blanks: list[Block] = []
        self.blanks_until = 0.0


class Flight(msgspec.Struct, eq=False):
    """Blocks on their way as one range, records only in the last; `parts` messages of it are unacknowledged."""

    run: list[Block]
    turn: Turn
    at: float
    parts: int
    reason: int = 0
    """The worst answer so far."""


def joins(left: Block, right: Block) -> bool:
    """Whether `right` goes on where `left` ends."""
    return (left.epoch, left.boot, left.last + 1) == (right.epoch, right.boot, right.first)
