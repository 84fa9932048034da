"""The gateway as the page sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final, TypeVar

from courtyard.agent.alarms.alarm import Alarm as KnownAlarm
from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.alarms.classes import CLASSES
from courtyard.agent.clock import SystemClock
from courtyard.agent.latest import Latest
from courtyard.agent.page.watch import Watch
from courtyard.agent.records import parse_instant
from courtyard.agent.supervisor import Supervisor
from courtyard.agent.uplinks.report import Report
from courtyard.agent.web.advice import advice
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
    Mistake,
    Part,
    PointValue,
    SettingsTable,
    State,
    System,
    Trouble,
    Uplink,
    Words,
)
from courtyard.config.mistakes import Mistake as SiteMistake
from courtyard.config.snapshot import InstalledDevice, Snapshot
from courtyard.drivers.base import DriverError, Fault, Reading, Severity

T = TypeVar("T")

FRESH_S: Final = 0.4
SILENT_PERIODS, SILENT_S = 3.0, 30.0
"""A device is silent when nothing good came for so many of its periods, and for so long at least."""
MAIN: Final = ("water.volume.total", "water.flow", "water.pressure")
"""What a list shows of a device, if it measures that; else its first point."""
SEVERITIES: Final[Mapping[str, Severity]] = {"journal": 2, "site": 3}
NO_ANSWER_CLASS: Final = "unreachable"


class Sources:
    """Where the views come from; what changes with the site is asked anew each time."""

    def __init__(
        self,
        *,
        snapshot: Callable[[], Snapshot],
        faults: Callable[[], Mapping[str, Fault]],
        since: Callable[[], Mapping[str, int]],
        reports: Callable[[], Sequence[Report]],
        counters: Callable[[], Mapping[str, Mapping[str, Mapping[str, int]]]],
        frames: Callable[[str], Sequence[Any]],
        dropped: Callable[[], Mapping[str, int]],
        mistakes: Callable[[], Sequence[SiteMistake]],
        settings: Callable[[], Sequence[SettingsTable]],
        log: Callable[[], Sequence[LogLine]],
        has_history: Callable[[], bool],
    ) -> None:
        self.snapshot, self.faults, self.since, self.reports = snapshot, faults, since, reports
        self.counters, self.frames, self.dropped = counters, frames, dropped
        self.mistakes, self.settings, self.log, self.has_history = mistakes, settings, log, has_history


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
        self._clock, self._supervisor, self._mono_s = clock, supervisor, mono_s
        self._started_ms = clock.wall_ms()
        self._cache: dict[str, tuple[float, Any]] = {}

    def now_ms(self) -> int:
        return self._clock.wall_ms()

    def gateway(self) -> Gateway:
        settings, mistakes = self._from.snapshot().site.gateway, self._from.mistakes()
        return Gateway(
            settings.id,
            settings.place,
            settings.timezone,
            settings.language,
            version("courtyard"),
            self._clock.boot,
            self._started_ms,
            any(each.severity == "mistake" for each in mistakes),
            tuple(map(_mistake, mistakes)),
        )

    def alarms(self) -> Sequence[Alarm]:
        return self._fresh("alarms", self._alarms)

    def devices(self) -> Sequence[Device]:
        return self._fresh("devices", self._devices)

    def troubles(self) -> Sequence[Trouble]:
        return self._fresh("troubles", self._troubles)

    def uplinks(self) -> Sequence[Uplink]:
        return self._fresh("uplinks", lambda: tuple(map(self._uplink, self._from.reports())))

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
        known = self._latest.of(name)
        counters = self._from.counters().get(installed.line, {}).get(name, {})
        alarms = tuple(alarm for alarm in self.alarms() if alarm.device == name and alarm.state != "cleared")
        return DeviceDetail(
            next(device for device in self.devices() if device.id == name),
            installed.install,
            self.values(known.last) if known else (),
            counters,
            alarms,
            installed.family == "modbus",
        )

    def values(self, reading: Reading) -> tuple[PointValue, ...]:
        """The values of a reading with their names."""
        installed = self._from.snapshot().devices.get(reading.device)
        return tuple(self._point(installed, reading, name) for name in reading.values)

    def frames(self, name: str) -> Sequence[Frame]:
        try:
            return tuple(Frame(frame.at_ms, frame.direction, frame.hex) for frame in self._from.frames(name))
        except DriverError:
            return ()

    def system(self) -> System:
        journal, machine, clock = self._watch.journal, self._watch.machine, self._clock
        assert journal is not None, "the watch looks before the page is served"
        assert machine is not None
        lanes = (Lane(name, at.head, at.records, at.bytes, at.oldest_at_ms) for name, at in journal.lanes.items())
        return System(
            clock.wall_ms(),
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
        )

    def _fresh(self, name: str, make: Callable[[], Sequence[T]]) -> Sequence[T]:
        now = self._mono_s()
        known = self._cache.get(name)
        if known is not None and now - known[0] < FRESH_S:
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
        return tuple(_alarm(alarm, faults) for alarm in (*self._book.open(), *reversed(cleared)))

    def _devices(self) -> tuple[Device, ...]:
        faults, since, now_ms = self._from.faults(), self._from.since(), self._clock.wall_ms()
        alarmed = {alarm.device: alarm.alarm_class for alarm in self.alarms() if alarm.active and not alarm.test}
        return tuple(
            self._device(each, faults.get(each.id), since.get(each.id), alarmed.get(each.id), now_ms)
            for each in self._from.snapshot().devices.values()
        )

    def _device(
        self, installed: InstalledDevice, fault: Fault | None, since_ms: int | None, alarmed: str | None, now_ms: int
    ) -> Device:
        known = self._latest.of(installed.id)
        good = known.good if known else None
        state: State = "ok"
        if alarmed not in (None, NO_ANSWER_CLASS):
            state = "alarm"
        elif fault is not None or alarmed is not None:
            state = "fault"
        elif installed.every_s is not None and good is None:
            state = "waiting"
        elif good is not None and installed.every_s is not None:
            silent_ms = 1000 * max(SILENT_S, SILENT_PERIODS * installed.every_s)
            state = "stale" if now_ms - good.at_ms > silent_ms else "ok"
        main: str | None = next((name for name in MAIN if good and name in good.values), None)
        if main is None and good is not None:
            main = next(iter(good.values), None)
        return Device(
            installed.id,
            installed.name,
            Words.of(installed.title),
            installed.profile,
            installed.place,
            installed.line,
            state,
            good.at_ms if good else None,
            installed.every_s,
            self._point(installed, good, main) if good and main else None,
            Words.of(fault.what) if fault else None,
            Words.of(fault.cure) if fault else None,
            since_ms,
        )

    def _point(self, installed: InstalledDevice | None, reading: Reading, name: str) -> PointValue:
        point = self._from.snapshot().catalogue.get(name)
        label = Words.of(point.label) if point else Words(name, name)
        value = reading.values[name]
        if point is not None and isinstance(value, str) and value in point.values:
            shown = point.values[value]
            label = Words(f"{label.en}: {shown.get('en', value)}", f"{label.zh}：{shown.get('zh', value)}")
        return PointValue(name, label, value, point.unit if point else None, reading.quality.get(name))

    def _troubles(self) -> tuple[Trouble, ...]:
        faults, since = self._from.faults(), self._from.since()
        alarms = [alarm for alarm in self.alarms() if alarm.state != "cleared" and not alarm.test]
        spoken_for = {alarm.device for alarm in alarms if alarm.active}
        snapshot = self._from.snapshot()
        gateway = snapshot.site.gateway.id
        found = [_trouble_of(alarm, alarm.device in snapshot.devices) for alarm in alarms]
        for subject, fault in faults.items():
            installed = snapshot.devices.get(subject)
            covered = subject in spoken_for or (installed is not None and installed.line in faults)
            if covered or (subject == "journal" and gateway in spoken_for):
                continue
            found.append(
                Trouble(
                    SEVERITIES.get(subject, 2 if subject.startswith("uplink ") else 3),
                    subject,
                    Words.of(installed.title) if installed else Words(subject, subject),
                    Words.of(fault.what),
                    Words.of(fault.cure),
                    since.get(subject),
                    device=subject if installed else None,
                )
            )
        return tuple(sorted(found, key=lambda each: (each.acknowledged, each.severity, each.since_ms or 0)))

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


def _alarm(alarm: KnownAlarm, faults: Mapping[str, Fault]) -> Alarm:
    record, fault = alarm.record, faults.get(alarm.record.device)
    cure = Words.of(fault.cure) if fault and alarm.active else advice(record.alarm_class, record.severity)
    name = CLASSES.get(record.alarm_class)
    return Alarm(
        record.alarm_id,
        record.occurrence,
        record.state,
        record.severity,
        record.alarm_class,
        Words.of(name) if name else Words(record.alarm_class, record.alarm_class),
        Words(_before(record.text_en, cure.en), _before(record.text_zh, cure.zh)),
        cure,
        record.device,
        record.place,
        parse_instant(record.raised_at),
        parse_instant(record.at),
        _ms(record.returned_at),
        _ms(record.acknowledged_at),
        record.acknowledged_by,
        record.cleared_by,
        record.reason,
        _ms(record.shelved_until),
        record.flapping,
        record.test,
        record.raw,
        alarm.received,
    )


def _before(text: str, cure: str) -> str:
    """The text without the cure that it ends with: the page shows that in a place of its own."""
    return text.removesuffix(cure).rstrip() or text


def _trouble_of(alarm: Alarm, is_device: bool) -> Trouble:
    taken = alarm.state == "acknowledged" or alarm.shelved_until_ms is not None
    device = alarm.device if is_device else None
    return Trouble(
        alarm.severity, alarm.device, alarm.title, alarm.text, alarm.cure, alarm.raised_ms, alarm.id, device, taken
    )


def _mistake(mistake: SiteMistake) -> Mistake:
    return Mistake(
        mistake.severity,
        mistake.file,
        mistake.line,
        mistake.path,
        mistake.excerpt.strip(),
        Words.of(mistake.text),
        Words.of(mistake.cure),
    )


def _ms(at: str | None) -> int | None:
    return None if at is None else parse_instant(at)
