"""Whatever happens in whatever order, with restarts in between: the second path keeps its promises."""

from __future__ import annotations

from collections import Counter

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.agent.escalation.course import RETRY_MS, Courses
from courtyard.agent.escalation.state import Act, CourseKept, Facts, Key, Note, Start, Stop
from courtyard.agent.escalation.table import COURSES, STEPS
from courtyard.agent.recorder import Moment
from courtyard.config.second_path import Escalation, OutputStep, SmsStep, UplinkStep
from tests.gateway_rig import examples

SIREN, SMS = OutputStep(after_s=30, output="siren"), SmsStep(after_s=60, numbers=("119", "120"))
CENTRE = UplinkStep(after_s=90, uplink="fire")
PLAN = Escalation("life", (SIREN, SMS, CENTRE))
ALARM = "panel:fire:1-1"
KEY = Key("life", ALARM)


class Box:
    """Courses with their journal: what was noted is what a restart finds."""

    def __init__(self, *, full: bool = False, test: bool = False) -> None:
        self.kept: dict[Key, CourseKept] = {}
        self.now = Moment(1_000_000, 500_000)
        self.acts: list[Act] = []
        self.facts = Facts(ALARM, 1, "panel", "fire", 1, awaits=True, test=test, full=full)
        self.courses = Courses((PLAN,), ("community",), (), self.now)

    def do(self, acts: list[Act]) -> list[Act]:
        for act in acts:
            if isinstance(act, Note):
                if act.kept is None:
                    self.kept.pop(act.key, None)
                else:
                    self.kept[act.key] = msgspec.json.decode(msgspec.json.encode(act.kept), type=CourseKept)
        self.acts += acts
        return acts

    def heard(self, **changes: object) -> list[Act]:
        self.facts = self.facts._replace(**changes)
        return self.do(self.courses.heard(self.facts, self.now))

    def told(self, step_key: str, event: str, reason: str = "") -> list[Act]:
        return self.do(self.courses.told(KEY, step_key, event, reason, self.now))  # type: ignore[arg-type]

    def wait(self, seconds: float) -> list[Act]:
        """Time passes, with everything that it brings about on the way."""
        until = self.now.mono_ms + round(seconds * 1000)
        done: list[Act] = []
        while (due := self.courses.next_due_ms()) is not None and due <= until:
            self._move(max(due - self.now.mono_ms, 0))
            done += self.do(self.courses.due(self.now))
        self._move(until - self.now.mono_ms)
        return done

    def crash(self) -> list[Act]:
        """A restart of the process: the monotonic clock goes on, memory does not."""
        self.courses = Courses((PLAN,), ("community",), self.kept.values(), self.now)
        done = self.do(self.courses.heard(self.facts, self.now))
        return done + self.do(self.courses.resume(self.now))

    def _move(self, ms: int) -> None:
        self.now = Moment(self.now.wall_ms + ms, self.now.mono_ms + ms)

    def started(self) -> list[str]:
        return [act.step.key for act in self.acts if isinstance(act, Start)]

    def state(self, step_key: str) -> str:
        return next((course.steps[step_key].state for course in self.courses.open if step_key in course.steps), "none")


def test_without_a_word_every_step_comes_at_its_time() -> None:
    box = Box()
    box.heard()
    for seconds, keys in ((29.9, []), (0.2, [SIREN.key]), (29.8, []), (0.2, [SMS.key]), (30, [CENTRE.key])):
        assert [act.step.key for act in box.wait(seconds) if isinstance(act, Start)] == keys
    assert box.courses.next_due_ms() is not None  # the centre's time to confirm


def test_a_receipt_in_time_spares_everything() -> None:
    box = Box()
    box.heard()
    box.wait(29)
    box.heard(received=frozenset({"community"}))
    assert box.wait(3600) == []
    assert box.started() == []


def test_a_receipt_of_a_platform_that_is_not_awaited_changes_nothing() -> None:
    box = Box()
    box.heard()
    box.heard(received=frozenset({"another"}))
    box.wait(100)
    assert box.started() == [SIREN.key, SMS.key, CENTRE.key]


def test_a_late_receipt_spares_the_rest_but_only_a_person_ends_the_siren() -> None:
    box = Box()
    box.heard()
    box.wait(31)
    box.told(SIREN.key, "succeed")
    acts = box.heard(received=frozenset({"community"}))
    assert not any(isinstance(act, Stop) for act in acts)
    assert box.wait(600) == []
    assert Stop(KEY, SIREN.key) in box.heard(awaits=False)
    assert box.kept == {}


def test_a_failure_begins_the_next_step_at_once() -> None:
    box = Box()
    box.heard()
    box.wait(30)
    assert [act.step.key for act in box.told(SIREN.key, "fail") if isinstance(act, Start)] == [SMS.key]
    assert [act.step.key for act in box.told(SMS.key, "fail") if isinstance(act, Start)] == [CENTRE.key]


def test_attempts_end() -> None:
    box = Box()
    box.heard()
    for _ in range(20):
        box.wait(60)
        box.told(SMS.key, "fail")
    assert box.started().count(SMS.key) == 1 + len(RETRY_MS[SmsStep])
    assert box.state(SMS.key) == "failed"


