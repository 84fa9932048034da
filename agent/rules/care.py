"""What the care of a resident means as rules: vital signs out of the person's own range, silence, an empty battery."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

from courtyard.config.care import Limit, Resident
from courtyard.config.rule import Rule

BATTERY = "battery.level"
BATTERY_HYSTERESIS = 5.0

COIN, COIN_LOW_V, COIN_HYSTERESIS_V = "battery.voltage", 2.4, 0.2
"""Beacons tell the voltage of a coin cell (3 V, lithium) and no percentage; below this it has days left."""
PERSISTENCE_S = 30.0
MEASURED_ONCE = ("vital.pressure.", "vital.weight", "vital.temperature")
"""Measured when somebody wants to know: there is no next value a second later to wait for."""

CareClass = Literal["vital", "not_seen", "not_worn", "no_heartbeat", "battery_level"]
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
                    for_s=persistence_s(limit),
                    severity=limit.severity,
                ),
            )
        yield care("not_seen", device, Rule(name="", kind="unreachable", for_s=resident.not_seen_s, severity=2))
        yield care("not_worn", device, Rule(name="", kind="unreachable", for_s=resident.not_worn_s, severity=3))
    for device in resident.buttons:
        yield care("no_heartbeat", device, Rule(name="", kind="unreachable", for_s=resident.heartbeat_s, severity=2))
    for device in resident.devices:
        for name, point, below, hysteresis in (
            ("level", BATTERY, resident.battery_below, BATTERY_HYSTERESIS),
            ("voltage", COIN, COIN_LOW_V, COIN_HYSTERESIS_V),
        ):
            low = Rule(name=name, kind="threshold", point=point, below=below, hysteresis=hysteresis, severity=3)
            yield care("battery_level", device, low)


def persistence_s(limit: Limit) -> float:
    """How long a value must stay outside a limit."""
    if limit.for_s is not None:
        return limit.for_s
    return 0.0 if limit.point.startswith(MEASURED_ONCE) else PERSISTENCE_S
