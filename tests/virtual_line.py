"""A broker at the end of a line, on a virtual clock: so many bytes a second, so long a delay, and moods of its own.

Stands in for `courtyard.agent.uplinks.mqtt.Session`; what it takes goes into a ledger with the time of arrival.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from courtyard.agent.uplinks.broker import Incoming, Limits, Will
from courtyard.agent.uplinks.faults import CLOSED_EARLY, LOST, Refused
from courtyard.drivers.base import Fault
from hw_sim.ledger import Ledger

Mood = Callable[[str, bytes], int | None]
"""Answers a message (topic, payload) with a reason code; None hangs up."""

LINE_LOST = LOST.fault(host="platform", port=1883, error="ECONNRESET")


class Platform:
    """What all sessions with one broker share; `connect` is what an uplink calls to get one.

    bytes_s, delay_s  of the line, each way; a message is acknowledged when it has arrived whole
    """

    def __init__(self, *, bytes_s: float = 1e6, delay_s: float = 0.02, limits: Limits | None = None) -> None:
        self.ledger = Ledger()
        self.arrivals: list[tuple[float, str, dict[str, Any]]] = []
        self.retained: dict[str, bytes] = {}
        self.bytes_s, self.delay_s, self.limits = bytes_s, delay_s, limits or Limits()
        self.mood: Mood = lambda _topic, _payload: 0
        self.reachable = True
        self.session: VirtualSession | None = None
        self.connections = 0
        self.most_in_flight = self.most_bytes_in_flight = 0

    async def connect(self, will: Will, incoming: Callable[[Incoming], None]) -> Any:
        await asyncio.sleep(2 * self.delay_s)
        if not self.reachable:
            raise Refused(CLOSED_EARLY.fault(host="platform", port=1883))
        self.connections += 1
        self.session = VirtualSession(self, incoming)
        return self.session

    def cut(self, fault: Fault = LINE_LOST) -> None:
        """The line is lost with everything on it."""
        if self.session is not None:
            self.session.abandon(fault)


class VirtualSession:
    """One connection to the platform."""

    version = 5

    def __init__(self, platform: Platform, incoming: Callable[[Incoming], None]) -> None:
        self._platform, self._incoming = platform, incoming
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[Fault | None] = self._loop.create_future()
        self.limits = platform.limits
        self._free_at = 0.0
        self._in_flight = self._bytes_in_flight = 0

    @property
    def open(self) -> bool:
        return not self.ended.done()

    def publish(self, topic: str, payload: bytes, done: Callable[[int], None], *, retain: bool = False) -> None:
        if not self.open:
            return
        platform = self._platform
        self._in_flight += 1
        self._bytes_in_flight += len(payload)
        platform.most_in_flight = max(platform.most_in_flight, self._in_flight)
        platform.most_bytes_in_flight = max(platform.most_bytes_in_flight, self._bytes_in_flight)
        self._free_at = max(self._free_at, self._loop.time()) + len(payload) / platform.bytes_s
        self._loop.call_at(self._free_at + platform.delay_s, self._arrived, topic, payload, done, retain)

    async def subscribe(self, topics: Mapping[str, int]) -> tuple[int, ...]:
        await asyncio.sleep(2 * self._platform.delay_s)
        for topic in topics:
            if topic in self._platform.retained:
                self._incoming(Incoming(topic, self._platform.retained[topic], True, lambda: None))
        return (0,) * len(topics)

    def unsubscribe(self, topics: Sequence[str]) -> None:
        pass  # nothing is ever sent but what is retained

    def abandon(self, fault: Fault | None) -> None:
        if self.open:
            self.ended.set_result(fault)

    async def close(self) -> None:
        self.abandon(None)

    def _arrived(self, topic: str, payload: bytes, done: Callable[[int], None], retain: bool) -> None:
        if not self.open:
            return
        platform = self._platform
        reason = platform.mood(topic, payload)
        if reason is None:
            platform.cut()
            return
        if reason < 0x80:
            if retain:
                platform.retained[topic] = payload
            if topic.rpartition("/")[2] in ("alarm", "event", "reading"):
                now = self._loop.time()
                platform.arrivals += [(now, seen.lane, seen.record) for seen in platform.ledger.take(payload)]
        self._loop.call_later(platform.delay_s, self._answered, len(payload), done, reason)

    def _answered(self, size: int, done: Callable[[int], None], reason: int) -> None:
        if self.open:
            self._in_flight -= 1
            self._bytes_in_flight -= size
            done(reason)
