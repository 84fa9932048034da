"""The composition root: joins drivers, pipeline, alarms, outputs, commands and uplinks into one gateway.

Nothing else imports across the areas of the agent.  A gateway is built from one immutable snapshot of the site;
`apply` takes another one and touches only what differs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path

from courtyard.agent.alarms.acts import Acts
from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.alarms.engine import AlarmEngine
from courtyard.agent.care.answers import Answers
from courtyard.agent.care.care import Care
from courtyard.agent.care.consents import FILE as CONSENTS
from courtyard.agent.care.following import follow
from courtyard.agent.clock import SystemClock
from courtyard.agent.commands.dispatcher import Commands
from courtyard.agent.commands.handlers import Ports, handlers
from courtyard.agent.drills.drill import Drills
from courtyard.agent.drills.drill import Ports as DrillPorts
from courtyard.agent.drills.passage import Passages
from courtyard.agent.escalation.escalations import planned_steps
from courtyard.agent.families import DRIVERS, MakeDriver
from courtyard.agent.history.gauges import gauges_of, history_of
from courtyard.agent.history.history import PointHistory
from courtyard.agent.identification import Identification
from courtyard.agent.journal_health import JournalHealth
from courtyard.agent.lifts import PART as LIFTS
from courtyard.agent.lifts import LiftPorts, Lifts
from courtyard.agent.lines import Lines
from courtyard.agent.normalise import Places
from courtyard.agent.notebook import JournalNotebook
from courtyard.agent.outputs.outputs import Outputs
from courtyard.agent.pipeline import Pipeline
from courtyard.agent.platforms import camera_secrets, platforms_of
from courtyard.agent.reactions import Reactions
from courtyard.agent.recorder import Recorder
from courtyard.agent.records import LaneStatus, Status, instant
from courtyard.agent.rules.rulebook import RuleBook
from courtyard.agent.second_path import SecondPath
from courtyard.agent.supervisor import Supervisor
from courtyard.agent.upstream import Upstream
from courtyard.agent.version import VERSION
from courtyard.buffer import Finding
from courtyard.buffer.journal import Journal
from courtyard.config.snapshot import Difference, Family, Snapshot, difference
from courtyard.drivers.base import Fault, Scalar, Text, Write
from courtyard.drivers.ble.rooms import Rooms

PIPELINE, OUTPUTS, REACTIONS, RESIDENTS, HISTORY = "pipeline", "outputs", "reactions", "residents", "history"
ESCALATIONS, MODEM = "escalations", "modem"
ROOMS, ANSWERS = "rooms", "answers"
RELEASE_S = 1.5


class Gateway:
    """One running gateway.  Used from the event loop only."""

    def __init__(
        self,
        snapshot: Snapshot,
        journal: Journal,
        clock: SystemClock,
        supervisor: Supervisor,
        data: Path,
        *,
        learn_secrets: Callable[[Iterable[str]], None] = lambda _: None,
        drivers: Mapping[Family, MakeDriver] = DRIVERS,
    ) -> None:
        """`data` is the data directory; `learn_secrets` is told of every secret in use: no log line ever shows one."""
        self.snapshot, self.journal, self.clock = snapshot, journal, clock
        self._supervisor, self._learn_secrets = supervisor, learn_secrets
        site = snapshot.site
        self.rooms = Rooms(clock)
        self._places = Places(site, self.rooms.place_of)
        self.recorder = Recorder(journal, clock, self._places.place)
        self.book = AlarmBook(self.recorder)
        self.engine = AlarmEngine(self.book, gateway=site.gateway.id)
        self._rules = RuleBook(site)
        self.care = Care(
            data / CONSENTS,
            site.residents,
            health=lambda fault: self.pipeline.health(RESIDENTS, fault),
            changed=lambda name, granted: self._consent_changed(name, granted=granted),
            erase=self._erase_history,
            wall_ms=clock.wall_ms,
        )
        self.pipeline = Pipeline(
            self.recorder, self.book, self.engine, self._places, site, self._rules, self.care.discretion
        )
        self._history_folder = data / HISTORY
        self.history: PointHistory | None = None
        if site.web is not None and site.history.enabled:
            self.history = self._make_history()
            self.pipeline.observers.append(self.history.tap)
        self.lines = Lines(
            snapshot,
            clock,
            self.pipeline,
            supervisor,
            drivers=drivers,
            notebook=JournalNotebook(self.recorder),
            rooms=self.rooms,
        )
        self.identification = Identification(self.lines.driver_of)
        self._answers = Answers(self.book, self.lines, lambda: self.snapshot.site.answer, self.recorder)
        self.outputs = Outputs(site.outputs, self.recorder, self._write, self.pipeline.say)
        lift_ports = LiftPorts(self.outputs, self.recorder, self.pipeline.say, self.pipeline.health)
        self.lifts = Lifts(supervisor, self.lines, self.book, lift_ports, data)
        self.pipeline.observers.append(self.lifts.tap)
        self._reactions = Reactions(self.book, self.outputs, lambda: self.snapshot.site)
        self.acts = Acts(self.book)
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        credentials = Path(folder) if folder else None
        self.second_path = SecondPath(
            self.recorder,
            self.book,
            self.outputs,
            lambda: self.snapshot,
            say=self.pipeline.say,
            health=self.pipeline.health,
            credentials=credentials,
            learn_secrets=learn_secrets,
        )
        self._passages = Passages()
        self.drills = Drills(self.recorder, self.book, self.engine, self.acts, self._drill_ports())
        self.commands = Commands(self.recorder, gateway=site.gateway.id, handlers=handlers(self._ports()))
        self.upstream = Upstream(
            snapshot,
            journal,
            self.recorder,
            self.book,
            self.acts,
            self.pipeline,
            supervisor,
            commands=self.commands,
            passages=self._passages,
            handed=self.second_path.handed,
            status=self.status,
            credentials=credentials,
            learn_secrets=learn_secrets,
        )
        self.journal_health = JournalHealth(site.gateway.id, self.recorder, self.pipeline.say)

    def start(self) -> None:
        """Starts every part; all of them are kept running by the supervisor."""
        self.care.look()
        self._supervisor.start(PIPELINE, self.pipeline.run)
        self._supervisor.start(RESIDENTS, self.care.run)
        if self.history is not None:
            self._supervisor.start(HISTORY, self.history.run)
        self._learn_secrets(camera_secrets(self.snapshot))
        follow(self.rooms, self.snapshot)
        self._supervisor.start(ROOMS, lambda: self.rooms.run(self.pipeline))
        self._supervisor.start(ANSWERS, self._answers.run)
        self.lines.start()
        self._supervisor.start(OUTPUTS, self.outputs.run)
        self.lifts.start(self.snapshot)
        self._supervisor.start(REACTIONS, self._reactions.run)
        self._supervisor.start(ESCALATIONS, self.second_path.escalations.run)
        self._supervisor.start(MODEM, self.second_path.watch_modem)
        self.upstream.start()

    async def apply(self, snapshot: Snapshot) -> Difference:
        """Takes another snapshot of the same gateway; what did not change keeps running, with its state."""
        changes = difference(self.snapshot, snapshot)
        site = snapshot.site
        await self.upstream.end((*changes.uplinks.removed, *changes.uplinks.changed))
        self.upstream.forget(changes.uplinks.removed)
        self.snapshot = snapshot
        self._rules = RuleBook(site, self._rules)
        self.care.adjust(site.residents)
        follow(self.rooms, snapshot)
        self.pipeline.adjust(site, self._rules)
        if self.history is None and site.web is not None and site.history.enabled:
            self.history = self._make_history()  # a page was added to a running gateway
            self.pipeline.observers.append(self.history.tap)
            self._supervisor.start(HISTORY, self.history.run)
        elif self.history is not None:
            self.history.adjust(gauges_of(snapshot))
        self.outputs.adjust(site.outputs)
        self.second_path.adjust()
        self._learn_secrets(camera_secrets(snapshot))
        await self.lines.take(snapshot)
        await self.lifts.take(snapshot)
        self.upstream.take(snapshot)
        return changes

    async def release(self) -> None:
        """Switches every output off, while the lines still run."""
        await self._supervisor.stop([LIFTS, REACTIONS, ESCALATIONS, OUTPUTS], RELEASE_S)

    async def close(self) -> None:
        """Hands over what is in hand; the parts have been stopped before, the journal is closed after."""
        await self.commands.close()
        if self.history is not None:
            await self.history.close()
        await self.pipeline.close()

    @property
    def faults(self) -> Mapping[str, Fault]:
        """What is wrong now: lines, devices and, as `uplink NAME`, uplinks."""
        return {**self.pipeline.faults, **self.journal_health.faults}

    @property
    def fault_since(self) -> Mapping[str, int]:
        """When each of them came, Unix milliseconds."""
        return {**self.pipeline.fault_since, **self.journal_health.since}

    def status(self) -> Status:
        """The retained status, less what each uplink knows for itself."""
        clock, journal = self.clock, self.journal
        return Status(
            v=1,
            gateway=self.snapshot.site.gateway.id,
            online=True,
            at=instant(clock.wall_ms()),
            boot=clock.boot,
            clock=clock.quality,
            version=VERSION,
            durable=journal.durable,
            lanes={lane: LaneStatus(journal.epoch, head) for lane, head in journal.heads.items()},  # type: ignore[misc]
            alarms=self.book.urgent(),
            faults={subject: fault.code for subject, fault in self.faults.items()},
        )

    def journal_found(self, finding: Finding) -> None:
        """An event says so; of a disk that fails or works again also an alarm, and soon the status for platforms."""
        if self.journal_health.found(finding):
            self.upstream.status_changed()

    def needs_restart(self, snapshot: Snapshot) -> Text | None:
        """What of another snapshot only a restart can bring, if anything."""
        before, after = self.snapshot.site, snapshot.site
        if before.gateway.id != after.gateway.id:
            return Text("A new gateway.id takes a restart.", "修改 gateway.id 需要重启网关。")
        if before.journal != after.journal:
            return Text("New [journal] settings take a restart.", "修改 [journal] 设置需要重启网关。")
        if before.history != after.history:
            return Text("New [history] settings take a restart.", "修改 [history] 设置需要重启网关。")
        if self.history is not None and before.gateway.timezone != after.gateway.timezone:
            return Text("A new gateway.timezone takes a restart.", "修改 gateway.timezone 需要重启网关。")
        return None

    def _ports(self) -> Ports:
        return Ports(
            acts=self.acts,
            wall_ms=self.clock.wall_ms,
            sync=self.engine.sync,
            resend=lambda uplink, *span: self.upstream.resend(uplink, *span),
            hold=self.outputs.hold,
            drop=self.outputs.drop,
            silence=lambda alarm_id: self.second_path.escalations.silence(alarm_id),
            read=self.lines.read,
            write=self._write,
            writable=self._writable,
        )

    def _writable(self) -> frozenset[tuple[str, str]]:
        allowed = {(device.id, target) for device in self.snapshot.site.devices for target in device.commands}
        return frozenset(allowed) - self.outputs.targets()

    async def _write(self, device: str, target: str, value: Scalar) -> None:
        await self.lines.write(Write(device, target, value))

    def _drill_ports(self) -> DrillPorts:
        return DrillPorts(
            gateway=self.snapshot.site.gateway.id,
            passages=self._passages,
            platforms=lambda device: platforms_of(self.snapshot.site, device),
            steps=self.second_path.escalations.steps,
            planned=lambda device, alarm_class: planned_steps(self.snapshot.site, device, alarm_class),
        )

    def _make_history(self) -> PointHistory:
        say = partial(self.pipeline.health, HISTORY)
        return history_of(self.snapshot, self._history_folder, self.clock.wall_ms, say)

    async def _erase_history(self, devices: Collection[str]) -> int:
        """Also of a history that is no longer kept."""
        if self.history is not None:
            return await self.history.erase(devices)
        if not self._history_folder.exists():
            return 0
        former = self._make_history()
        try:
            return await former.erase(devices)
        finally:
            await former.close()

    def _consent_changed(self, resident: str, *, granted: bool) -> None:
        self.recorder.event("resident.consent", {"resident": resident, "granted": granted})
