"""Joins the courses of escalations to alarms, outputs, text messages, uplinks and the journal.

A step is fired before its record is on disk: where the disk is slow, life goes first.  After a crash between the two
it is fired once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, Protocol

import msgspec

from courtyard.agent.alarms.alarm import Alarm
from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.escalation.course import Courses, means
from courtyard.agent.escalation.handed import Handed
from courtyard.agent.escalation.post import Letter, Post, Send
from courtyard.agent.escalation.state import Act, CourseKept, Facts, Key, Start, Stop
from courtyard.agent.escalation.table import StepEvent
from courtyard.agent.escalation.texts import message
from courtyard.agent.recorder import Also, Recorder
from courtyard.config.second_path import OutputStep, SmsStep
from courtyard.config.site import Site

PREFIX: Final = "escalation/"
FINAL: Final = ("output.unknown", "output.blocked", "output.ttl", "output.removed")
"""Refusals after which the output is not tried again for this demand."""
ENDED: Final = "output.ended."
MAX_WAIT_S: Final = 60.0


class Sirens(Protocol):
    """What this needs of `courtyard.agent.outputs.demands.Demands`."""

    @property
    def held(self) -> Iterable[str]: ...
    def want(self, holder: str, outputs: Iterable[str], *, occasion: int = 0) -> None: ...
    async def run(self) -> None: ...


class Ports(NamedTuple):
    """What an escalation reaches; `sirens` makes the demands and is given what hears of them."""

    sirens: Callable[[Callable[[str, str | None], None]], Sirens]
    send: Send
    handed: Handed


class Escalations:
    """Used from the event loop only; everything begins and ends with `run`."""

    def __init__(self, recorder: Recorder, book: AlarmBook, ports: Ports, site: Callable[[], Site]) -> None:
        self._recorder, self._book, self._site = recorder, book, site
        self._handed = ports.handed
        self._sirens = ports.sirens(self._siren_said)
        self._post = Post(ports.send, self._compose, told=self._told, reached=self._reached)
        self._changed = asyncio.Event()
        self._listening = False
        now, kept = recorder.now(), self._restored()
        self._courses = Courses(site().escalations, awaited_of(site()), kept, now)

    @property
    def open(self) -> list[CourseKept]:
        """Every course as it stands."""
        return self._courses.open

    async def run(self) -> None:
        """Until cancelled; then outputs are released, and the next run goes on."""
        for course in self._courses.open:
            alarm = self._book.get(course.alarm_id)
            if alarm is None:
                self._do(self._courses.heard(_gone(course), self._recorder.now()))
            else:
                self._heard(alarm)
        self._do(self._courses.resume(self._recorder.now()))
        if not self._listening:
            self._listening = True
            self._book.listen(self._heard)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sirens.run())
            group.create_task(self._post.run())
            group.create_task(self._pass_time())

    def adjust(self) -> None:
        """The site has changed."""
        site = self._site()
        self._do(self._courses.adjust(site.escalations, awaited_of(site)))

    def steps(self, alarm_id: str) -> dict[str, str]:
        """Where the steps for an alarm stand, by what they do."""
        courses = self._courses.of(alarm_id)
        return {f"{each.escalation}/{key}": step.state for each in courses for key, step in each.steps.items()}

    def courses(self, alarm_id: str) -> list[CourseKept]:
        """Every course of an alarm as it stands."""
        return self._courses.of(alarm_id)

    def silence(self, alarm_id: str) -> int:
        """A person ends the outputs that this alarm holds here; how many steps that were."""
        acts = self._courses.silence(alarm_id, self._recorder.now())
        self._do(acts)
        return sum(isinstance(act, Stop) for act in acts)

    async def _pass_time(self) -> None:
        while True:
            self._changed.clear()
            now = self._recorder.now()
            self._do(self._courses.due(now))
            due_ms = self._courses.next_due_ms()
            wait_s = None if due_ms is None else min(max(due_ms - now.mono_ms, 1) / 1000, MAX_WAIT_S)
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _heard(self, alarm: Alarm) -> None:
        if alarm.record.severity == 1 or self._courses.of(alarm.record.alarm_id):
            self._do(self._courses.heard(facts_of(alarm), self._recorder.now()))
            self._changed.set()

    def _do(self, acts: Iterable[Act]) -> None:
        for act in acts:
            match act:
                case Start():
                    self._start(act)
                case Stop(key, step_key):
                    self._post.withdraw(key, step_key)
                    self._sirens.want(_holder(key, step_key), ())
                case _:
                    kept = None if act.kept is None else msgspec.json.encode(act.kept)
                    alarm = self._book.get(act.key.alarm_id)
                    device = alarm.record.device if alarm else None
                    also = Also(state={f"{PREFIX}{act.key.escalation}/{act.key.alarm_id}": kept})
                    test = bool(act.details.get("test"))
                    self._recorder.event(act.event, act.details, device=device, test=test, also=also)

    def _start(self, start: Start) -> None:
        key, step = start.key, start.step
        match step:
            case OutputStep():
                self._sirens.want(_holder(key, step.key), (step.output,), occasion=start.occurrence)
                if step.output in self._sirens.held:
                    self._told(key, step.key, "succeed", "")
            case SmsStep():
                self._post.put(Letter(key, step.key, step.numbers, start.reached))
            case _:
                alarm = self._book.get(key.alarm_id)
                if alarm is not None:
                    self._handed.give(step.uplink, alarm.record)
        self._changed.set()

    def _told(self, key: Key, step_key: str, event: StepEvent, reason: str) -> None:
        self._do(self._courses.told(key, step_key, event, reason, self._recorder.now()))
        self._changed.set()

    def _reached(self, key: Key, step_key: str, number: str) -> None:
        self._do(self._courses.reached(key, step_key, number))

    def _siren_said(self, output: str, refusal: str | None) -> None:
        """An output is held, or it is not: every course that wants it is told."""
        if refusal is None:
            event: StepEvent = "succeed"
        elif refusal in (f"{ENDED}cap", f"{ENDED}blocked"):
            event = "end"
        else:
            event = "give_up" if refusal in FINAL else "fail"
        for course in self._courses.open:
            self._told(course.key, f"output:{output}", event, refusal or "")

    def _compose(self, keys: list[Key]) -> str:
        site = self._site()
        alarms = (self._book.get(key.alarm_id) for key in keys)
        records = [alarm.record for alarm in alarms if alarm]
        records.sort(key=lambda record: (record.test, record.raised_at))  # a drill never hides what is real
        name = next((device.name for device in site.installed if device.id == records[0].device), None)
        return message(site.gateway, records, name)

    def _restored(self) -> list[CourseKept]:
        kept: list[CourseKept] = []
        for key, value in self._recorder.journal.state(PREFIX).items():
            try:
                kept.append(msgspec.json.decode(value, type=CourseKept))
            except msgspec.MsgspecError:
                self._recorder.event("escalation.state.unreadable", {"key": key}, also=Also(state={key: None}))
        return kept


def facts_of(alarm: Alarm) -> Facts:
    """What an escalation looks at.  An alarm that is over but that nobody has taken on still waits for somebody."""
    record = alarm.record
    return Facts(
        record.alarm_id,
        record.occurrence,
        record.device,
        record.alarm_class,
        record.severity,
        record.state in ("raised", "returned") and record.shelved_until is None,
        frozenset(alarm.received),
        record.test,
        record.details.get("full") is True,
    )


def awaited_of(site: Site) -> frozenset[str]:
    """The uplinks that always get alarms and whose platform can confirm them."""
    return frozenset(
        uplink.name
        for uplink in site.uplinks
        if not uplink.only_escalated and "alarm" in uplink.filter.lanes and (uplink.commands or uplink.station)
    )


def planned_steps(site: Site, device: str, alarm_class: str) -> int:
    """How many steps the escalations of an alarm have."""
    return sum(len(each.steps) for each in site.escalations if means(each, device, alarm_class))


def _gone(course: CourseKept) -> Facts:
    return Facts(course.alarm_id, course.occurrence, "", "", 1, awaits=False)


def _holder(key: Key, step_key: str) -> str:
    return f"escalation/{key.escalation}/{key.alarm_id}/{step_key}"
