"""A paced serial line: bytes take their bit-times, one station at a time, faults at run time.

End `a` is a pseudo terminal behind a symbolic link, as a daemon would open it.  End `b` is a second one, or a
station in this process (`attach`), which saves a pty and knows the exact times of every byte.

The schedule is absolute: the n-th byte of a burst is delivered n character times after the burst began, and a
late delivery delays no other, so errors do not add up.  Bytes that both ends send at once destroy each other.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hw_sim.terminal import Terminal
from hw_sim.timer import PreciseTimer
from hw_sim.wire import OTHER, Burst, LineFaults, Side, Silences, Station, Timer


@dataclass
class _End:
    terminal: Terminal | None = None
    station: Station | None = None
    sending: deque[Burst] = field(default_factory=deque)
    received: int = 0
    undelivered: int = 0
    """Bytes that nobody could receive: unplugged, or the buffer of whoever should read is full."""


class Line:
    """One line at `baud` with `bits` bit-times a byte (11 for 8E1 and 8N2, 10 for 8N1).

    `fifo` bytes are handed to a pty at a time, as a UART with a receive buffer does; the last byte of a burst
    never waits.
    """

    def __init__(
        self,
        link_a: Path | None,
        link_b: Path | None = None,
        *,
        baud: int = 9600,
        bits: int = 11,
        fifo: int = 1,
        seed: int = 1,
        now: Callable[[], float] = time.monotonic,
        timer: Callable[[Callable[[], None]], Timer] = PreciseTimer,
    ) -> None:
        self.baud = baud
        self.bits = bits
        self.char_s = bits / baud
        self.fifo = fifo
        self.faults = LineFaults()
        self.silences = Silences(self.char_s)
        self.collisions = 0
        self.worst_lateness_s = 0.0
        self._chance = random.Random(seed)
        self._ends: dict[Side, _End] = {"a": _End(), "b": _End()}
        if link_a is not None:
            self._ends["a"].terminal = Terminal(link_a, lambda data: self._written("a", data))
        if link_b is not None:
            self._ends["b"].terminal = Terminal(link_b, lambda data: self._written("b", data))
        self._now = now
        self._make_timer = timer
        self._timer: Timer | None = None

    # Life

    def open(self) -> Line:
        """Makes the ptys and links; needs a running event loop."""
        self._timer = self._make_timer(self._deliver)
        for side in self._ends:
            self.replug(side)
        return self

    def close(self) -> None:
        for side in self._ends:
            self.unplug(side)
        if self._timer is not None:
            self._timer.close()
            self._timer = None

    def attach(self, station: Station, side: Side = "b") -> None:
        """Puts a station of this process at an end."""
        self._ends[side].station = station

    @property
    def path(self) -> Path:
        """What a daemon opens."""
        terminal = self._ends["a"].terminal
        assert terminal is not None
        return terminal.link

    # Faults

    def unplug(self, side: Side = "a") -> None:
        """The adapter is pulled: its path vanishes and whoever has it open gets EIO or a hang-up."""
        end = self._ends[side]
        if end.terminal is not None:
            end.terminal.unplug()
            for burst in end.sending:
                burst.damage()
            end.sending.clear()

    def replug(self, side: Side = "a") -> None:
        """A fresh pty behind the same path."""
        terminal = self._ends[side].terminal
        if terminal is not None:
            terminal.plug()

    def inject(self, data: bytes, side: Side = "a") -> None:
        """Bytes out of nowhere, received at `side` at once."""
        now = self._now()
        self._hand(side, data, now, now)

    # Sending

    def transmit(
        self, data: bytes, at: float = 0.0, on_damage: Callable[[], None] | None = None, side: Side = "b"
    ) -> Burst:
        """Sends from a station of this process, beginning at `at` (0: now).

        A time just passed is kept: what this process was late for does not delay the line.
        """
        return self._send(side, data, at or self._now(), on_damage)

    def cancel(self, burst: Burst) -> bool:
        """Takes back a burst that has not begun; False when it is too late."""
        sending = self._ends["b"].sending
        if burst not in sending or burst.start <= self._now():
            return False
        sending.remove(burst)
        return True

    # What was seen

    def shortest_silence_s(self, side: Side = "a") -> float | None:
        """The shortest silence in front of a frame of `side`; None before the second frame.

        A pty tells when bytes were read, not written, so a silence can be measured too long by the reading
        latency, never too short.
        """
        return self.silences.shortest_s(side)

    def forget(self) -> None:
        """Begins the statistics anew."""
        self.silences.heard.clear()
        self.collisions = 0
        self.worst_lateness_s = 0.0

    def counters(self) -> dict[str, float]:
        return {
            "received_a": self._ends["a"].received,
            "received_b": self._ends["b"].received,
            "undelivered": sum(end.undelivered for end in self._ends.values()),
            "collisions": self.collisions,
            "worst_lateness_ms": round(self.worst_lateness_s * 1000, 3),
        }

    # Machinery

    def _written(self, side: Side, data: bytes) -> None:
        self._send(side, data, self._now(), None)

    def _send(self, side: Side, data: bytes, at: float, on_damage: Callable[[], None] | None) -> Burst:
        sending = self._ends[side].sending
        index = len(sending)
        while index and not sending[index - 1].told and sending[index - 1].asked > at:
            index -= 1
        burst = Burst(data, at, on_damage)
        sending.insert(index, burst)
        self._line_up(sending)
        if burst is sending[0] and at <= self._now():
            self._begin(side, burst)
        self._wind()
        return burst

    def _line_up(self, sending: deque[Burst]) -> None:
        """One side sends one burst after the other."""
        stop = 0.0
        for burst in sending:
            burst.start = max(burst.start, stop)
            stop = burst.stop(self.char_s)

    def _begin(self, side: Side, burst: Burst) -> None:
        """The first bit of a burst stands on the wire."""
        burst.told = True
        stop = burst.stop(self.char_s)
        self.silences.began(side, burst.start, stop, len(burst.data))
        for other in self._ends[OTHER[side]].sending:
            overlap = (burst.start, min(stop, other.stop(self.char_s)))
            if other.told and overlap[0] < overlap[1]:
                burst.overlaps.append(overlap)
                other.overlaps.append(overlap)
                self.collisions += 1

    def _wind(self) -> None:
        """Sets the timer to the next byte that is due."""
        due = [self._due(side, end.sending[0]) for side, end in self._ends.items() if end.sending]
        if due and self._timer is not None:
            self._timer.set(min(due))

    def _due(self, side: Side, burst: Burst) -> float:
        if not burst.told:
            return burst.start
        return burst.start + self._stop(side, burst) * self.char_s

    def _stop(self, side: Side, burst: Burst) -> int:
        """How many bytes of the burst have arrived when the receiver is next handed some."""
        whole = self._ends[OTHER[side]].station is not None and not self.faults.echo
        return len(burst.data) if whole else min(burst.position + self.fifo, len(burst.data))

    def _deliver(self) -> None:
        now = self._now()
        for side, end in self._ends.items():
            while end.sending and self._due(side, end.sending[0]) <= now:
                burst = end.sending[0]
                if not burst.told:
                    self._begin(side, burst)
                    continue
                self.worst_lateness_s = max(self.worst_lateness_s, now - self._due(side, burst))
                arrived = min(len(burst.data), int((now - burst.start) / self.char_s))
                self._carry(side, burst, max(arrived, self._stop(side, burst)))
                if burst.position >= len(burst.data):
                    end.sending.popleft()
        self._wind()

    def _carry(self, side: Side, burst: Burst, arrived: int) -> None:
        """Delivers the bytes of a burst up to `arrived`, or up to a stall."""
        faults = self.faults
        first, begun, end = burst.position, burst.start + burst.position * self.char_s, 0.0
        if not (faults.noise or faults.drop or faults.late_s or burst.overlaps):
            burst.position = arrived
            self._arrive(side, burst, burst.data[first:arrived], begun, burst.start + arrived * self.char_s)
            return
        out = bytearray()
        for position in range(first, arrived):
            byte = burst.data[position]
            burst.position = position + 1
            start, end = burst.start + position * self.char_s, burst.start + (position + 1) * self.char_s
            if any(since < end and start < until for since, until in burst.overlaps):
                byte = self._chance.randrange(256)
                burst.damage()
            if faults.drop and self._chance.random() < faults.drop:
                burst.damage()
                continue
            if faults.noise and self._chance.random() < faults.noise:
                byte ^= 1 << self._chance.randrange(8)
                burst.damage()
            out.append(byte)
            if faults.late_s and self._chance.random() < faults.late_share:
                burst.start += faults.late_s
                self.silences.stalled(faults.late_s)
                self._line_up(self._ends[side].sending)
                break
        self._arrive(side, burst, bytes(out), begun, end)

    def _arrive(self, side: Side, burst: Burst, data: bytes, start: float, end: float) -> None:
        if not data:
            return
        if not self._hand(OTHER[side], data, start, end):
            burst.damage()
        if self.faults.echo and side == "a":
            self._hand("a", data, start, end)

    def _hand(self, side: Side, data: bytes, start: float, stop: float) -> bool:
        """Whether there was somebody to receive the bytes."""
        end = self._ends[side]
        end.received += len(data)
        if end.station is not None:
            end.station.heard(data, start, stop)
            return True
        written = 0 if end.terminal is None else end.terminal.write(data)
        end.undelivered += len(data) - written
        return written == len(data)
