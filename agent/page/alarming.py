"""Alarms and faults as the page shows them: in words, with what to do, the worst first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from courtyard.agent.alarms.alarm import Alarm as KnownAlarm
from courtyard.agent.alarms.classes import CLASSES
from courtyard.agent.escalation.sequence import step_text
from courtyard.agent.escalation.state import CourseKept, StepKept
from courtyard.agent.journal_health import DISK
from courtyard.agent.records import AlarmRecord, parse_instant
from courtyard.agent.web.advice import advice
from courtyard.agent.web.model import Alarm, EscalationStep, Trouble, Words
from courtyard.config.site import Site
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import Fault, Severity

DISK_CLASS: Final = "disk_fault"
TITLES: Final[Mapping[str, Words]] = {
    "site.broken": Words("The site file cannot run", "站点文件有误"),
    "journal.db.damaged": Words("The disk buffer was damaged", "磁盘缓存曾损坏"),
    "journal.rows.corrupt": Words("Stored records cannot be read", "部分记录无法读取"),
}
"""Faults of the gateway itself, by code."""
SEVERITIES: Final[Mapping[str, Severity]] = {DISK: 2, "site": 3}
"""How urgent a fault of the gateway itself is."""


def class_title(alarm_class: str) -> Words:
    """A class of alarms in words."""
    name = CLASSES.get(alarm_class)
    return Words.of(name) if name else Words(alarm_class, alarm_class)


def alarm_view(alarm: KnownAlarm, faults: Mapping[str, Fault], steps: tuple[EscalationStep, ...] = ()) -> Alarm:
    """An alarm of the book."""
    record = alarm.record
    fault = faults.get(DISK if record.alarm_class == DISK_CLASS else record.device)
    cure = Words.of(fault.cure) if fault and alarm.active else advice(record.alarm_class, record.severity)
    return record_view(record, cure, alarm.received, steps)


def steps_of(site: Site, courses: Iterable[CourseKept]) -> tuple[EscalationStep, ...]:
    """The steps of the escalations of one alarm, in their order."""
    plans = {plan.name: plan for plan in site.escalations}
    found = []
    for course in courses:
        for step in plans[course.escalation].steps if course.escalation in plans else ():
            kept = course.steps.get(step.key, StepKept())
            due_ms = course.begun_ms + round(step.after_s * 1000)
            waits = kept.state == "pending" and course.phase == "waiting"
            what = Words.of(step_text(step))
            found.append(EscalationStep(what, kept.state, kept.at_ms, due_ms if waits else None))
    return tuple(found)


def record_view(
    record: AlarmRecord,
    cure: Words | None = None,
    received: Mapping[str, str] = {},
    steps: tuple[EscalationStep, ...] = (),
) -> Alarm:
    """A record of an alarm, as it was then."""
    cure = cure or advice(record.alarm_class, record.severity)
    return Alarm(
        record.alarm_id,
        record.occurrence,
        record.state,
        record.severity,
        record.alarm_class,
        class_title(record.alarm_class),
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
        received,
        steps,
        str(record.details.get("evidence", "")),
    )


def troubles_of(
    alarms: Iterable[Alarm], faults: Mapping[str, Fault], since: Mapping[str, int], snapshot: Snapshot
) -> Sequence[Trouble]:
    """Everything that needs somebody, the worst first; a fault that an alarm speaks of is told once."""
    open_alarms = [alarm for alarm in alarms if alarm.state != "cleared" and not alarm.test]
    spoken_for = {alarm.device for alarm in open_alarms if alarm.active}
    gateway = snapshot.site.gateway.id
    found = [_trouble_of(alarm, alarm.device in snapshot.devices) for alarm in open_alarms]
    for subject, fault in faults.items():
        installed = snapshot.devices.get(subject)
        covered = subject in spoken_for or (installed is not None and installed.line in faults)
        if covered or (subject == DISK and gateway in spoken_for):
            continue
        found.append(
            Trouble(
                SEVERITIES.get(subject, 2 if subject.startswith("uplink ") else 3),
                subject,
                Words.of(installed.title) if installed else TITLES.get(fault.code, Words(subject, subject)),
                Words.of(fault.what),
                Words.of(fault.cure),
                since.get(subject),
                device=subject if installed else None,
                own=fault.code in TITLES,
                place=installed.place if installed else "",
            )
        )
    return tuple(sorted(found, key=lambda each: (each.acknowledged, each.severity, not each.own, each.since_ms or 0)))


def _before(text: str, cure: str) -> str:
    """The text without the cure that it ends with: the page shows that in a place of its own."""
    return text.removesuffix(cure).rstrip() or text


def _trouble_of(alarm: Alarm, is_device: bool) -> Trouble:
    taken = alarm.state == "acknowledged" or alarm.shelved_until_ms is not None
    device = alarm.device if is_device else None
    return Trouble(
        alarm.severity,
        alarm.device,
        alarm.title,
        alarm.text,
        alarm.cure,
        alarm.raised_ms,
        alarm.id,
        device,
        taken,
        own := alarm.alarm_class == DISK_CLASS,
        "" if own else alarm.place,
    )


def _ms(at: str | None) -> int | None:
    return None if at is None else parse_instant(at)
