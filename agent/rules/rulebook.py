"""Which rules watch which devices; the only place that knows every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple
from zoneinfo import ZoneInfo

from courtyard.agent.condition import Condition
from courtyard.agent.rules.care import CARE_CLASSES, rules_of
from courtyard.agent.rules.evaluator import Evaluator, Supervises, Watch
from courtyard.agent.rules.night_flow import NightFlow
from courtyard.agent.rules.not_worn import NotWorn
from courtyard.agent.rules.reverse_flow import ReverseFlow
from courtyard.agent.rules.threshold import Threshold
from courtyard.agent.rules.unreachable import Unreachable
from courtyard.config.site import Site
from courtyard.drivers.base import Fault, Reading

KINDS: Mapping[str, Callable[[Watch], Evaluator]] = {
    "threshold": Threshold,
    "unreachable": Unreachable,
    "reverse_flow": ReverseFlow,
    "night_flow": NightFlow,
}
"""Rule kind, which is also the class of its alarms, to what evaluates it."""


def _evaluator(watch: Watch) -> Evaluator:
    return NotWorn(watch) if watch.care == "not_worn" else KINDS[watch.rule.kind](watch)


class _Line(NamedTuple):
    watch: Watch
    evaluator: Evaluator


class RuleBook:
    """Evaluators by device.  `previous` lends the evaluators whose rule and device did not change, with their state."""

    def __init__(self, site: Site, previous: RuleBook | None = None) -> None:
        old = previous._lines if previous else {}
        self._lines: dict[tuple[str, str, str], _Line] = {}
        for watch in _watches(site):
            key = (watch.device, watch.alarm_class, watch.rule.name)
            same = key in old and old[key].watch == watch
            self._lines[key] = old[key] if same else _Line(watch, _evaluator(watch))
        self._by_device: dict[str, tuple[Evaluator, ...]] = {}
        self._supervisors: dict[str, tuple[Supervises, ...]] = {}
        for (device_id, _, _), (_, evaluator) in self._lines.items():
            self._by_device[device_id] = (*self._by_device.get(device_id, ()), evaluator)
            if isinstance(evaluator, Supervises):
                self._supervisors[device_id] = (*self._supervisors.get(device_id, ()), evaluator)

    def observe(self, reading: Reading) -> list[Condition]:
        """What the rules of this device have to say about the reading; mostly nothing."""
        said: list[Condition] = []
        for evaluator in self._by_device.get(reading.device, ()):
            condition = evaluator.observe(reading)
            if condition is not None:
                said.append(condition)
        return said

    def tick(self, wall_ms: int, mono_ms: int) -> list[Condition]:
        """What the supervising rules have to say about silence; called about once a second."""
        return _said(each.tick(wall_ms, mono_ms) for group in self._supervisors.values() for each in group)

    def health(self, device: str, fault: Fault | None) -> None:
        """What the driver says about the device."""
        for evaluator in self._supervisors.get(device, ()):
            evaluator.health(fault)

    def watches(self, device: str, alarm_class: str, source: str) -> bool:
        """Whether some rule still answers for this alarm; True for alarms that no rule makes."""
        made_here = alarm_class in KINDS or alarm_class in CARE_CLASSES
        return not made_here or (device, alarm_class, source) in self._lines


def _watches(site: Site) -> Iterator[Watch]:
    """Every rule on every device that it means: those of the site, and those of the care for its residents."""
    timezone = ZoneInfo(site.gateway.timezone)
    for rule in site.rules:
        for device in site.devices:
            if any(fnmatchcase(device.id, pattern) for pattern in rule.devices):
                yield Watch(rule, device.id, device.every_s, device.install, timezone)
    devices = {device.id: device for device in site.devices}
    for resident in site.residents:
        for care, name, rule, pseudonym in rules_of(resident):
            device = devices[name]
            yield Watch(rule, name, device.every_s, device.install, timezone, care, pseudonym)


def _said(answers: Iterable[Condition | None]) -> list[Condition]:
    return [answer for answer in answers if answer is not None]
