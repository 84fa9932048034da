"""The way of everything a driver says: place and clock quality are added, rules look at it, alarms and records follow.

Invariants
1. `reading` and `health` never block and never raise for what a device says.
2. `signal` returns when the record that proves it is on disk; it raises NotKept when it is not.
3. Time passes for rules and alarms once a second, whatever arrives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.alarms.classes import sentence
from courtyard.agent.alarms.engine import AlarmEngine
from courtyard.agent.condition import Condition
from courtyard.agent.health import HealthLog
from courtyard.agent.installs import Installs
from courtyard.agent.intake import Intake
from courtyard.agent.normalise import Places, encode_reading
from courtyard.agent.recorder import Recorder, entry_of_event
from courtyard.agent.records import Details, EventRecord, instant
from courtyard.buffer import Appended, Entry, JournalBusy
from courtyard.config.site import Site
from courtyard.drivers.base import Fault, NotKept, Reading, Signal, Text

TICK_S: Final = 1.0
CLOSE_S: Final = 1.0
FOR_THE_RECORD: Final = 4
"""A signal of this severity is an event; the others are alarms."""


class Rules(Protocol):
    """What the pipeline needs of `courtyard.agent.rules.rulebook.RuleBook`."""

    def observe(self, reading: Reading) -> list[Condition]: ...
    def tick(self, wall_ms: int, mono_ms: int) -> list[Condition]: ...
    def health(self, device: str, fault: Fault | None) -> None: ...
    def watches(self, device: str, alarm_class: str, source: str) -> bool: ...


class Privacy(Protocol):
    """What the pipeline needs of `courtyard.agent.care.discretion.Discretion`."""

    def concerns(self, device: str) -> bool: ...
    def owner_of(self, device: str) -> str: ...
    def judged(self, reading: Reading) -> Reading | None: ...
    def recorded(self, reading: Reading) -> Reading | None: ...
    def due(self, wall_ms: int, mono_ms: int) -> list[Reading]: ...


class Pipeline:
    """The sink of every driver (`courtyard.drivers.base.Sink`).  Used from the event loop only."""

    def __init__(
        self,
        recorder: Recorder,
        book: AlarmBook,
        engine: AlarmEngine,
        places: Places,
        site: Site,
        rules: Rules,
        privacy: Privacy,
    ) -> None:
        self._recorder, self._clock = recorder, recorder.clock
        self._book, self._engine = book, engine
        self._places, self._site, self._rules, self._privacy = places, site, rules, privacy
        self._intake = Intake(recorder)
        self._installs = Installs(recorder, lambda device: places.of(device).install)
        self._health = HealthLog(recorder)
        self.observers: list[Callable[[Reading], None]] = []
        """Called with every reading that is recorded; must be quick and must not raise."""
        self._lapse_unwatched()

    def reading(self, reading: Reading) -> None:
        """Takes a reading; its record is submitted with all others of this turn of the loop."""
        if self._privacy.concerns(reading.device):
            recorded, judged = self._privacy.recorded(reading), self._privacy.judged(reading)
        else:
            recorded = judged = reading
        if recorded is not None:
            self._record(recorded)
        if judged is not None:
            for condition in self._rules.observe(judged):
                self.say(condition)

    async def signal(self, signal: Signal) -> None:
        """Returns when the record is on disk.  Raises NotKept when only memory has it or the journal is too busy."""
        try:
            if signal.severity == FOR_THE_RECORD:
                written: asyncio.Future[Appended] | None = self._recorder.put((self._event(signal),))
            else:
                resident = self._privacy.owner_of(signal.device)
                written = self._engine.apply(condition_of(signal, self._places.part(signal), resident))
        except JournalBusy as busy:
            raise NotKept(signal.device) from busy
        if written is not None and not (await asyncio.shield(written)).durable:
            raise NotKept(signal.device)

    def health(self, subject: str, fault: Fault | None) -> None:
        """Takes the state of a device or a line.  A line that fails is an alarm; a device is the rules' business."""
        if not self._health.note(subject, fault):
            return
        self._rules.health(subject, fault)
        if any(subject == line.name for line in self._site.lines):
            self.say(self._line_condition(subject, fault))

    def say(self, condition: Condition) -> None:
        """Takes a condition that the gateway found out by itself."""
        self._engine.apply(condition)

    def adjust(self, site: Site, rules: Rules) -> None:
        """From now on for this site.  Devices that are no longer in it are forgotten, and so are their faults."""
        former, subjects = {device.id: device.install for device in self._site.devices}, self._subjects()
        self._places.adjust(site)
        self._site, self._rules = site, rules
        self._installs.adjust(former)
        self._health.forget(subjects - self._subjects())
        self._lapse_unwatched()

    async def run(self) -> None:
        """Lets time pass for rules, alarms and what waits, once a second, until cancelled."""
        while True:
            self.tick()
            await asyncio.sleep(TICK_S)

    def tick(self) -> None:
        """One second's work."""
        now = self._recorder.now()
        for condition in self._rules.tick(now.wall_ms, now.mono_ms):
            self.say(condition)
        for summary in self._privacy.due(now.wall_ms, now.mono_ms):
            self._record(summary)
        self._engine.tick()
        self._installs.tick(now.mono_ms)
        self._health.tick(now.mono_ms)

    async def close(self) -> None:
        """Hands over what is still in hand, within CLOSE_S; the journal is closed after this."""
        self._intake.flush()
        self._installs.save()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._recorder.drained()
        except TimeoutError:
            return  # the disk does not answer: what waits is lost, as it would be with the power

    @property
    def faults(self) -> Mapping[str, Fault]:
        """Devices and lines that have a fault now."""
        return self._health.present

    @property
    def fault_since(self) -> Mapping[str, int]:
        """When each of them came, Unix milliseconds."""
        return self._health.since

    def dropped(self) -> Mapping[str, int]:
        """Readings dropped per device since the start."""
        return self._intake.dropped()

    def _record(self, reading: Reading) -> None:
        body = encode_reading(reading, self._places.of(reading.device), self._clock.quality)
        self._intake.put(reading.device, Entry("reading", reading.at_ms, body))
        self._installs.seen(reading)
        for observer in self.observers:
            observer(reading)

    def _event(self, signal: Signal) -> Entry:
        at, place = instant(signal.at_ms), self._places.part(signal)
        details: Details = {"kind": signal.kind, "source": signal.source, "active": signal.active, "text": signal.text}
        return entry_of_event(
            EventRecord(
                "signal",
                at,
                max(signal.mono_ms, 0),
                self._clock.quality,
                device=signal.device,
                place=place,
                details={**signal.details, **details},
                device_at=None if signal.device_at_ms is None else instant(signal.device_at_ms),
                raw=signal.raw_hex or None,
            ),
            signal.at_ms,
        )

    def _line_condition(self, line: str, fault: Fault | None) -> Condition:
        now = self._recorder.now()
        if fault is None:
            text = Text(f"Line {line} works again.", f"线路 {line} 已恢复。")
        else:
            text = Text(f"{fault.what.en} {fault.cure.en}", f"{fault.what.zh}{fault.cure.zh}")
        details: Details = {"code": fault.code} if fault else {}
        return Condition(line, "line_fault", "", 2, fault is not None, *now, text=text, details=details)

    def _subjects(self) -> set[str]:
        devices = {device.id for device in self._site.installed}
        return devices | {line.name for line in self._site.lines} | {self._site.gateway.id}

    def _lapse_unwatched(self) -> None:
        known = self._subjects()
        for alarm in self._book:
            record = alarm.record
            watched = self._rules.watches(record.device, record.alarm_class, record.source)
            if record.device not in known or not watched:
                self._engine.lapse(alarm)


def condition_of(signal: Signal, place: str = "", resident: str = "") -> Condition:
    """A signal as a condition, whose end is the device's own word; `resident` is whose device it is."""
    return Condition(
        signal.device,
        signal.kind,
        signal.source,
        signal.severity,
        signal.active,
        signal.at_ms,
        signal.mono_ms,
        text=sentence(signal.kind, signal.source, signal.active, signal.text or resident),
        details={**signal.details, "resident": resident} if resident else signal.details,
        raw_hex=signal.raw_hex,
        device_at_ms=signal.device_at_ms,
        place=place,
    )
