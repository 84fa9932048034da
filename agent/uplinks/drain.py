"""Brings the records of one feed to one session, in the order and at the pace that `send` says.

Invariants
1. A record leaves the feed with the broker's PUBACK, or as a gap that the platform is told of.
2. When the connection dies, everything unacknowledged goes back and is served again: a repeat, never a loss.
3. An alarm never waits behind megabytes, live readings never behind the backlog, no lane behind one that is refused.
4. A broker that answers pings but acknowledges nothing is given up.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from courtyard.agent.uplinks import faults, reasons, send
from courtyard.agent.uplinks.broker import Limits
from courtyard.agent.uplinks.native import Format
from courtyard.agent.uplinks.ports import Control, Feed, Session
from courtyard.agent.uplinks.turns import Flight, Lane, Turn, joins
from courtyard.buffer.types import Block
from courtyard.drivers.base import Fault

PACKET_OVERHEAD_BYTES = 32
"""Fixed header, packet identifier, property length and topic length of PUBLISH, and some room."""
ACK_TIMEOUT_S = 60.0
"""A broker that answers pings but acknowledges nothing for so long is given up."""
HOLD_S = 2.0
HOLD_BLOCKS = 64
LOOK_BACK_S = 0.25
SMALLEST_RECORD_BYTES = 48
TIMER_SLACK_S = 0.005
"""A timer of the loop may fire a little before its time."""
NO_SUBSCRIBER = 0x10
REFUSAL = 0x80


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
        self._lanes = {name: Lane(name, format.topics.lane(name)) for name in lanes}
        self._turns = tuple(Turn(self._lanes[name], which) for name, which in send.order(lanes))
        self._first_turns = tuple(t for t in self._turns if t.which == "live" or t.lane.name == lanes[0])
        self._last_turns = tuple(turn for turn in self._turns if turn not in self._first_turns)
        self._urgent = urgent
        self._idle = idle
        self._endpoint = endpoint
        self._flights: dict[int, Flight] = {}
        self._number = 0
        self._wake = asyncio.Event()
        self._full = self._settled = False
        self._looking_back: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        """Something may be there to send."""
        self._wake.set()

    @property
    def searching(self) -> bool:
        """Whether it is looking for the record that a connection dies of."""
        return any(lane.care.most is not None for lane in self._lanes.values())

    async def run(self, session: Session) -> None:
        """Sends until the session ends.  What is unacknowledged then waits for `give_back`."""
        limits = session.limits
        self.window = send.Window(limits.messages, limits.packet_bytes - PACKET_OVERHEAD_BYTES)
        self._ask_again()
        session.ended.add_done_callback(lambda _: self._wake.set())
        async with asyncio.TaskGroup() as group:
            watches = [group.create_task(self._watch_feed()), group.create_task(self._watch_acks(session))]
            while session.open:
                self._wake.clear()
                if await self._send_next(session, limits):
                    continue
                if self._settled:  # holes have been filled, and live records may be had again
                    self._settled = False
                    self._ask_again()
                else:
                    await self._wake.wait()
            for watch in watches:
                watch.cancel()

    def give_back(self, session: Session) -> None:
        """The session is over: nothing unacknowledged is held any longer."""
        flights, self._flights = list(self._flights.values()), {}
        for turn in self._turns:
            blanks, turn.blanks = turn.blanks, []
            for blank in blanks:
                self._feed.release(blank)
        end = session.ended.result() if session.ended.done() and not session.ended.exception() else None
        blamed = end is not None and end.code not in reasons.BLAMELESS
        too_large = end is not None and end.code == reasons.TOO_LARGE.code
        for flight in flights:
            *blanks, block = flight.run
            aside = blamed and flight.turn.lane.care.disconnected(block, too_large=too_large) == "aside"
            blamed = False  # only the oldest one can be guilty
            self._return(blanks, block, ("oversize" if too_large else "refused") if aside else None)

    def _ask_again(self) -> None:
        """Every turn may have something again."""
        self._looking_back = None
        for turn in self._turns:
            turn.empty = False
        self._wake.set()

    async def _watch_feed(self) -> None:
        """A change of the feed means new records as a rule; whether the backlog has any is looked at a little later."""
        loop, seen = asyncio.get_running_loop(), 0
        while True:
            seen = await self._feed.wait(seen)
            for turn in self._turns:
                turn.empty = turn.empty and turn.which == "backlog"
            if self._looking_back is None:
                self._looking_back = loop.call_later(LOOK_BACK_S, self._ask_again)
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
        self._full = not room
        if self._full:
            return False
        if control := self._urgent():
            return self._send_control(session, control)
        if await self._send_turn(session, self._first_turns, room):
            return True
        if control := self._idle():
            return self._send_control(session, control)
        return await self._send_turn(session, self._last_turns, room)

    async def _send_turn(self, session: Session, turns: Sequence[Turn], room: int) -> bool:
        """Sends for the first of these turns that has something and may."""
        due = self._now() + TIMER_SLACK_S
        for turn in turns:
            if turn.empty and not turn.blanks:
                continue
            lane = turn.lane
            if lane.care.not_before > due:
                continue
            if turn.blanks and turn.blanks_until <= due:
                self._publish(session, turn, [])
                return True
            if turn.empty:
                continue
            turn.empty = True
            size, records = self._format.fitting(room, lane.record_bytes)
            most = min(records, lane.most, lane.care.most or records)
            block = await self._feed.next(lane.name, which=turn.which, max_bytes=size, max_records=most)
            if block is None:
                continue
            turn.empty = False
            if session.open:
                self._send_block(session, turn, block)
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

    def _send_block(self, session: Session, turn: Turn, block: Block) -> None:
        records = self._format.choose(block)
        if turn.blanks and not joins(turn.blanks[-1], block):
            self._publish(session, turn, [])
        turn.blanks.append(block)
        if records or records is None or block.gaps or len(turn.blanks) >= HOLD_BLOCKS:
            self._publish(session, turn, records)
        elif len(turn.blanks) == 1:
            turn.blanks_until = self._now() + HOLD_S
            asyncio.get_running_loop().call_at(turn.blanks_until, self._wake.set)

    def _publish(self, session: Session, turn: Turn, records: list[bytes] | None) -> None:
        """Sends the blanks of a turn as one range; `records` are those of the last block."""
        lane, (run, turn.blanks) = turn.lane, (turn.blanks, [])
        *blanks, block = run
        limit = self.window.message_bytes - len(lane.topic)
        payloads = self._format.messages(block._replace(first=run[0].first) if blanks else block, records, limit)
        if len(payloads[-1]) > limit:
            lane.most = max(1, len(block.seqs) // 2)
            self._return(blanks, block, None if len(block.seqs) > 1 else "oversize")
            return
        lane.most = send.MAX_MESSAGE_BYTES
        if block.seqs:
            lane.record_bytes = max(SMALLEST_RECORD_BYTES, len(payloads[-1]) * 3 // (4 * len(block.seqs)))
        self._number += 1
        flight = self._flights[self._number] = Flight(run, turn, self._now(), len(payloads))
        for payload in payloads:
            sent = self.window.sent(len(payload), flight.at)
            session.publish(lane.topic, payload, self._answer(self._number, flight, sent))

    def _answer(self, number: int, flight: Flight, sent: send.Sent) -> Callable[[int], None]:
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
        if self._full:
            self._wake.set()

    def _settle(self, flight: Flight) -> None:
        """The broker has answered for the whole range."""
        if flight.turn.which == "backlog":
            self._settled = True
            self._wake.set()
        *blanks, block = flight.run
        lane = flight.turn.lane
        if flight.reason < REFUSAL:
            for done in flight.run:
                self._feed.ack(done)
            lane.care.acknowledged(block, flight.turn.which)
            self.faults.pop(lane.name, None)
            self.counts["records"] += len(block.seqs)
            self.counts["gaps"] += len(block.gaps)
            return
        self.counts["refused"] += 1
        words = reasons.PUBLISH.get(flight.reason, reasons.PUBLISH_REFUSED)
        self.faults[lane.name] = self._fault(words, topic=lane.topic, reason=hex(flight.reason))
        now = self._now()
        aside = lane.care.refused(block, flight.reason, now) == "aside"
        self._return(blanks, block, ("oversize" if flight.reason == send.TOO_LARGE else "refused") if aside else None)
        asyncio.get_running_loop().call_later(lane.care.not_before - now, self._wake.set)

    def _return(self, blanks: list[Block], block: Block, reason: str | None) -> None:
        """Back into the feed: all of it, or all but a block that is set aside for a reason."""
        self._ask_again()
        for blank in blanks:
            self._feed.release(blank)
        if reason is None:
            self._feed.release(block)
        else:
            self._set_aside(block, reason)

    def _set_aside(self, block: Block, reason: str) -> None:
        self._feed.set_aside(block, reason)
        self._lanes[block.lane].care.set_aside()
        self.counts["set_aside"] += len(block.seqs)

    def _fault(self, words: faults.Words, **facts: object) -> Fault:
        host, port = self._endpoint
        return words.fault(host=host, port=port, gateway=self._format.gateway, **facts)
