"""What cameras say of themselves: topics of ONVIF and of vendors as kinds, and the present state of each.

Invariants
1. A state that has not changed is told once.
2. `Initialized` tells a state that was there before; it begins nothing that is only news, and ends what it may.
3. A motion that its camera never ends is over after MOTION_S.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from courtyard.drivers.base import Severity
from courtyard.drivers.camera.values import Notification

MOTION_S = 30.0
MOST_STATES = 256
ALARMS: Mapping[str, Severity] = {"tamper": 2, "storage_fault": 3}
"""Kinds that need somebody; all others are for the record."""
FOR_THE_RECORD: Severity = 4

_ITEMS = {
    "IsMotion": "motion",
    "IsTamper": "tamper",
    "IsPeople": "person",
    "IsIntrusion": "intrusion",
    "IsInside": "intrusion",
    "IsLineCross": "line_crossed",
    "IsVehicle": "vehicle",
    "IsPet": "pet",
    "IsSoundDetected": "sound",
}
"""Data items that say by themselves what they are."""
_TOPICS = (
    ("VideoSource/MotionAlarm", "State", "motion"),
    ("RuleEngine/MotionRegionDetector/Motion", "State", "motion"),
    ("VideoSource/GlobalSceneChange/", "State", "tamper"),
    ("VideoSource/ImageTooDark", "State", "tamper"),
    ("VideoSource/ImageTooBright", "State", "tamper"),
    ("VideoSource/ImageTooBlurry", "State", "tamper"),
    ("RuleEngine/TamperDetector/", "State", "tamper"),
    ("RuleEngine/LineDetector/Crossed", "ObjectId", "line_crossed"),
    ("RuleEngine/MyRuleDetector/PeopleDetect", "State", "person"),
    ("RuleEngine/MyRuleDetector/VehicleDetect", "State", "vehicle"),
    ("RuleEngine/MyRuleDetector/DogCatDetect", "State", "pet"),
    ("RuleEngine/MyRuleDetector/FaceDetect", "State", "face"),
    ("RuleEngine/MyRuleDetector/Visitor", "State", "visitor"),
    ("RuleEngine/MyRuleDetector/Package", "State", "package"),
    ("UserAlarm/IVA/HumanShapeDetect", "State", "person"),
    ("Device/Trigger/DigitalInput", "LogicalState", "contact"),
    ("Device/Trigger/AlarmIn", "LogicalState", "contact"),
    ("Device/Trigger/Relay", "LogicalState", "relay"),
    ("Device/HardwareFailure/StorageFailure", "Failed", "storage_fault"),
    ("RecordingConfig/JobState", "State", "recording"),
)
"""Beginning of the topic, its data item, kind.  People counts and operating times are not taken."""
_TRUE = frozenset({"true", "1", "active", "on"})
_PASSING = frozenset({"motion", "line_crossed"})
"""Kinds that some cameras begin and never end."""
_EVENTS_ONLY_BEGIN = frozenset({"ObjectId"})


class Happening(NamedTuple):
    """One change: what, where on the camera, whether it begins, and when by the camera's clock, in ms."""

    kind: str
    source: str
    active: bool
    severity: Severity
    device_at_ms: int | None = None
    topic: str = ""


def kinds_of(notification: Notification) -> list[tuple[str, bool]]:
    """What a notification says: kind and whether it is so.  Empty for topics that are not taken."""
    data = notification.data
    said = [(kind, _is_true(data[item])) for item, kind in _ITEMS.items() if item in data]
    if said:
        return said
    for topic, item, kind in _TOPICS:
        if notification.topic.startswith(topic) and item in data:
            return [(kind, item in _EVENTS_ONLY_BEGIN or _is_true(data[item]))]
    return []


class Happenings:
    """The states of one camera.  Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._states: OrderedDict[tuple[str, str, str], tuple[bool, float]] = OrderedDict()
        """(kind, topic, source) to whether it is so and since when."""

    def take(self, notification: Notification, now_s: float) -> list[Happening]:
        """What is new."""
        source = ",".join(f"{name}={value}" for name, value in notification.source)
        at = notification.at
        found = []
        for kind, active in kinds_of(notification):
            key = (kind, notification.topic, source)
            known = self._states.get(key)
            if notification.operation == "Deleted":
                active = False
            is_news = active if known is None else known[0] != active
            if notification.operation == "Initialized" and known is None and kind not in ALARMS:
                is_news = False
            self._keep(key, active, now_s)
            if is_news or (known is None and kind in ALARMS):
                at_ms = None if at is None else round(at.timestamp() * 1000)
                found.append(
                    Happening(kind, source, active, ALARMS.get(kind, FOR_THE_RECORD), at_ms, notification.topic)
                )
        return found

    def expire(self, now_s: float) -> list[Happening]:
        """Ends motions that their camera has left standing."""
        found = []
        for key, (active, since_s) in list(self._states.items()):
            kind, topic, source = key
            if active and kind in _PASSING and now_s - since_s >= MOTION_S:
                self._keep(key, False, now_s)
                found.append(Happening(kind, source, False, FOR_THE_RECORD, None, topic))
        return found

    def _keep(self, key: tuple[str, str, str], active: bool, now_s: float) -> None:
        self._states.pop(key, None)
        self._states[key] = (active, now_s)
        while len(self._states) > MOST_STATES:
            self._states.popitem(last=False)


def _is_true(text: str) -> bool:
    return text.strip().lower() in _TRUE
