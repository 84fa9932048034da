"""What a fire-control centre may ask of this gateway: what it knows of systems and parts, and everything of itself.

What it does not know is denied.  Nothing is ever passed on to a panel.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import NamedTuple

from courtyard.agent.uplinks.gb26875.analogues import Measure, Quantity, analogue, asked
from courtyard.agent.uplinks.gb26875.operations import Operations
from courtyard.agent.uplinks.gb26875.present import Present, Report
from courtyard.drivers.fire.gb26875 import device
from courtyard.drivers.fire.gb26875.frame import REQUEST, Message
from courtyard.drivers.fire.gb26875.objects import (
    ANSWERS,
    TYPES,
    ComponentConfiguration,
    ComponentQuery,
    DeviceConfiguration,
    DeviceTime,
    DeviceVersion,
    InformationObject,
    SystemConfiguration,
    SystemQuery,
    UntypedComponentQuery,
)
from courtyard.drivers.fire.gb26875.wire import TimeTag


class Own(NamedTuple):
    """What this transmission device says of itself and of its systems."""

    version: str
    configuration: Callable[[], str]
    operations: Operations
    quantities: Callable[[], Sequence[Quantity]]
    measure: Measure


class _Address(NamedTuple):
    """Whom a question is about; `kind` is None where the centre does not say it."""

    system_type: int
    system: int
    component: int
    kind: int | None


class Answers:
    """`present` gives what is active now, and what the site lists."""

    def __init__(self, present: Callable[[], Present], own: Own) -> None:
        self._present, self._own = present, own

    def reply(self, message: Message, now: TimeTag) -> bytes | None:
        """What this device owes to a message of its centre; None when it owes nothing."""
        if message.command == REQUEST and message.unit is not None and message.flaw is None:
            kind, queries = message.unit.type, message.unit.objects
            objects = self._all(kind, queries, now)
            if objects:
                return device.answer(message, ANSWERS[kind], objects, now)
        return device.reply(message, now)

    def version(self) -> DeviceVersion:
        """Major and minor of the gateway's own version."""
        major, _, rest = self._own.version.partition(".")
        return DeviceVersion(_byte(major), _byte(rest.partition(".")[0]))

    def configuration(self) -> DeviceConfiguration:
        return DeviceConfiguration(self._own.configuration())

    def systems(self) -> list[SystemConfiguration]:
        """The configuration of every system that the site lists."""
        listed = self._present().inventory.systems
        return [SystemConfiguration(*address, system.text) for address, system in listed.items()]

    def _all(self, kind: int, queries: Sequence[InformationObject], now: TimeTag) -> list[InformationObject]:
        """The answer's objects; none is a denial.  A request that names something unknown is denied as a whole."""
        if kind in (64, 84):
            return [item for query in queries for item in self._own.operations.answer(query)]
        present, objects = self._present(), list[InformationObject]()
        for query in queries:
            item = self._object(kind, query, present, now)
            if item is None:
                return []
            objects.append(item)
        return objects if kind in ANSWERS and len(objects) <= TYPES[ANSWERS[kind]].most else []

    def _object(self, kind: int, query: InformationObject, present: Present, now: TimeTag) -> InformationObject | None:
        """The answer to one query; None when it is not known."""
        match query:
            case SystemQuery(system_type, system):
                return _item(_system(kind, (system_type, system), present, now))
            case ComponentQuery(system_type, system, component_type, component):
                return self._component(kind, _Address(system_type, system, component, component_type), present, now)
            case UntypedComponentQuery(system_type, system, component):
                return self._component(kind, _Address(system_type, system, component, None), present, now)
        match kind:
            case 81:
                return present.own(now).item
            case 85:
                return self.version()
            case 86:
                return self.configuration()
            case 88:
                return DeviceTime(now)
        return None

    def _component(self, kind: int, about: _Address, present: Present, now: TimeTag) -> InformationObject | None:
        where = (about.system_type, about.system)
        if kind == 63:
            quantity = asked(self._own.quantities(), *where, about.kind, about.component)
            return None if quantity is None else _item(analogue(quantity, self._own.measure))
        if kind == 67:
            listed = present.inventory.parts.get((*where, about.component))
            part = present.find(*where, about.component, about.kind)
            known = part.component_type if part is not None and part.component_type is not None else about.kind or 0
            return None if listed is None else ComponentConfiguration(*where, known, about.component, listed.text)
        part = present.find(*where, about.component, about.kind)
        return None if part is None else present.component(part, now, present.text_of(part)).item


def _system(kind: int, address: tuple[int, int], present: Present, now: TimeTag) -> Report | None:
    """State and configuration; versions and clocks of panels (65, 68) are not known to a listener."""
    if kind == 61 and present.knows_system(*address):
        return present.system_state(address, now)
    listed = present.inventory.systems.get(address)
    if kind == 66 and listed is not None:
        return Report(6, SystemConfiguration(*address, listed.text))
    return None


def _item(report: Report | None) -> InformationObject | None:
    return None if report is None else report.item


def local_now(zone: datetime.tzinfo, wall_ms: int) -> TimeTag:
    """The present as the site's clocks show it."""
    return TimeTag.of(datetime.datetime.fromtimestamp(max(wall_ms, 946_771_200_000) / 1000, zone))


def _byte(text: str) -> int:
    return min(int(text), 255) if text.isdigit() else 0
