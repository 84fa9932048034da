"""What may be sent next, and how carefully: the drain policy of an uplink, without any I/O or clock of its own.

- `ORDER`: whose turn it is.  Alarms first, old or new; then what is new of every lane; then the backlog.
- `Window`: how much may be unacknowledged, so that an alarm never waits behind megabytes on a thin line.
- `Care`: how to find the one record that makes a broker hang up or refuse, and step over it.
- `Backoff`: how long to wait before the next connection.

Times are seconds of any clock that never runs backwards.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from courtyard.buffer.types import Block, Which

MAX_MESSAGES = 100
"""In flight; more makes brokers and clients slower, not faster."""
MAX_MESSAGE_BYTES = 65_536
MIN_MESSAGE_BYTES = 2_048
IN_FLIGHT_S = 0.25
"""Unacknowledged bytes are at most what the line was seen to carry in this time ..."""
FLOOR_BYTES = 16_384
"""... or this, so that a line can show what it carries."""
MESSAGES_A_WINDOW = 4
RATE_MEMORY_S = 2.0
RATE_SAMPLES = 32


def order(lanes: Sequence[str]) -> tuple[tuple[str, Which], ...]:
    """Whose turn it is, most urgent first; `lanes` are in order of priority, the first holds alarms."""
    urgent, *rest = lanes
    live: list[tuple[str, Which]] = [(lane, "live") for lane in rest]
    backlog: list[tuple[str, Which]] = [(lane, "backlog") for lane in rest]
    return ((urgent, "live"), (urgent, "backlog"), *live, *backlog)


class Sent(NamedTuple):
    """One unacknowledged message, as `Window` needs to know it again."""

    size: int
    delivered: int
    delivered_at: float
    full: bool


class Window:
    """How much may be unacknowledged at a time.

    The rate is measured as BBR does it (draft-cardwell-iccrg-bbr-congestion-control, delivery rate sampling):
    bytes acknowledged between the sending and the acknowledgement of a message, over that time; the mean of the
    last samples counts.  A sample taken while there was little to send can raise the rate but not lower it.
    """

    def __init__(self, messages: int = MAX_MESSAGES, message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self.limit = max(1, min(messages, MAX_MESSAGES))
        self.message_bytes = min(message_bytes, MAX_MESSAGE_BYTES)
        self.messages = 0
        self.bytes = 0
        self.rate_bytes_s = 0.0
        self._delivered = 0
        self._delivered_at = 0.0
        self._full = False
        self._samples: deque[tuple[float, float]] = deque(maxlen=RATE_SAMPLES)

    @property
    def window_bytes(self) -> int:
        return max(FLOOR_BYTES, int(self.rate_bytes_s * IN_FLIGHT_S))

    def room(self) -> int:
        """Bytes that the next message should have; 0 when it must wait for an acknowledgement."""
        size = min(self.message_bytes, max(MIN_MESSAGE_BYTES, self.window_bytes // MESSAGES_A_WINDOW))
        self._full = self.messages >= self.limit or (self.messages > 0 and self.bytes + size > self.window_bytes)
        return 0 if self._full else size

    def sent(self, size: int, now: float) -> Sent:
        """Counts a message of `size` bytes as unacknowledged."""
        if self.messages == 0:
            self._delivered_at = now
        self.messages += 1
        self.bytes += size
        return Sent(size, self._delivered, self._delivered_at, self.bytes + size > self.window_bytes)

    def acknowledged(self, sent: Sent, now: float) -> None:
        """Counts it as delivered and learns the rate from it."""
        self.messages -= 1
        self.bytes -= sent.size
        self._delivered += sent.size
        self._delivered_at = now
        elapsed = now - sent.delivered_at
        if elapsed > 0:
            self._learn((self._delivered - sent.delivered) / elapsed, now, sent.full or self._full)

    def _learn(self, rate: float, now: float, full: bool) -> None:
        if not full and rate < self.rate_bytes_s:
            return
        samples = self._samples
        samples.append((now, rate))
        while samples[0][0] < now - RATE_MEMORY_S:
            samples.popleft()
        self.rate_bytes_s = sum(rate for _, rate in samples) / len(samples)


Verdict = Literal["again", "aside"]

STRIKES = 2
"""Disconnects at the same head before the batch is halved."""
LONE_TRIES = 3
"""Further tries of a single record before it is set aside."""
FIRST_PAUSE_S = 1.0
LAST_PAUSE_S = 60.0

PAUSING = frozenset({0x87, 0x97})
"""Not authorised, quota exceeded: a matter of the account, not of the record; nothing is ever set aside for it."""
TOO_LARGE = 0x95


class Care:
    """How carefully one lane is sent.

    A batch at which the connection dies twice, or that is refused, is halved until the one record is alone;
    that one is tried three more times and then set aside.  `most` is the number of records a message may have
    (None: no limit); while it is set, one message at a time is in flight, so that the guilty one is known.
    """

    def __init__(self) -> None:
        self.most: int | None = None
        self.not_before = 0.0
        self._head: tuple[str, int] | None = None
        self._until: tuple[str, int] | None = None
        self._strikes = 0
        self._pause_s = FIRST_PAUSE_S

    def acknowledged(self, block: Block, which: Which) -> None:
        """The broker took it: the suspicion ends behind the last record of the batch that raised it."""
        self._pause_s = FIRST_PAUSE_S
        if self._until is None:
            return
        epoch, last = self._until
        behind = block.epoch != epoch or block.last >= last
        if behind and (which == "backlog" or (block.epoch == epoch and block.first <= last)):
            self._clear()

    def disconnected(self, block: Block, *, too_large: bool = False) -> Verdict:
        """The peer hung up with this block the oldest unacknowledged one."""
        return self._strike(block, STRIKES if too_large else 1)

    def refused(self, block: Block, reason: int, now: float) -> Verdict:
        """PUBACK with a reason code of 0x80 or more (MQTT 5.0 section 3.4.2.1)."""
        self.not_before = now + self._pause_s
        self._pause_s = min(LAST_PAUSE_S, self._pause_s * 2)
        if reason in PAUSING:
            return "again"
        return self._strike(block, STRIKES)

    def set_aside(self) -> None:
        """The record has been stepped over."""
        self._clear()

    def _strike(self, block: Block, weight: int) -> Verdict:
        head = (block.epoch, block.first)
        if head != self._head:
            self._head, self._strikes = head, 0
        lone = len(block.seqs) <= 1
        self._strikes += 1 if lone else weight
        if lone and self.most is not None:
            return "aside" if self._strikes >= LONE_TRIES else "again"
        if self._strikes >= STRIKES:
            self._strikes = 0
            self.most = max(1, len(block.seqs) // 2)
            self._until = self._until or (block.epoch, block.last)
        return "again"

    def _clear(self) -> None:
        self.most = self._head = self._until = None
        self._strikes = 0


FIRST_BACKOFF_S = 1.0
LAST_BACKOFF_S = 60.0


class Backoff:
    """Waiting times before connecting again: doubling from 1 s to 60 s, each between a half and all of it."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._next_s = FIRST_BACKOFF_S

    def reset(self) -> None:
        """The broker took something: the next failure is a new one."""
        self._next_s = FIRST_BACKOFF_S

    def wait_s(self) -> float:
        wait_s, self._next_s = self._next_s, min(LAST_BACKOFF_S, self._next_s * 2)
        return wait_s * (0.5 + self._random() / 2)
