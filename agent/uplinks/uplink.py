"""One platform over MQTT: connects, stays connected, and says how it fares.

    connect -> who have we been here? -> status, inventory -> records as `drain` sends them -> lost -> wait -> connect

Invariants
1. It connects again for ever, waiting longer each time, and briefly after a connection that held.
2. Before the first record of a process goes out, the uplink reads what this gateway last told this broker about its
   numbering; a journal that is behind that has lost numbers a consumer may have seen, and draws a new epoch first.
3. A clean stop in the middle of a drain repeats nothing; a death is told by the Last Will.
4. A platform that does not answer slows no other.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from courtyard.agent.records import Status, encode
from courtyard.agent.uplinks import reasons
from courtyard.agent.uplinks.broker import Incoming, Will
from courtyard.agent.uplinks.connect import Connector
from courtyard.agent.uplinks.drain import REFUSAL, Drain
from courtyard.agent.uplinks.endpoint import Endpoint
from courtyard.agent.uplinks.faults import LOST, Refused, Words
from courtyard.agent.uplinks.inbox import Execute, Inbox, Request
from courtyard.agent.uplinks.mqtt import Session
from courtyard.agent.uplinks.native import Format
from courtyard.agent.uplinks.ports import Control, Feed
from courtyard.agent.uplinks.presence import RETAINED_TIMEOUT_S, Journal, Presence
from courtyard.agent.uplinks.report import Report
from courtyard.agent.uplinks.send import Backoff
from courtyard.config.uplink import Uplink
from courtyard.drivers.base import Fault

STATUS_EVERY_S = 60.0
HEADS_EVERY_S = 5.0
GOODBYE_S = 1.0
STABLE_S = 60.0
"""A connection that held this long starts the waiting times from the beginning."""
SHORT_S = 10.0
CONTESTED_AFTER = 3
"""So many short connections in a row are no coincidence; not every broker says that another client took over."""
CONTEST = (reasons.TAKEN_OVER.code, reasons.CONTESTED.code)
"""Two boxes that throw each other out must not do so every second."""


Connect = Callable[[Will, Callable[[Incoming], None]], Awaitable[Session]]
"""Opens a session that the broker has accepted.  Raises Refused."""


async def _no_commands(_request: Request) -> None:
    """What an uplink without the right to command does; it does not subscribe to the topic either."""


class MqttUplink:
    """Runs one uplink of the site.

    `status` gives the retained status as it is now (backlog and `online` are filled in here); `fault` is told
    of every change of what is wrong, None when all is well.  `directory` is the site file's, for the files of
    the settings; `credentials` is systemd's.  Raises Refused when the url is none.
    """

    def __init__(
        self,
        settings: Uplink,
        gateway: str,
        feed: Feed,
        journal: Journal,
        *,
        status: Callable[[], Status],
        wall_ms: Callable[[], int],
        directory: Path,
        credentials: Path | None = None,
        commands: Execute | None = None,
        fault: Callable[[Fault | None], None] = lambda _: None,
        jitter: Callable[[], float] = random.random,
        connect: Connect | None = None,
        retained_timeout_s: float = RETAINED_TIMEOUT_S,
    ) -> None:
        self._settings = settings
        self._gateway = gateway
        self._feed = feed
        self._journal = journal
        self._status = status
        self._wall_ms = wall_ms
        self._commanded = commands is not None and settings.commands
        self._tell = fault
        self._endpoint = Endpoint.of(settings, directory, credentials)
        self._connect = connect or Connector(self._endpoint, f"{gateway}-{settings.name}").open
        self._format = Format(gateway, settings.filter)
        self._topics = self._format.topics
        self._lanes: Sequence[str] = settings.filter.lanes
        self._backoff = Backoff(jitter)
        self._presence = Presence(
            gateway,
            self._topics,
            journal,
            status=lambda: self._status_payload(online=True),
            wall_ms=wall_ms,
            answered=self._answered,
            retained_timeout_s=retained_timeout_s,
        )
        self._drain = Drain(
            feed,
            self._format,
            self._lanes,
            urgent=self._urgent,
            idle=self._presence.idle,
            endpoint=(self._endpoint.host, self._endpoint.port),
        )
        self._inbox = Inbox(commands or _no_commands, self._drain.wake)
        self._session: Session | None = None
        self._since_ms: int | None = None
        self._fault: Fault | None = None
        self._connections = self._short_sessions = 0

    def set_inventory(self, devices: Mapping[str, bytes]) -> None:
        """The whole inventory as encoded `records.Inventory`; only differences are published."""
        self._presence.inventory.want(devices)
        self._drain.wake()

    def status_changed(self) -> None:
        """Publishes the status soon, not only once a minute."""
        self._presence.refresh(status=True)
        self._drain.wake()

    async def run(self) -> None:
        """Connects and sends until cancelled; then says goodbye, in at most 2 s."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._connect_once(group)
                await asyncio.sleep(self._backoff.wait_s())

    def report(self) -> Report:
        """How it fares at this moment."""
        backlog = {lane: self._feed.backlog(lane) for lane in self._lanes}
        waiting = sum(lane.bytes for lane in backlog.values())
        oldest = [lane.oldest_at_ms for lane in backlog.values() if lane.oldest_at_ms is not None]
        window, counts, session = self._drain.window, self._drain.counts, self._session
        rate = window.rate_bytes_s
        return Report(
            name=self._settings.name,
            url=self._settings.url,
            connected_since_ms=self._since_ms,
            protocol={5: "5", 4: "3.1.1"}[session.version] if session else None,
            fault=self._fault,
            in_flight_messages=window.messages if session else 0,
            in_flight_bytes=window.bytes if session else 0,
            rate_bytes_s=rate,
            backlog=backlog,
            oldest_at_ms=min(oldest, default=None),
            drain_left_s=waiting / rate if session and rate else None if waiting else 0.0,
            messages=counts["messages"],
            records=counts["records"],
            gaps=counts["gaps"],
            refused=counts["refused"],
            set_aside=counts["set_aside"],
            no_subscriber=counts["no_subscriber"],
            commands=self._inbox.received,
            commands_dropped=self._inbox.dropped,
            outcomes_dropped=self._inbox.outcomes_dropped,
            connections=self._connections,
        )

    async def _connect_once(self, group: asyncio.TaskGroup) -> None:
        """One session from its beginning to its end; returns when it is over or could not begin."""
        will = Will(self._topics.status, encode(Status(v=1, gateway=self._gateway, online=False)))
        try:
            session = await self._connect(will, lambda message: self._incoming(group, message))
        except Refused as refused:
            self._say(refused.fault)
            return
        try:
            await self._serve(session)
        except Refused as refused:
            self._say(refused.fault)
        finally:
            self._session = self._since_ms = None
            await self._leave(session)
            self._drain.give_back(session)

    async def _serve(self, session: Session) -> None:
        clock, before = asyncio.get_running_loop().time, self._drain.counts["records"]
        await self._introduce(session)
        started, self._session, self._since_ms = clock(), session, self._wall_ms()
        self._connections += 1
        self._inbox.restart()
        self._feed.mark_live()
        ticker = asyncio.create_task(self._tick())
        try:
            await self._drain.run(session)
        finally:
            ticker.cancel()
        fault, lasted_s = session.ended.result(), clock() - started
        searching = self._drain.searching
        short = fault is not None and fault.code == LOST.code and lasted_s < SHORT_S and not searching
        self._short_sessions = self._short_sessions + 1 if short else 0
        if self._short_sessions >= CONTESTED_AFTER:
            fault = self._named(reasons.CONTESTED)
        worked = self._drain.counts["records"] > before or searching or lasted_s > STABLE_S
        if worked and (fault is None or fault.code not in CONTEST):
            self._backoff.reset()
        self._say(fault)

    async def _introduce(self, session: Session) -> None:
        """Learns what this broker holds of this gateway, and makes sure that the numbering goes on from there."""
        await self._subscribe(session, dict.fromkeys(self._presence.begin(), 0))
        if self._commanded:
            await self._subscribe(session, {self._topics.command: 1})
        session.unsubscribe(await self._presence.settle())

    async def _subscribe(self, session: Session, topics: Mapping[str, int]) -> None:
        """A refusal is said, and sending goes on without."""
        codes = await session.subscribe(topics)
        for topic, code in zip(topics, codes, strict=True):
            if code >= REFUSAL:
                self._drain.faults[topic] = self._named(reasons.SUBSCRIBE_REFUSED, topic=topic, reason=hex(code))

    async def _tick(self) -> None:
        """Refreshes what is retained, while there is something new in it."""
        age_s = 0.0
        while True:
            self._say(next(iter(self._drain.faults.values()), None))
            await asyncio.sleep(HEADS_EVERY_S)
            age_s += HEADS_EVERY_S
            self._presence.refresh(status=age_s >= STATUS_EVERY_S)
            age_s %= STATUS_EVERY_S
            self._drain.wake()

    async def _leave(self, session: Session) -> None:
        """The last word, when it is ours to say: the status as of now, and DISCONNECT.

        Brokers answer in order, so with the answer to it everything sent before has been acknowledged too.
        """
        if session.open:
            said = asyncio.get_running_loop().create_future()
            payload = self._status_payload(online=False)
            session.publish(self._topics.status, payload, said.set_result, retain=True)
            await asyncio.wait((said, session.ended), timeout=GOODBYE_S, return_when=asyncio.FIRST_COMPLETED)
        await session.close()

    def _say(self, fault: Fault | None) -> None:
        if fault != self._fault:
            self._fault = fault
            self._tell(fault)

    def _status_payload(self, *, online: bool) -> bytes:
        backlog = {lane: self._feed.backlog(lane).records for lane in self._lanes}
        return encode(msgspec.structs.replace(self._status(), online=online, backlog=backlog))

    def _urgent(self) -> Control | None:
        if outcome := self._inbox.next():
            number, payload = outcome
            return Control(self._topics.outcome, payload, lambda _: self._inbox.delivered(number), retain=False)
        return self._presence.urgent()

    def _answered(self, topic: str, reason: int) -> None:
        """A refusal is said until the topic works again."""
        if reason < REFUSAL:
            self._drain.faults.pop(topic, None)
        else:
            words = reasons.PUBLISH.get(reason, reasons.PUBLISH_REFUSED)
            self._drain.faults[topic] = self._named(words, topic=topic, reason=hex(reason))

    def _named(self, words: Words, **facts: object) -> Fault:
        return words.fault(host=self._endpoint.host, port=self._endpoint.port, gateway=self._gateway, **facts)

    def _incoming(self, group: asyncio.TaskGroup, message: Incoming) -> None:
        if message.topic == self._topics.command:
            request = Request(message.payload, message.retained, message.remaining_s)
            self._inbox.take(group, request, message.acknowledge)
        else:
            self._presence.learn(message)
            self._drain.wake()
