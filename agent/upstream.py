"""The uplinks of a site: each has a feed of its own, and is kept running by the supervisor.

Invariants
1. A new site touches only the uplinks that differ; one with new settings goes on where its progress is.
2. A platform that is no longer in the site holds no records back, and its fault is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from courtyard.agent.alarms.acts import Acts
from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.commands.dispatcher import Commands
from courtyard.agent.commands.freshness import Arrival
from courtyard.agent.drills.passage import Passages, WatchedFeed
from courtyard.agent.escalation.handed import Handed
from courtyard.agent.latest import Latest
from courtyard.agent.pipeline import Pipeline
from courtyard.agent.platforms import Numbering, inventory_of, secrets_of
from courtyard.agent.recorder import Recorder
from courtyard.agent.records import Status
from courtyard.agent.supervisor import Supervisor
from courtyard.agent.uplinks.inbox import Request
from courtyard.agent.uplinks.uplink import MqttUplink
from courtyard.buffer.journal import Journal
from courtyard.config.snapshot import Snapshot
from courtyard.config.uplink import Uplink
from courtyard.drivers.base import Fault

if TYPE_CHECKING:
    from courtyard.agent.uplinks.gb26875.uplink import Gb26875Uplink


class Upstream:
    """Used from the event loop only."""

    def __init__(
        self,
        snapshot: Snapshot,
        journal: Journal,
        recorder: Recorder,
        book: AlarmBook,
        acts: Acts,
        pipeline: Pipeline,
        supervisor: Supervisor,
        *,
        commands: Commands,
        passages: Passages,
        handed: Handed,
        status: Callable[[], Status],
        credentials: Path | None,
        learn_secrets: Callable[[Iterable[str]], None],
    ) -> None:
        """`passages` watches what goes out, `handed` knows what an escalation gave to a centre."""
        self._snapshot, self._journal, self._recorder = snapshot, journal, recorder
        self._book, self._acts, self._pipeline, self._supervisor = book, acts, pipeline, supervisor
        self._commands, self._passages, self._handed, self._status = commands, passages, handed, status
        self._credentials, self._learn_secrets = credentials, learn_secrets
        self._uplinks: dict[str, MqttUplink | Gb26875Uplink] = {}
        self._feeds: dict[str, WatchedFeed] = {}
        self._latest: Latest | None = None

    def __iter__(self) -> Iterator[MqttUplink | Gb26875Uplink]:
        """Every uplink that runs, in the order in which they began."""
        return iter(self._uplinks.values())

    def start(self) -> None:
        """Starts every uplink of the site that does not run yet."""
        for settings in self._snapshot.site.uplinks:
            if settings.name not in self._uplinks:
                self._start(settings)

    async def end(self, names: Collection[str]) -> None:
        """Ends these uplinks and forgets their faults; their progress stays."""
        await self._supervisor.stop(map(uplink_part, names))
        for name in names:
            del self._uplinks[name], self._feeds[name]
            self._pipeline.health(uplink_part(name), None)

    def forget(self, names: Iterable[str]) -> None:
        """No records are kept for these platforms any more."""
        for name in names:
            self._journal.forget(name)

    def take(self, snapshot: Snapshot) -> None:
        """Takes another site, after the uplinks that differ in it have ended."""
        self._snapshot = snapshot
        if self._latest is not None:
            self._latest.keep(snapshot.devices)
        self.start()
        inventory = inventory_of(snapshot)
        for uplink in self:
            uplink.set_inventory(inventory)

    def resend(self, uplink: str, epoch: str, lane: str, first: int, last: int) -> int:
        """Serves records again, as `Feed.resend`.  Raises KeyError for an unknown uplink."""
        return self._feeds[uplink].resend(epoch, lane, first, last)

    def status_changed(self) -> None:
        """Every platform gets the new status soon."""
        for uplink in self:
            uplink.status_changed()

    def _start(self, settings: Uplink) -> None:
        name = settings.name
        self._learn_secrets(secrets_of(settings, self._snapshot.directory, self._credentials))
        lanes = settings.filter.lanes if settings.station is None else ("alarm", "event")
        feed = self._passages.watch(name, self._journal.attach(name, lanes=lanes, start=settings.start))
        uplink = self._broker(settings, feed) if settings.station is None else self._centre(settings, feed)
        self._feeds[name], self._uplinks[name] = feed, uplink
        uplink.set_inventory(inventory_of(self._snapshot))
        self._supervisor.start(uplink_part(name), uplink.run)

    def _broker(self, settings: Uplink, feed: WatchedFeed) -> MqttUplink:
        async def execute(request: Request) -> bytes | None:
            arrival = Arrival(settings.name, retained=request.retained, remaining_s=request.remaining_s)
            return await self._commands.execute(request.payload, arrival)

        return MqttUplink(
            settings,
            self._snapshot.site.gateway.id,
            feed,
            Numbering(self._journal, self._book),
            status=self._status,
            wall_ms=self._recorder.clock.wall_ms,
            directory=self._snapshot.directory,
            credentials=self._credentials,
            commands=execute,
            fault=self._health(settings.name),
        )

    def _centre(self, settings: Uplink, feed: WatchedFeed) -> Gb26875Uplink:
        from courtyard.agent.centres import centre_uplink  # only few sites report to a fire-control centre

        if self._latest is None:
            self._latest = Latest()  # centres may want measured values
            self._pipeline.observers.append(self._latest.note)
        return centre_uplink(
            settings,
            feed,
            self._recorder,
            self._book,
            self._acts,
            self._handed,
            lambda: self._snapshot,
            self._latest,
            say=self._pipeline.say,
            fault=self._health(settings.name),
        )

    def _health(self, name: str) -> Callable[[Fault | None], None]:
        return lambda fault: self._pipeline.health(uplink_part(name), fault)


def uplink_part(name: str) -> str:
    """The supervised part that runs an uplink."""
    return f"uplink {name}"
