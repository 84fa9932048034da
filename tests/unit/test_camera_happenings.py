"""What cameras say of themselves, over time."""

from __future__ import annotations

import pytest

from courtyard.drivers.camera.happenings import MOST_STATES, MOTION_S, Happenings, kinds_of
from courtyard.drivers.camera.values import Notification


def said(topic: str, operation: str = "Changed", source: str = "VS0", **data: str) -> Notification:
    return Notification(topic, (("Source", source),), data, operation, None)


@pytest.mark.parametrize(
    ("topic", "item", "kind"),
    [
        ("VideoSource/MotionAlarm", "State", "motion"),
        ("RuleEngine/CellMotionDetector/Motion", "IsMotion", "motion"),
        ("VideoSource/GlobalSceneChange/ImagingService", "State", "tamper"),
        ("VideoSource/ImageTooDark/AnalyticsService", "State", "tamper"),
        ("RuleEngine/TamperDetector/Tamper", "IsTamper", "tamper"),
        ("RuleEngine/CellMotionDetector/TpSmartEvent", "IsPeople", "person"),
        ("RuleEngine/FieldDetector/ObjectsInside", "IsInside", "intrusion"),
        ("RuleEngine/MyRuleDetector/DogCatDetect", "State", "pet"),
        ("Device/Trigger/AlarmIn", "LogicalState", "contact"),
        ("Device/HardwareFailure/StorageFailure", "Failed", "storage_fault"),
    ],
)
def test_topics_of_the_vendors(topic: str, item: str, kind: str) -> None:
    for text, active in (("true", True), ("1", True), ("false", False), ("0", False)):
        assert kinds_of(said(topic, **{item: text})) == [(kind, active)]


def test_other_topics_are_not_taken() -> None:
    assert kinds_of(said("Monitoring/ProcessorUsage", Value="3")) == []
    assert kinds_of(said("VideoSource/MotionAlarm", Other="true")) == []


def test_a_state_is_told_once() -> None:
    states = Happenings()
    on, off = said("VideoSource/MotionAlarm", State="true"), said("VideoSource/MotionAlarm", State="0")
    assert [each.active for each in states.take(on, 0.0)] == [True]
    assert states.take(on, 1.0) == []
    assert [each.active for each in states.take(off, 2.0)] == [False]
    assert states.take(off, 3.0) == []


def test_what_was_there_before_begins_no_news_but_ends_an_alarm() -> None:
    states = Happenings()
    assert states.take(said("VideoSource/MotionAlarm", "Initialized", State="true"), 0.0) == []
    (ended,) = states.take(said("RuleEngine/TamperDetector/Tamper", "Initialized", IsTamper="false"), 0.0)
    assert (ended.kind, ended.active, ended.severity) == ("tamper", False, 2)


def test_a_motion_without_an_end_ends() -> None:
    states = Happenings()
    states.take(said("VideoSource/MotionAlarm", State="true"), 0.0)
    assert states.expire(MOTION_S - 1) == []
    assert [each.active for each in states.expire(MOTION_S)] == [False]
    assert states.expire(MOTION_S * 2) == []


def test_states_are_bounded() -> None:
    states = Happenings()
    for number in range(3 * MOST_STATES):
        states.take(said("VideoSource/MotionAlarm", source=str(number), State="true"), 0.0)
    assert len(states.expire(MOTION_S)) == MOST_STATES
