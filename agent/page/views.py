"""The gateway as the page sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.clock import SystemClock
from courtyard.agent.escalation.state import CourseKept
from courtyard.agent.latest import Latest
from courtyard.agent.page.alarming import alarm_view, steps_of, troubles_of
from courtyard.agent.page.notices import notices_of
from courtyard.agent.page.shelf import Shelf, point_value
from courtyard.agent.page.telling import mistake_view
from courtyard.agent.page.watch import Machine, Watch
from courtyard.agent.supervisor import Supervisor
from courtyard.agent.uplinks.report import Report
from courtyard.agent.version import VERSION
from courtyard.agent.web.model import (
    Alarm,
    Device,
    DeviceDetail,
    Frame,
    Gateway,
    Journal,
    Lane,
    LogLine,
    Loss,
    Part,
    PointValue,
    SettingsTable,
    System,
    Trouble,
    Uplink,
    Words,
)
from courtyard.agent.web.watched import Camera, Resident
from courtyard.config.care import personal
from courtyard.config.mistakes import Mistake as SiteMistake
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import DriverError, Fault, Reading

T = TypeVar("T")

FRESH_S: Final = 0.2
FRESH_SYSTEM_S: Final = 1.0


class Sources:
    """Where the views come from; what changes with the site is asked anew each time."""

    def __init__(
        self,
        *,
        snapshot: Callable[[], Snapshot],
        faults: Callable[[], Mapping[str, Fault]],
        since: Callable[[], Mapping[str, int]],
        reports: Callable[[], Sequence[Report]],
        counters: Callable[[str], Mapping[str, int]],
        frames: Callable[[str], Sequence[Any]],
        findable: Callable[[str], bool],
        dropped: Callable[[], Mapping[str, int]],
        mistakes: Callable[[], Sequence[SiteMistake]],
        settings: Callable[[], Sequence[SettingsTable]],
        log: Callable[[], Sequence[LogLine]],
        has_history: Callable[[], bool],
        courses: Callable[[str], Sequence[CourseKept]],
        cameras: Callable[[Sequence[Device], int], Sequence[Camera]],
        residents: Callable[[Mapping[str, Device], Sequence[Alarm]], Sequence[Resident]],
        findings: Callable[[], Sequence[Words]],
    ) -> None:
        self.snapshot, self.faults, self.since, self.reports = snapshot, faults, since, reports
        self.counters, self.frames, self.dropped = counters, frames, dropped
        self.findable = findable
        self.mistakes, self.settings, self.log, self.has_history = mistakes, settings, log, has_history
        self.courses, self.cameras, self.residents, self.findings = courses, cameras, residents, findings


class GatewayViews:
    """Implements `courtyard.agent.web.model.Views`.  Used from the event loop only."""

    def __init__(
        self,
        sources: Sources,
        book: AlarmBook,
        latest: Latest,
        watch: Watch,
        clock: SystemClock,
        supervisor: Supervisor,
        *,
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._from, self._book, self._latest, self._watch = sources, book, latest, watch
        self._shelf = Shelf(latest)
        self._clock, self._supervisor, self._mono_s = clock, supervisor, mono_s
        self._started_ms = clock.wall_ms()
        self._cache: dict[str, tuple[float, Any]] = {}
        self._looked: tuple[Machine | None, int] = None, 0
        """The machine as it was shown last, and when that was new."""

    def now_ms(self) -> int:
        return self._clock.wall_ms()

    def gateway(self) -> Gateway:
        settings, mistakes = self._from.snapshot().site.gateway, self._from.mistakes()
        return Gateway(
            settings.id,
            settings.place,
            settings.timezone,
            settings.language,
            VERSION,
            self._clock.boot,
            self._started_ms,
            any(each.severity == "mistake" for each in mistakes),
            tuple(map(mistake_view, mistakes)),
            notices_of(self._from.faults(), self._from.since()),
        )

    def alarms(self) -> Sequence[Alarm]:
        return self._fresh("alarms", self._alarms)

    def devices(self) -> Sequence[Device]:
        return self._fresh("devices", self._devices)

    def troubles(self) -> Sequence[Trouble]:
        return self._fresh("troubles", self._troubles)

    def uplinks(self) -> Sequence[Uplink]:
        return self._fresh("uplinks", lambda: tuple(map(self._uplink, self._from.reports())))

    def cameras(self) -> Sequence[Camera]:
        return self._fresh("cameras", lambda: self._from.cameras(self.devices(), self._clock.wall_ms()))

    def residents(self) -> Sequence[Resident]:
        devices = {device.id: device for device in self.devices()}
        return self._fresh("residents", lambda: self._from.residents(devices, self.alarms()))

    def settings(self) -> Sequence[SettingsTable]:
        return self._from.settings()

    def log(self) -> Sequence[LogLine]:
        return self._from.log()

    def has_history(self) -> bool:
        return self._from.has_history()

    def device(self, name: str) -> DeviceDetail | None:
        installed = self._from.snapshot().devices.get(name)
        if installed is None:
            return None
        source, known = self._from, self._latest.of(name)
        alarmed = self._alarmed().get(name)
        device = self._shelf.device(
            name, source.snapshot(), source.faults(), source.since(), alarmed, self._clock.wall_ms()
        )
        counters = source.counters(name)
        alarms = tuple(alarm for alarm in self.alarms() if alarm.device == name and alarm.state != "cleared")
        return DeviceDetail(
            device,
            installed.install,
            self.values(known.last) if known else (),
            counters,
            alarms,
            installed.family == "modbus",
            source.findable(name),
        )

    def values(self, reading: Reading) -> tuple[PointValue, ...]:
        """The values of a reading with their names; never health data."""
        catalogue = self._from.snapshot().catalogue
        return tuple(point_value(catalogue, reading, name) for name in reading.values if not personal(name))

    def frames(self, name: str) -> Sequence[Frame]:
        try:
            return tuple(Frame(frame.at_ms, frame.direction, frame.hex) for frame in self._from.frames(name))
        except DriverError:
            return ()

    def system(self) -> System:
        return self._fresh("system", lambda: (self._system(),), FRESH_SYSTEM_S)[0]

    def _system(self) -> System:
        journal, machine, clock = self._watch.journal, self._watch.machine, self._clock
        assert journal is not None, "the watch looks before the page is served"
        assert machine is not None
        if machine is not self._looked[0]:
            self._looked = machine, clock.wall_ms()
        lanes = (Lane(name, at.head, at.records, at.bytes, at.oldest_at_ms) for name, at in journal.lanes.items())
        return System(
            self._looked[1],
            clock.quality,
            clock.error_ms,
            machine.cpu_share,
            machine.memory,
            machine.machine_memory,
            machine.machine_memory_free,
            machine.load,
            machine.disk,
            machine.disk_free,
            tuple(Part(part.name, part.state, part.restarts) for part in self._supervisor.status()),
            Journal(journal.epoch, journal.durable, journal.used_bytes, journal.quota_bytes, tuple(lanes)),
            sum(self._from.dropped().values()),
            machine.wear,
            machine.releases,
            tuple(self._from.findings()),
        )

    def _fresh(self, name: str, make: Callable[[], Sequence[T]], for_s: float = FRESH_S) -> Sequence[T]:
        now = self._mono_s()
        known = self._cache.get(name)
        if known is not None and now - known[0] < for_s:
            kept: Sequence[T] = known[1]
            return kept
        value = make()
        self._cache[name] = now, value
        return value

    def changed(self) -> None:
        """Somebody has just done something: what is shown next is new."""
        self._cache.clear()

    def _alarms(self) -> tuple[Alarm, ...]:
        faults = self._from.faults()
        cleared = [alarm for alarm in self._book if alarm.state == "cleared"]
        site, courses = self._from.snapshot().site, self._from.courses
        open_alarms = [
            alarm_view(alarm, faults, steps_of(site, courses(alarm.record.alarm_id))) for alarm in self._book.open()
        ]
        return (*open_alarms, *(alarm_view(alarm, faults) for alarm in reversed(cleared)))

    def _devices(self) -> tuple[Device, ...]:
        source, alarmed = self._from, self._alarmed()
        return self._shelf.devices(source.snapshot(), source.faults(), source.since(), alarmed, self._clock.wall_ms())

    def _alarmed(self) -> dict[str, str]:
        return alarmed(self.alarms(), {lift.id: lift.camera for lift in self._from.snapshot().site.lifts})

    def _troubles(self) -> Sequence[Trouble]:
        return troubles_of(self.alarms(), self._from.faults(), self._from.since(), self._from.snapshot())

    def _uplink(self, report: Report) -> Uplink:
        journal, pace = self._watch.journal, self._watch.pace_bytes_s()
        waiting = sum(lane.bytes for lane in report.backlog.values())
        lost = journal.uplinks[report.name].lost if journal and report.name in journal.uplinks else {}
        room = max(0, journal.quota_bytes - waiting) if journal else 0
        return Uplink(
            report.name,
            report.url,
            report.connected_since_ms,
            report.protocol,
            Words.of(report.fault.what) if report.fault else None,
            Words.of(report.fault.cure) if report.fault else None,
            sum(lane.records for lane in report.backlog.values()),
            waiting,
            report.oldest_at_ms,
            room / pace if pace else None,
            report.drain_left_s,
            report.rate_bytes_s,
            report.messages,
            report.records,
            report.refused,
            report.set_aside,
            report.no_subscriber,
            report.connections,
            tuple(Loss(reason, count) for reason, count in lost.items() if count),
        )


def alarmed(alarms: Iterable[Alarm], cameras: Mapping[str, str]) -> dict[str, str]:
    """Device to the class of its active alarm.  `cameras` gives the camera of a lift: in drawings and lists it stands
    for the lift, which is no device."""
    active = (alarm for alarm in alarms if alarm.active and not alarm.test)
    return {cameras.get(alarm.device, alarm.device): alarm.alarm_class for alarm in active}
