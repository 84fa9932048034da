"""What the care of a resident means as rules: vital signs out of the person's own range, silence, an empty battery."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

from courtyard.config.care import Resident
from courtyard.config.site import Rule

BATTERY = "battery.level"
BATTERY_HYSTERESIS = 5.0

CareClass = Literal["vital", "not_seen", "no_heartbeat", "battery_level"]
CARE_CLASSES = frozenset(get_args(CareClass))
"""Classes of the alarms of these rules; nothing else makes alarms of these classes."""


class CareRule(NamedTuple):
    """A rule of the care for a resident, on one device."""

    alarm_class: CareClass
    device: str
    rule: Rule
    resident: str


def rules_of(resident: Resident) -> Iterator[CareRule]:
    """All that is watched for one resident.  The names of the rules are the sources of their alarms."""

    def care(alarm_class: CareClass, device: str, rule: Rule) -> CareRule:
        return CareRule(alarm_class, device, rule, resident.id)

    for device in resident.wearables:
        for limit in resident.limits:
            yield care(
                "vital",
                device,
                Rule(
                    name=limit.point,
                    kind="threshold",
                    point=limit.point,
                    above=limit.above,
                    below=limit.below,
                    hysteresis=limit.hysteresis,
                    for_s=limit.for_s,
                    severity=limit.severity,
                ),
            )
        yield care("not_seen", device, Rule(name="", kind="unreachable", for_s=resident.not_seen_s, severity=2))
    for device in resident.buttons:
        yield care("no_heartbeat", device, Rule(name="", kind="unreachable", for_s=resident.heartbeat_s, severity=2))
    for device in resident.devices:
        low = Rule(
            name="level",
            kind="threshold",
            point=BATTERY,
            below=resident.battery_below,
            hysteresis=BATTERY_HYSTERESIS,
            severity=3,
        )
        yield care("battery_level", device, low)