def test_a_centre_that_is_silent_fails_and_may_still_confirm() -> None:
    box = Box()
    box.heard()
    box.wait(90 + 46)
    assert box.state(CENTRE.key) == "failed"
    box.heard(received=frozenset({"fire"}))
    assert box.state(CENTRE.key) == "done"


def test_a_person_silences_the_siren_and_the_messages_go_on() -> None:
    box = Box()
    box.heard()
    box.wait(31)
    box.told(SIREN.key, "succeed")
    acts = box.do(box.courses.silence(ALARM, box.now))
    assert Stop(KEY, SIREN.key) in acts
    assert box.state(SIREN.key) == "ended"
    box.wait(30)
    assert SMS.key in box.started()
    assert SIREN.key not in [act.step.key for act in box.crash() if isinstance(act, Start)]


def test_a_restart_goes_on_where_it_was() -> None:
    box = Box()
    box.heard()
    box.wait(40)
    box.told(SIREN.key, "succeed")
    assert [act.step.key for act in box.crash() if isinstance(act, Start)] == [SIREN.key]
    assert [act.step.key for act in box.wait(21) if isinstance(act, Start)] == [SMS.key]
    box.do(box.courses.reached(KEY, SMS.key, "119"))
    (again,) = [act for act in box.crash() if isinstance(act, Start) and act.step.key == SMS.key]
    assert again.reached == ("119",)


def test_a_wall_clock_that_went_back_only_delays() -> None:
    box = Box()
    box.heard()
    box.wait(20)
    box.now = Moment(5, 100)
    box.crash()
    assert box.started() == []
    box.wait(30)
    assert box.started() == [SIREN.key]


def test_another_occurrence_begins_anew() -> None:
    box = Box()
    box.heard()
    box.wait(31)
    box.told(SIREN.key, "succeed")
    acts = box.heard(occurrence=2)
    assert Stop(KEY, SIREN.key) in acts
    box.wait(31)
    assert box.started() == [SIREN.key, SIREN.key]


def test_drills_begin_nothing_but_full_ones_everything() -> None:
    drill = Box(test=True)
    drill.heard()
    assert (drill.wait(600), drill.acts) == ([], [])
    full = Box(test=True, full=True)
    full.heard(received=frozenset({"community"}))
    full.wait(91)
    assert full.started() == [SIREN.key, SMS.key, CENTRE.key]


def test_less_than_severity_1_begins_nothing() -> None:
    box = Box()
    box.heard(severity=2)
    assert box.wait(600) == []
    box.heard(severity=1)
    box.wait(31)
    assert box.started() == [SIREN.key]


def test_a_step_that_is_no_longer_declared_stops() -> None:
    box = Box()
    box.heard()
    box.wait(31)
    acts = box.do(box.courses.adjust((Escalation("life", (SMS,)),), ("community",)))
    assert acts == [Stop(KEY, SIREN.key), Stop(KEY, CENTRE.key)]
    assert [act.step.key for act in box.wait(30) if isinstance(act, Start)] == [SMS.key]


def test_the_tables_leave_no_state_without_a_way_out() -> None:
    assert {state for state, _ in STEPS} | {"spared", "ended"} >= set(STEPS.values())
    assert set(COURSES.values()) - {phase for phase, _ in COURSES} == {"closed"}


happenings = st.lists(
    st.tuples(
        st.sampled_from(
            ["raise", "again", "receipt", "person", "succeed", "fail", "give_up", "cap", "silence", "crash"]
        ),
        st.sampled_from([SIREN.key, SMS.key, CENTRE.key]),
        st.floats(0, 100),
    ),
    max_size=25,
)


@given(happenings)
@settings(max_examples=examples(150))
def test_the_promises_hold_for_any_history(history: list[tuple[str, str, float]]) -> None:
    box = Box()
    begun: Counter[tuple[int, str]] = Counter()
    answered = crashes = 0
    for what, step_key, seconds in history:
        before = len(box.acts)
        match what:
            case "raise":
                box.heard(awaits=True)
            case "again":
                box.heard(occurrence=box.facts.occurrence + 1, awaits=True, received=frozenset())
            case "receipt":
                box.heard(received=frozenset({"community"}))
            case "person":
                box.heard(awaits=False)
            case "cap":
                box.told(SIREN.key, "end", "cap")
            case "silence":
                box.do(box.courses.silence(ALARM, box.now))
            case "crash":
                crashes += 1
                box.crash()
            case _:
                box.told(step_key, what)
        box.wait(seconds)
        starts = [act for act in box.acts[before:] if isinstance(act, Start)]
        closed = not box.facts.awaits
        answered = box.facts.occurrence if box.facts.received else answered
        for act in starts:
            fresh = (act.occurrence, act.step.key) not in begun
            assert not (fresh and (closed or answered == act.occurrence) and what not in ("crash", "receipt", "person"))
            begun[act.occurrence, act.step.key] += 1
        assert all(count <= 3 + crashes for (_, key), count in begun.items() if key != SIREN.key)
        assert len(box.courses.open) <= 1
        if closed:
            assert box.kept == {}
    assert {course.key: course for course in box.courses.open} == box.kept
