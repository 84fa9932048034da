"""One fire-control centre: connects, reports until confirmed, beats its heart, answers, and says how it fares.

Invariants
1. A record leaves the feed when the centre has confirmed what was made of it, or when there is nothing to make of it.
2. Records of a lane arrive in the order in which they happened; alarms never wait for anything else.
3. A packet that was sent three times in thirty seconds without a word ends the connection; the next one begins with
   the state of this device and goes on where the last confirmation was.
4. A record that the centre denies three times is set aside and said; those behind it go on.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final
from zoneinfo import ZoneInfo

from courtyard.agent.records import AlarmRecord
from courtyard.agent.uplinks.gb26875.announcements import Announcements
from courtyard.agent.uplinks.gb26875.answers import Answers, Own, local_now
from courtyard.agent.uplinks.gb26875.centre import Centre
from courtyard.agent.uplinks.gb26875.faults import DENIED, SILENT
from courtyard.agent.uplinks.gb26875.link import CentreLink, LinkLost, Open, opener
from courtyard.agent.uplinks.gb26875.mapping import alarm_of, event_of, operations, packets, reports
from courtyard.agent.uplinks.gb26875.operations import Operations
from courtyard.agent.uplinks.gb26875.present import Present, is_active
from courtyard.agent.uplinks.gb26875.present import Report as Telling
from courtyard.agent.uplinks.ports import Feed
from courtyard.agent.uplinks.report import Report
from courtyard.agent.uplinks.send import Backoff
from courtyard.buffer.types import Block, Which
from courtyard.config import site
from courtyard.config.station import Station
from courtyard.config.uplink import Uplink
from courtyard.drivers.base import DriverError, Fault
from courtyard.drivers.fire.gb26875 import Message, device
from courtyard.drivers.fire.gb26875.centre import deny
from courtyard.drivers.fire.gb26875.exchange import Settled
from courtyard.drivers.fire.gb26875.frame import CONTROL, REQUEST, Link
from courtyard.drivers.fire.gb26875.objects import InformationObject
from courtyard.drivers.fire.gb26875.wire import TimeTag

LANES: Final = ("alarm", "event")
"""Readings are no matter of a fire-control centre."""
MOST_RECORDS: Final = 16
MOST_BYTES: Final = 64 << 10
STABLE_S: Final = 60.0


class Gb26875Uplink:
    """Runs one uplink of format gb26875; the same face as `MqttUplink`."""

    def __init__(
        self,
        settings: Uplink,
        gateway: site.Gateway,
        feed: Feed,
        centre: Centre,
        *,
        version: str,
        wall_ms: Callable[[], int],
        fault: Callable[[Fault | None], None] = lambda _: None,
        jitter: Callable[[], float] = random.random,
        connect: Open | None = None,
    ) -> None:
        self._settings, self._feed, self._centre, self._wall_ms = settings, feed, centre, wall_ms
        self._station = settings.station or Station(1)
        self._zone = ZoneInfo(gateway.timezone)
        self._open = connect or opener(settings.name, settings.url)
        self._told = Operations(centre.recall)
        own = Own(version, centre.configuration, self._told, centre.quantities, centre.measure)
        self._answers = Answers(self._present, own)
        self._link = Link(self._station.address, self._station.centre)
        self._tell = fault
        self._backoff = Backoff(jitter)
        self._fault: Fault | None = None
        self._since_ms: int | None = None
        self._counts: Counter[str] = Counter()
        self._wake = {lane: asyncio.Event() for lane in LANES}
        self._one_by_one = False
        self._announcements = Announcements(self._answers, own, self._build, self._station.measured_every_s)

    def set_inventory(self, devices: Mapping[str, bytes]) -> None:
        """The site is another: its systems are described anew."""
        self._announcements.site_changed()

    def status_changed(self) -> None:
        """The state of the device is reported with the alarms that make it up."""

    async def run(self) -> None:
        """Connects and reports until cancelled."""
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._session()
            except* DriverError as errors:
                self._say(_first(errors).fault)
            if asyncio.get_running_loop().time() - began > STABLE_S:
                self._backoff.reset()
            await asyncio.sleep(self._backoff.wait_s())

    def report(self) -> Report:
        """How it fares at this moment."""
        backlog = {lane: self._feed.backlog(lane) for lane in LANES}
        oldest = [lane.oldest_at_ms for lane in backlog.values() if lane.oldest_at_ms is not None]
        waiting = sum(lane.bytes for lane in backlog.values())
        return Report(
            name=self._settings.name,
            url=self._settings.url,
            connected_since_ms=self._since_ms,
            protocol="GB/T 26875.3" if self._since_ms else None,
            fault=self._fault,
            in_flight_messages=0,
            in_flight_bytes=0,
            rate_bytes_s=0.0,
            backlog=backlog,
            oldest_at_ms=min(oldest, default=None),
            drain_left_s=None if waiting else 0.0,
            messages=self._counts["packets"],
            records=self._counts["records"],
            gaps=self._counts["gaps"],
            refused=self._counts["denied"],
            set_aside=self._counts["set_aside"],
            no_subscriber=0,
            commands=self._counts["asked"],
            commands_dropped=0,
            outcomes_dropped=0,
            connections=self._counts["connections"],
        )

    async def _session(self) -> None:
        """One connection from its beginning to its end, which it raises."""
        link = CentreLink(self._heard, lambda damage: deny(damage, self._now()))
        link.wire = await self._open(link)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(link.run())
                await self._report(link, "introduction", self._present().own(self._now()))
                self._counts["connections"] += 1
                self._since_ms = self._wall_ms()
                self._say(None)
                group.create_task(self._watch_feed())
                group.create_task(self._beat(link))
                group.create_task(self._announcements.describe(link))
                group.create_task(self._announcements.measure(link))
                for lane in LANES:
                    group.create_task(self._drain(link, lane))
        finally:
            self._since_ms = None
            link.wire.close()

    async def _watch_feed(self) -> None:
        seen = 0
        while True:
            seen = await self._feed.wait(seen)
            for wake in self._wake.values():
                wake.set()

    async def _beat(self, link: CentreLink) -> None:
        while True:
            await asyncio.sleep(self._station.heartbeat_s)
            await self._settled(link, "heartbeat", lambda serial: device.heartbeat(self._link, serial, self._now()))

    async def _drain(self, link: CentreLink, lane: str) -> None:
        """In the order in which things happened: what was served before goes first."""
        turns: tuple[Which, ...] = ("backlog", "live")
        while True:
            self._wake[lane].clear()
            for which in turns:
                most = 1 if self._one_by_one else MOST_RECORDS
                block = await self._feed.next(lane, which=which, max_bytes=MOST_BYTES, max_records=most)
                if block is not None:
                    await self._deliver(link, block)
                    break
            else:
                await self._wake[lane].wait()

    async def _deliver(self, link: CentreLink, block: Block) -> None:
        """Reports a block; it is acknowledged when everything in it has been confirmed, else served again."""
        settled = False
        try:
            alarms = self._alarms(block)
            tellings = self._tellings(alarms) if block.lane == "alarm" else self._operations(block)
            for packet in packets(tellings):
                result = await self._report(link, block.lane, *packet)
                if result.denied:
                    settled = self._denied(block)
                    return
            self._feed.ack(block)
            settled = True
        finally:
            if not settled:
                self._feed.release(block)
        self._one_by_one = False
        self._counts["records"] += len(block.seqs)
        self._counts["gaps"] += len(block.gaps)
        for alarm in alarms:
            self._confirmed(alarm)
        if self._told.note(tellings):
            await self._centre.note(self._told.dump())

    def _alarms(self, block: Block) -> list[AlarmRecord]:
        """The alarms of a block that this centre gets."""
        if block.lane != "alarm":
            return []
        return [record for body in block.bodies if (record := alarm_of(body)) and self._wants(record)]

    def _operations(self, block: Block) -> list[Telling]:
        if self._settings.only_escalated:
            return []
        inventory = self._centre.inventory()
        events = [record for body in block.bodies if (record := event_of(body)) and self._hears(record.device)]
        return [telling for record in events for telling in operations(record, inventory, self._zone)]

    def _tellings(self, records: Iterable[AlarmRecord]) -> list[Telling]:
        present = self._present()
        return [telling for record in records for telling in reports(record, present, self._zone)]

    def _present(self) -> Present:
        return Present(self._centre.present(), self._centre.inventory())

    def _confirmed(self, record: AlarmRecord) -> None:
        if is_active(record) and record.action in ("raise", "escalate", "repeat"):
            if reports(record, Present((), self._centre.inventory()), self._zone):
                self._centre.received(record)
        elif record.state == "cleared":
            self._centre.over(record.alarm_id)

    def _denied(self, block: Block) -> bool:
        """Whether the block is done with: of several records the guilty one is looked for first."""
        self._counts["denied"] += 1
        if len(block.seqs) > 1:
            self._one_by_one = True
            return False
        self._say(DENIED.fault(url=self._settings.url))
        self._feed.set_aside(block, "refused")
        self._counts["set_aside"] += 1
        return True

    def _wants(self, record: AlarmRecord) -> bool:
        return self._centre.wanted(record.alarm_id) and self._hears(record.device)

    def _hears(self, device: str | None) -> bool:
        return device is not None and any(fnmatchcase(device, each) for each in self._settings.filter.devices)

    async def _report(self, link: CentreLink, key: str, *tellings: Telling) -> Settled:
        kind, items = tellings[0].kind, [telling.item for telling in tellings]
        return await self._settled(link, key, self._build(kind, items))

    def _build(self, kind: int, items: Sequence[InformationObject]) -> Callable[[int], bytes]:
        return lambda serial: device.report(self._link, kind, items, serial, self._now())

    async def _settled(self, link: CentreLink, key: str, build: Callable[[int], bytes]) -> Settled:
        """Raises LinkLost when the centre says nothing at all."""
        result = await link.exchange(key, build)
        self._counts["packets"] += 1
        if result.reply is None and not result.denied:
            raise LinkLost(SILENT.fault(url=self._settings.url))
        return result

    def _heard(self, message: Message) -> bytes | None:
        """The centre's own wishes: read, set the clock, look who is on duty."""
        now = self._now()
        if message.command in (CONTROL, REQUEST):
            self._counts["asked"] += 1
        minutes, time = device.patrol_minutes(message), device.setting(message)
        if minutes is not None:
            self._centre.patrol(minutes)
        if time is not None and time.panel.local is not None and now.panel.local is not None:
            self._centre.clock((time.panel.local - now.panel.local).total_seconds())
        return self._answers.reply(message, now)

    def _now(self) -> TimeTag:
        return local_now(self._zone, self._wall_ms())

    def _say(self, fault: Fault | None) -> None:
        if fault != self._fault:
            self._fault = fault
            self._tell(fault)


def _first(errors: BaseExceptionGroup[DriverError]) -> DriverError:
    """What ended the session."""
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
