"""Which steps are due, for every alarm that nobody has confirmed; pure: alarms, results and time in, acts out.

Invariants
1. A step begins when its time has come, or at once when an attempt of the step before it failed; never twice for one
   occurrence, except to go on with it after a restart.
2. Nothing begins after a platform's receipt or a person's act; only a person's act ends what has begun.
3. Drills begin nothing, unless they are full ones.
4. Every change is told with what must be kept of it, so that a restart goes on where it was; elapsed time is taken
   from the wall clock then, and counts as none where that went backwards.
5. Attempts are bounded, and so are the courses: one per escalation and open alarm.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

import msgspec

from courtyard.agent.escalation.state import Act, CourseKept, Facts, Key, Note, Start, StepKept, Stop
from courtyard.agent.escalation.table import COURSES, STEPS, CourseEvent, StepEvent
from courtyard.agent.recorder import Moment
from courtyard.config.second_path import Escalation, OutputStep, SmsStep, Step, UplinkStep

RETRY_MS: Final[Mapping[type[Step], tuple[int, ...]]] = {
    OutputStep: (),
    SmsStep: (10_000, 30_000),
    UplinkStep: (),
}
"""Pauses before further attempts.  An output is tried again by whoever holds it, an uplink by itself."""
UPLINK_MS: Final = 45_000
"""A centre has three times ten seconds to confirm, and some to be reached."""


class _Course:
    __slots__ = ("again_ms", "begun_mono_ms", "kept")

    def __init__(self, kept: CourseKept, begun_mono_ms: int) -> None:
        self.kept, self.begun_mono_ms = kept, begun_mono_ms
        self.again_ms: dict[str, int] = {}


class Courses:
    """All courses of a gateway.  `awaited` are the uplinks that an escalation awaits when it names none."""

    def __init__(
        self, escalations: Iterable[Escalation], awaited: Iterable[str], kept: Collection[CourseKept], now: Moment
    ) -> None:
        self._courses: dict[Key, _Course] = {}
        self._names: set[str] = {each.escalation for each in kept}
        self._plans: dict[str, Escalation] = {}
        self.adjust(escalations, awaited)
        for each in kept:
            elapsed_ms = max(now.wall_ms - each.begun_ms, 0)
            self._courses[each.key] = _Course(each, now.mono_ms - elapsed_ms)

    def adjust(self, escalations: Iterable[Escalation], awaited: Iterable[str]) -> list[Act]:
        """From now on these; what has begun goes on where it is still declared, and stops where it is not."""
        begun = {(key, step.key) for key, course in self._courses.items() for step in self._steps(course)}
        self._plans = {each.name: each for each in escalations}
        self._names |= set(self._plans)
        self._awaited = frozenset(awaited)
        left = {(key, step.key) for key, course in self._courses.items() for step in self._steps(course)}
        return [Stop(key, step_key) for key, step_key in sorted(begun - left)]

    @property
    def open(self) -> list[CourseKept]:
        """Every course as it stands."""
        return [course.kept for course in self._courses.values()]

    def of(self, alarm_id: str) -> list[CourseKept]:
        """The courses of one alarm."""
        return [self._courses[key].kept for key in self._keys(alarm_id)]

    def resume(self, now: Moment) -> list[Act]:
        """After a restart: what was being tried or held goes on; call once."""
        acts: list[Act] = []
        for course in self._courses.values():
            for step in self._steps(course):
                kept = self._step(course, step)
                if kept.state == "done" and isinstance(step, OutputStep):
                    acts.append(Start(course.kept.key, step, course.kept.occurrence, ()))
                elif kept.state == "trying" and _counts(step) and kept.attempts > len(RETRY_MS[type(step)]):
                    acts += self.told(course.kept.key, step.key, "give_up", "restart", now)
                elif kept.state == "trying":
                    acts += self._start(course, step, now)
        return acts

    def heard(self, facts: Facts, now: Moment) -> list[Act]:
        """An alarm was raised, changed, confirmed or taken on."""
        acts: list[Act] = []
        for key in self._keys(facts.alarm_id):
            acts += self._follow(self._courses[key], facts, now)
        if facts.severity == 1 and facts.awaits and (facts.full or not facts.test):
            for plan in self._plans.values():
                acts += self._open(plan, facts, now)
        return acts

    def told(self, key: Key, step_key: str, event: StepEvent, reason: str, now: Moment) -> list[Act]:
        """What became of a step."""
        course = self._courses.get(key)
        step = next((each for each in self._steps(course) if each.key == step_key), None) if course else None
        if course is None or step is None:
            return []
        kept = self._step(course, step)
        if event == "fail" and not _counts(step):
            if kept.attempts or kept.state != "trying":
                return []  # whoever holds the output goes on trying; once is said
            self._keep(course, step_key, msgspec.structs.replace(kept, attempts=1))
        elif event == "fail" and kept.attempts > len(RETRY_MS[type(step)]):
            event = "give_up"
        acts = list(self._change(course, step, event, reason, now))
        if acts and event in ("fail", "give_up"):
            acts += self._begin_next(course, step, now)
        return acts

    def reached(self, key: Key, step_key: str, number: str) -> list[Act]:
        """One number of a step has the message."""
        course = self._courses.get(key)
        if course is None or step_key not in course.kept.steps:
            return []
        kept = course.kept.steps[step_key]
        self._keep(course, step_key, msgspec.structs.replace(kept, reached=(*kept.reached, number)))
        return [self._note(course, "escalation.step", step=step_key, result="reached", number=number[-4:])]

    def silence(self, alarm_id: str, now: Moment) -> list[Act]:
        """A person silences the outputs of an alarm; everything else goes on."""
        acts: list[Act] = []
        for key in self._keys(alarm_id):
            for step in self._steps(self._courses[key]):
                if isinstance(step, OutputStep):
                    acts += self._stop(self._courses[key], step, "silenced", now)
        return acts

    def due(self, now: Moment) -> list[Act]:
        """What time alone brings about."""
        return [act for course in self._courses.values() for act in self._due(course, now)]

    def next_due_ms(self) -> int | None:
        """When `due` has something to do (monotonic)."""
        times = [at for course in self._courses.values() for at in course.again_ms.values()]
        for course in self._courses.values():
            pending = (step for step in self._steps(course) if self._step(course, step).state == "pending")
            times += [self._due_ms(course, step) for step in pending]
        return min(times, default=None)

    def _open(self, plan: Escalation, facts: Facts, now: Moment) -> Iterator[Act]:
        key = Key(plan.name, facts.alarm_id)
        if not means(plan, facts.device, facts.alarm_class) or key in self._courses:
            return
        if not facts.full and facts.received & self._awaits(plan):
            return
        kept = CourseKept(plan.name, facts.alarm_id, facts.occurrence, now.wall_ms, facts.full, "waiting", {})
        course = self._courses[key] = _Course(kept, now.mono_ms)
        yield self._note(course, "escalation.begun", awaits=", ".join(sorted(self._awaits(plan))) or None)
        yield from self._due(course, now)

    def _due(self, course: _Course, now: Moment) -> list[Act]:
        acts: list[Act] = []
        for step in self._steps(course):
            kept, again_ms = self._step(course, step), course.again_ms.get(step.key)
            if kept.state == "pending" and self._due_ms(course, step) <= now.mono_ms:
                acts += self._begin(course, step, now)
            elif kept.state == "trying" and again_ms is not None and again_ms <= now.mono_ms:
                del course.again_ms[step.key]
                if isinstance(step, UplinkStep):
                    acts += self.told(course.kept.key, step.key, "give_up", "not confirmed", now)
                else:
                    acts += self._start(course, step, now)
        return acts

    def _keys(self, alarm_id: str) -> list[Key]:
        keys = (Key(name, alarm_id) for name in sorted(self._names))
        return [key for key in keys if key in self._courses]

    def _follow(self, course: _Course, facts: Facts, now: Moment) -> Iterator[Act]:
        if facts.occurrence != course.kept.occurrence or not facts.awaits:
            yield from self._close(course, "person" if not facts.awaits else "occurrence", now)
            return
        for step in self._steps(course):
            if isinstance(step, UplinkStep) and step.uplink in facts.received:
                yield from self._change(course, step, "succeed", "confirmed", now)
        plan = self._plans.get(course.kept.escalation)
        if plan is None or course.kept.full or not facts.received & self._awaits(plan):
            return
        if self._enter(course, "receipt"):
            by = ", ".join(sorted(facts.received & self._awaits(plan)))
            yield self._note(course, "escalation.received", by=by)
            for step in self._steps(course):
                if self._step(course, step).state == "pending":
                    yield from self._change(course, step, "spare", "received", now)

    def _close(self, course: _Course, why: str, now: Moment) -> Iterator[Act]:
        self._enter(course, "person")
        for step in self._steps(course):
            yield from self._stop(course, step, why, now)
            yield from self._change(course, step, "spare", why, now)
        states = ", ".join(f"{key} {step.state}" for key, step in course.kept.steps.items())
        del self._courses[course.kept.key]
        kept = course.kept
        yield Note("escalation.ended", {**_names(kept), "by": why, "steps": states or None}, kept.key, None)

    def _stop(self, course: _Course, step: Step, why: str, now: Moment) -> Iterator[Act]:
        state = self._step(course, step).state
        if state == "trying" or (state == "done" and isinstance(step, OutputStep)):
            event: StepEvent = "end" if isinstance(step, OutputStep) else "spare"
            yield from self._change(course, step, event, why, now)
            yield Stop(course.kept.key, step.key)

    def _begin_next(self, course: _Course, after: Step, now: Moment) -> Iterator[Act]:
        steps = self._steps(course)
        for step in steps[steps.index(after) + 1 :]:
            if self._step(course, step).state == "pending":
                yield from self._begin(course, step, now)
                return

    def _begin(self, course: _Course, step: Step, now: Moment) -> Iterator[Act]:
        kept = self._step(course, step)
        following = STEPS.get((kept.state, "begin"))
        if following is not None:
            self._keep(course, step.key, msgspec.structs.replace(kept, state=following, at_ms=now.wall_ms))
            yield from self._start(course, step, now)

    def _start(self, course: _Course, step: Step, now: Moment) -> Iterator[Act]:
        kept = self._step(course, step)
        if _counts(step):
            kept = msgspec.structs.replace(kept, attempts=kept.attempts + 1)
            self._keep(course, step.key, kept)
        if isinstance(step, UplinkStep):
            course.again_ms[step.key] = now.mono_ms + UPLINK_MS
        yield self._note(course, "escalation.step", step=step.key, result="trying", attempt=max(kept.attempts, 1))
        yield Start(course.kept.key, step, course.kept.occurrence, kept.reached)

    def _change(self, course: _Course, step: Step, event: StepEvent, reason: str, now: Moment) -> Iterator[Act]:
        kept = self._step(course, step)
        following = STEPS.get((kept.state, event))
        if following is None:
            return
        course.again_ms.pop(step.key, None)
        pauses = RETRY_MS[type(step)]
        if event == "fail" and 0 < kept.attempts <= len(pauses):
            course.again_ms[step.key] = now.mono_ms + pauses[kept.attempts - 1]
        self._keep(course, step.key, msgspec.structs.replace(kept, state=following, at_ms=now.wall_ms))
        result = "failed attempt" if event == "fail" else following
        yield self._note(course, "escalation.step", step=step.key, result=result, reason=reason or None)

    def _enter(self, course: _Course, event: CourseEvent) -> bool:
        following = COURSES.get((course.kept.phase, event))
        if following is not None:
            course.kept = msgspec.structs.replace(course.kept, phase=following)
        return following is not None

    def _keep(self, course: _Course, step_key: str, kept: StepKept) -> None:
        course.kept = msgspec.structs.replace(course.kept, steps={**course.kept.steps, step_key: kept})

    def _note(self, course: _Course, event: str, **details: Any) -> Note:
        return Note(event, {**_names(course.kept), **details}, course.kept.key, course.kept)

    def _steps(self, course: _Course) -> tuple[Step, ...]:
        plan = self._plans.get(course.kept.escalation)
        return plan.steps if plan else ()

    @staticmethod
    def _step(course: _Course, step: Step) -> StepKept:
        return course.kept.steps.get(step.key, StepKept())

    @staticmethod
    def _due_ms(course: _Course, step: Step) -> int:
        return course.begun_mono_ms + round(step.after_s * 1000)

    def _awaits(self, plan: Escalation) -> frozenset[str]:
        return frozenset(plan.uplinks) or self._awaited


def _counts(step: Step) -> bool:
    """Whether attempts are counted here."""
    return not isinstance(step, OutputStep)


def means(plan: Escalation, device: str, alarm_class: str) -> bool:
    """Whether an escalation is for alarms of this device and class."""
    return any(fnmatchcase(device, pattern) for pattern in plan.devices) and any(
        fnmatchcase(alarm_class, pattern) for pattern in plan.classes
    )


def _names(kept: CourseKept) -> dict[str, Any]:
    names = {"escalation": kept.escalation, "alarm_id": kept.alarm_id, "occurrence": kept.occurrence}
    return names | ({"test": True} if kept.full else {})
