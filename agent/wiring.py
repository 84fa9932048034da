"""The composition root: joins drivers, pipeline, alarms, outputs, commands and uplinks into one gateway.

Nothing else imports across the areas of the agent.  A gateway is built from one immutable snapshot of the site;
`apply` takes another one and touches only what differs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from courtyard.agent.alarms.acts import Acts
from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.alarms.engine import AlarmEngine
from courtyard.agent.care.answers import Answers
from courtyard.agent.care.care import Care
from courtyard.agent.care.consents import FILE as CONSENTS
from courtyard.agent.care.following import follow
from courtyard.agent.clock import SystemClock
from courtyard.agent.commands.dispatcher import Commands
from courtyard.agent.commands.freshness import Arrival
from courtyard.agent.commands.handlers import Ports, handlers
from courtyard.agent.condition import Condition
from courtyard.agent.drills.drill import Drills
from courtyard.agent.drills.drill import Ports as DrillPorts
from courtyard.agent.drills.passage import Passages, WatchedFeed
from courtyard.agent.escalation.escalations import planned_steps
from courtyard.agent.history.gauges import gauges_of, history_of
from courtyard.agent.history.history import PointHistory
from courtyard.agent.journal_faults import fault_of
from courtyard.agent.latest import Latest
from courtyard.agent.lift_post import LiftPorts
from courtyard.agent.lift_watch import PART as LIFTS
from courtyard.agent.lift_watch import Lifts
from courtyard.agent.lines import DRIVERS, Lines, MakeDriver
from courtyard.agent.normalise import Places
from courtyard.agent.notebook import JournalNotebook
from courtyard.agent.outputs.outputs import Outputs
from courtyard.agent.pipeline import Pipeline
from courtyard.agent.platforms import Numbering, camera_secrets, inventory_of, platforms_of, secrets_of
from courtyard.agent.reactions import Reactions
from courtyard.agent.recorder import Recorder
from courtyard.agent.records import LaneStatus, Status, instant
from courtyard.agent.rules.rulebook import RuleBook
from courtyard.agent.second_path import SecondPath
from courtyard.agent.supervisor import Supervisor
from courtyard.agent.uplinks.inbox import Request
from courtyard.agent.uplinks.uplink import MqttUplink
from courtyard.buffer import Finding
from courtyard.buffer.journal import Journal
from courtyard.config.snapshot import Difference, Family, Snapshot, difference
from courtyard.config.uplink import Uplink
from courtyard.drivers.base import Fault, Scalar, Text, Write
from courtyard.drivers.ble.rooms import Rooms

if TYPE_CHECKING:
    from courtyard.agent.uplinks.gb26875.uplink import Gb26875Uplink

PIPELINE, OUTPUTS, REACTIONS, RESIDENTS, HISTORY = "pipeline", "outputs", "reactions", "residents", "history"
ESCALATIONS, MODEM = "escalations", "modem"
ROOMS, ANSWERS = "rooms", "answers"
RELEASE_S = 1.5
DISK_OK = "disk.ok"
DISK_WORKS = Text("The disk works again.", "磁盘已恢复正常。")


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
        self._answers = Answers(self.book, self.lines, lambda: self.snapshot.site.answer, self.recorder)
        self.outputs = Outputs(site.outputs, self.recorder, self._write, self.pipeline.say)
        lift_ports = LiftPorts(self.outputs, self.recorder, self.pipeline.say, self.pipeline.health)
        self.lifts = Lifts(supervisor, self.lines, self.book, lift_ports, data)
        self.pipeline.observers.append(self.lifts.tap)
        self._reactions = Reactions(self.book, self.outputs, lambda: self.snapshot.site)
        self.acts = Acts(self.book)
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        self._credentials = Path(folder) if folder else None
        self.second_path = SecondPath(
            self.recorder,
            self.book,
            self.outputs,
            lambda: self.snapshot,
            say=self.pipeline.say,
            health=self.pipeline.health,
            credentials=self._credentials,
            learn_secrets=learn_secrets,
        )
        self._passages = Passages()
        self.drills = Drills(self.recorder, self.book, self.engine, self.acts, self._drill_ports())
        self.commands = Commands(self.recorder, gateway=site.gateway.id, handlers=handlers(self._ports()))
        self.uplinks: dict[str, MqttUplink | Gb26875Uplink] = {}
        self._feeds: dict[str, WatchedFeed] = {}
        self._readings: Latest | None = None
        self._disk_fault: Fault | None = None
        self._uplink_faults: dict[str, Fault] = {}

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
        for uplink in self.snapshot.site.uplinks:
            self._start_uplink(uplink)

    async def apply(self, snapshot: Snapshot) -> Difference:
        """Takes another snapshot of the same gateway; what did not change keeps running, with its state."""
        changes = difference(self.snapshot, snapshot)
        site = snapshot.site
        stale_uplinks = (*changes.uplinks.removed, *changes.uplinks.changed)
        await self._supervisor.stop(map(uplink_part, stale_uplinks))
        for name in stale_uplinks:
            del self.uplinks[name], self._feeds[name]
            self._uplink_faults.pop(name, None)
        for name in changes.uplinks.removed:
            self.journal.forget(name)
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
        for uplink in site.uplinks:
            if uplink.name not in self.uplinks:
                self._start_uplink(uplink)
        inventory = inventory_of(self.snapshot)
        for running in self.uplinks.values():
            running.set_inventory(inventory)
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
        own = {"journal": self._disk_fault} if self._disk_fault else {}
        uplinks = {uplink_part(name): fault for name, fault in self._uplink_faults.items()}
        return {**self.pipeline.faults, **own, **uplinks}

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
            version=version("courtyard"),
            durable=journal.durable,
            lanes={lane: LaneStatus(journal.epoch, head) for lane, head in journal.heads.items()},  # type: ignore[misc]
            alarms=self.book.urgent(),
            faults={subject: fault.code for subject, fault in self.faults.items()},
        )

    def journal_found(self, finding: Finding) -> None:
        """The disk of the journal fails, or works again: an alarm says so, and platforms see it in the status soon."""
        if not finding.code.startswith("disk."):
            return
        self._disk_fault = fault = None if finding.code == DISK_OK else fault_of(finding)
        wall_ms, mono_ms = self.recorder.now()
        text = Text(f"{fault.what.en} {fault.cure.en}", f"{fault.what.zh}{fault.cure.zh}") if fault else DISK_WORKS
        gateway, active = self.snapshot.site.gateway.id, fault is not None
        self.pipeline.say(Condition(gateway, "disk_fault", "", 2, active, wall_ms, mono_ms, text=text))
        for uplink in self.uplinks.values():
            uplink.status_changed()

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
            resend=lambda uplink, *span: self._feeds[uplink].resend(*span),
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

    def _start_uplink(self, settings: Uplink) -> None:
        name = settings.name
        self._learn_secrets(secrets_of(settings, self.snapshot.directory, self._credentials))
        lanes = settings.filter.lanes if settings.station is None else ("alarm", "event")
        feed = self._passages.watch(name, self.journal.attach(name, lanes=lanes, start=settings.start))
        self._feeds[name] = feed
        self.uplinks[name] = uplink = (
            self._broker(settings, feed) if settings.station is None else self._centre(settings, feed)
        )
        uplink.set_inventory(inventory_of(self.snapshot))
        self._supervisor.start(uplink_part(name), uplink.run)

    def _centre(self, settings: Uplink, feed: WatchedFeed) -> Gb26875Uplink:
        from courtyard.agent.centres import centre_uplink  # only few sites report to a fire-control centre

        return centre_uplink(
            settings,
            feed,
            self.recorder,
            self.book,
            self.acts,
            self.second_path.handed,
            lambda: self.snapshot,
            self._latest(),
            say=self.pipeline.say,
            fault=lambda fault: self._uplink_says(settings.name, fault),
        )

    def _latest(self) -> Latest:
        """The last readings, for centres that get measured values."""
        if self._readings is None:
            self._readings = Latest()
            self.pipeline.observers.append(self._readings.note)
        return self._readings

    def _broker(self, settings: Uplink, feed: WatchedFeed) -> MqttUplink:
        name = settings.name

        async def execute(request: Request) -> bytes | None:
            arrival = Arrival(name, retained=request.retained, remaining_s=request.remaining_s)
            return await self.commands.execute(request.payload, arrival)

        return MqttUplink(
            settings,
            self.snapshot.site.gateway.id,
            feed,
            Numbering(self.journal, self.book),
            status=self.status,
            wall_ms=self.clock.wall_ms,
            directory=self.snapshot.directory,
            credentials=self._credentials,
            commands=execute,
            fault=lambda fault: self._uplink_says(name, fault),
        )

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

    def _uplink_says(self, name: str, fault: Fault | None) -> None:
        if fault is None:
            self._uplink_faults.pop(name, None)
        else:
            self._uplink_faults[name] = fault
        self.pipeline.health(uplink_part(name), fault)


def uplink_part(name: str) -> str:
    """The supervised part that runs an uplink."""
    return f"uplink {name}"
