"""Brings the records of one feed to one session, in the order and at the pace that `send` says.

A record leaves the feed only with the broker's PUBACK.  When the connection dies, everything unacknowledged goes
back and is served again: a repeat for the platform, never a loss.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from courtyard.agent.uplinks import faults, reasons, send
from courtyard.agent.uplinks.mqtt import Limits
from courtyard.agent.uplinks.native import Format
from courtyard.buffer.types import Backlog, Block, Which
from courtyard.drivers.base import Fault

PACKET_OVERHEAD_BYTES = 32
"""Fixed header, packet identifier, property length and topic length of PUBLISH, and some room."""
ACK_TIMEOUT_S = 60.0
"""A broker that answers pings but acknowledges nothing for so long is given up."""
HOLD_S = 2.0
HOLD_BLOCKS = 64
TYPICAL_RECORD_BYTES = 256
SMALLEST_RECORD_BYTES = 48
TIMER_SLACK_S = 0.005
"""A timer of the loop may fire a little before its time."""
NO_SUBSCRIBER = 0x10
REFUSAL = 0x80


class Feed(Protocol):
    """What this needs of `courtyard.buffer.Feed`."""

    def mark_live(self) -> None: ...
    async def next(self, lane: str, *, which: Which, max_bytes: int, max_records: int) -> Block | None: ...
    def ack(self, block: Block) -> None: ...
    def release(self, block: Block) -> None: ...
    def set_aside(self, block: Block, reason: str) -> None: ...
    async def wait(self, seen: int) -> int: ...
    def backlog(self, lane: str) -> Backlog: ...


class Session(Protocol):
    """What this needs of `courtyard.agent.uplinks.mqtt.Session`."""

    ended: asyncio.Future[Fault | None]

    @property
    def limits(self) -> Limits: ...
    @property
    def open(self) -> bool: ...
    def publish(self, topic: str, payload: bytes, done: Callable[[int], None], *, retain: bool = False) -> None: ...
    def abandon(self, fault: Fault | None) -> None: ...


class Control(msgspec.Struct):
    """A message beside the lanes: status, inventory, outcome."""

    topic: str
    payload: bytes
    done: Callable[[int], None]
    retain: bool = True


class _Blanks(msgspec.Struct):
    """Consecutive blocks of which the filter left nothing: they travel with the next message, or alone after 2 s."""

    run: list[Block]
    until: float


class _Flight(msgspec.Struct, eq=False):
    """Blocks on their way as one range, records only in the last; `parts` messages of it are unacknowledged."""

    run: list[Block]
    which: Which
    at: float
    parts: int
    reason: int = 0
    """The worst answer so far."""


class Drain:
    """Sends for one uplink, session after session; what it has learnt of guilty records outlives a session.

    `urgent` gives messages to be sent before anything else, `idle` those that come before the backlog.
    """

    def __init__(
        self,
        feed: Feed,
        format: Format,
        lanes: Sequence[str],
        *,
        urgent: Callable[[], Control | None],
        idle: Callable[[], Control | None],
        endpoint: tuple[str, int],
    ) -> None:
        self.window = send.Window()
        self.counts: Counter[str] = Counter()
        self.faults: dict[str, Fault] = {}
        self._feed = feed
        self._format = format
        self._order = send.order(lanes)
        self._urgent_lane = lanes[0]
        self._urgent = urgent
        self._idle = idle
        self._endpoint = endpoint
        self._cares = {lane: send.Care() for lane in lanes}
        self._most = dict.fromkeys(lanes, send.MAX_MESSAGE_BYTES)
        self._typical = dict.fromkeys(lanes, TYPICAL_RECORD_BYTES)
        self._empty: set[tuple[str, Which]] = set()
        self._settled = False
        self._blanks: dict[tuple[str, Which], _Blanks] = {}
        self._flights: dict[int, _Flight] = {}
        self._number = 0
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something may be there to send."""
        self._wake.set()

    @property
    def searching(self) -> bool:
        """Whether it is looking for the record that a connection dies of."""
        return any(care.most is not None for care in self._cares.values())

    async def run(self, session: Session) -> None:
        """Sends until the session ends.  What is unacknowledged then waits for `give_back`."""
        limits = session.limits
        self.window = send.Window(limits.messages, limits.packet_bytes - PACKET_OVERHEAD_BYTES)
        session.ended.add_done_callback(lambda _: self._wake.set())
        async with asyncio.TaskGroup() as group:
            watches = [group.create_task(self._watch_feed()), group.create_task(self._watch_acks(session))]
            while session.open:
                self._wake.clear()
                if await self._send_next(session, limits):
                    continue
                if self._settled:  # an acknowledgement may have made room for more
                    self._settled = False
                    self._empty.clear()
                else:
                    await self._wake.wait()
            for watch in watches:
                watch.cancel()

    def give_back(self, session: Session) -> None:
        """The session is over: nothing unacknowledged is held any longer."""
        flights, self._flights = list(self._flights.values()), {}
        held, self._blanks = list(self._blanks.values()), {}
        for blanks in held:
            for blank in blanks.run:
                self._feed.release(blank)
        end = session.ended.result() if session.ended.done() and not session.ended.exception() else None
        blamed = end is not None and end.code not in reasons.BLAMELESS
        too_large = end is not None and end.code == reasons.TOO_LARGE.code
        for flight in flights:
            *blank_blocks, block = flight.run
            aside = blamed and self._cares[block.lane].disconnected(block, too_large=too_large) == "aside"
            blamed = False  # only the oldest one can be guilty
            self._return(blank_blocks, block, ("oversize" if too_large else "refused") if aside else None)

    async def _watch_feed(self) -> None:
        seen = 0
        while True:
            seen = await self._feed.wait(seen)
            self._empty.clear()
            self._wake.set()

    async def _watch_acks(self, session: Session) -> None:
        while True:
            await asyncio.sleep(ACK_TIMEOUT_S / 4)
            oldest = next(iter(self._flights.values()), None)
            if oldest is not None and self._now() - oldest.at > ACK_TIMEOUT_S:
                session.abandon(self._fault(faults.SILENT))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _send_next(self, session: Session, limits: Limits) -> bool:
        """Sends one message; False when nothing may or can be sent now."""
        self.window.limit = 1 if self.searching else limits.messages
        room = self.window.room()
        if not room:
            return False
        if control := self._urgent():
            return self._send_control(session, control)
        due = self._now() + TIMER_SLACK_S
        for lane, which in self._order:
            if which == "backlog" and lane != self._urgent_lane and (control := self._idle()):
                return self._send_control(session, control)
            care = self._cares[lane]
            if care.not_before > due:
                continue
            if (blanks := self._blanks.get((lane, which))) and blanks.until <= due:
                self._publish(session, blanks.run, which, [])
                return True
            if (lane, which) in self._empty:
                continue
            size, records = self._format.fitting(room, self._typical[lane])
            most = min(records, self._most[lane], care.most or records)
            self._empty.add((lane, which))
            block = await self._feed.next(lane, which=which, max_bytes=size, max_records=most)
            if block is None:
                continue
            self._empty.discard((lane, which))
            if session.open:
                self._send_block(session, block, which)
            else:
                self._feed.release(block)
            return True
        return False

    def _send_control(self, session: Session, control: Control) -> bool:
        sent = self.window.sent(len(control.payload), self._now())

        def done(reason: int) -> None:
            self._delivered(sent, reason)
            control.done(reason)

        session.publish(control.topic, control.payload, done, retain=control.retain)
        return True

    def _send_block(self, session: Session, block: Block, which: Which) -> None:
        records = self._format.choose(block)
        blanks = self._blanks.get((block.lane, which)) or _Blanks([], self._now() + HOLD_S)
        if blanks.run and not _joins(blanks.run[-1], block):
            self._publish(session, blanks.run, which, [])
            blanks = _Blanks([], self._now() + HOLD_S)
        blanks.run.append(block)
        if records or records is None or block.gaps or len(blanks.run) >= HOLD_BLOCKS:
            self._publish(session, blanks.run, which, records)
        else:
            self._blanks[block.lane, which] = blanks
            asyncio.get_running_loop().call_at(blanks.until, self._wake.set)

    def _publish(
        self, session: Session, run: list[Block], which: Which, records: list[tuple[int, bytes]] | None
    ) -> None:
        """Sends a run of joining blocks as one range; `records` are those of the last block."""
        block = run[-1]
        self._blanks.pop((block.lane, which), None)
        topic = self._format.topics.lane(block.lane)
        limit = self.window.message_bytes - len(topic)
        payloads = self._format.messages(block._replace(first=run[0].first), records, limit)
        if len(payloads[-1]) > limit:
            if len(block.seqs) > 1:
                self._most[block.lane] = len(block.seqs) // 2
                self._feed.release(block)
            else:
                self._set_aside(block, "oversize")
            for blank in run[:-1]:
                self._feed.release(blank)
            return
        self._most[block.lane] = send.MAX_MESSAGE_BYTES
        if block.seqs:
            self._typical[block.lane] = max(SMALLEST_RECORD_BYTES, len(payloads[-1]) * 3 // (4 * len(block.seqs)))
        self._number += 1
        flight = self._flights[self._number] = _Flight(run, which, self._now(), len(payloads))
        for payload in payloads:
            sent = self.window.sent(len(payload), flight.at)
            session.publish(topic, payload, self._answer(self._number, flight, sent))

    def _answer(self, number: int, flight: _Flight, sent: send.Sent) -> Callable[[int], None]:
        def done(reason: int) -> None:
            self._delivered(sent, reason)
            flight.parts -= 1
            flight.reason = max(flight.reason, reason)
            if not flight.parts:
                del self._flights[number]
                self._settle(flight)

        return done

    def _delivered(self, sent: send.Sent, reason: int) -> None:
        self.window.acknowledged(sent, self._now())
        self.counts["messages"] += 1
        if reason == NO_SUBSCRIBER:
            self.counts["no_subscriber"] += 1
        self._wake.set()

    def _settle(self, flight: _Flight) -> None:
        """The broker has answered for the whole range."""
        self._settled = True
        *blanks, block = flight.run
        care = self._cares[block.lane]
        if flight.reason < REFUSAL:
            for done in flight.run:
                self._feed.ack(done)
            care.acknowledged(block, flight.which)
            self.faults.pop(block.lane, None)
            self.counts["records"] += len(block.seqs)
            self.counts["gaps"] += len(block.gaps)
            return
        self.counts["refused"] += 1
        words = reasons.PUBLISH.get(flight.reason, reasons.PUBLISH_REFUSED)
        topic = self._format.topics.lane(block.lane)
        self.faults[block.lane] = self._fault(words, topic=topic, reason=hex(flight.reason))
        now = self._now()
        aside = care.refused(block, flight.reason, now) == "aside"
        self._return(blanks, block, ("oversize" if flight.reason == send.TOO_LARGE else "refused") if aside else None)
        asyncio.get_running_loop().call_later(care.not_before - now, self._wake.set)

    def _return(self, blanks: list[Block], block: Block, reason: str | None) -> None:
        """Back into the feed: all of it, or all but a block that is set aside for a reason."""
        for blank in blanks:
            self._feed.release(blank)
        if reason is None:
            self._feed.release(block)
        else:
            self._set_aside(block, reason)

    def _set_aside(self, block: Block, reason: str) -> None:
        self._feed.set_aside(block, reason)
        self._cares[block.lane].set_aside()
        self.counts["set_aside"] += len(block.seqs)

    def _fault(self, words: faults.Words, **facts: object) -> Fault:
        host, port = self._endpoint
        return words.fault(host=host, port=port, gateway=self._format.gateway, **facts)


def _joins(left: Block, right: Block) -> bool:
    """Whether `right` goes on where `left` ends."""
    return (left.epoch, left.boot, left.last + 1) == (right.epoch, right.boot, right.first)
