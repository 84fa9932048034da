"""What a fire-control centre may ask of this gateway: its own state, version, configuration and time, and the state of
systems and parts of which it knows.  Nothing else is answered, and nothing is ever passed on to a panel."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import Final

from courtyard.agent.uplinks.gb26875.parts import Part
from courtyard.agent.uplinks.gb26875.present import Present, Report
from courtyard.drivers.fire.gb26875 import device
from courtyard.drivers.fire.gb26875.frame import REQUEST, Message
from courtyard.drivers.fire.gb26875.objects import (
    ComponentQuery,
    DeviceConfiguration,
    DeviceTime,
    DeviceVersion,
    InformationObject,
    SystemQuery,
)
from courtyard.drivers.fire.gb26875.wire import TimeTag

MAX_TEXT: Final = 200


class Answers:
    """`present` gives what is active now."""

    def __init__(self, present: Callable[[], Present], *, version: str, configuration: Callable[[], str]) -> None:
        self._present = present
        self._version, self._configuration = version, configuration

    def reply(self, message: Message, now: TimeTag) -> bytes | None:
        """What this device owes to a message of its centre; None when it owes nothing."""
        if message.command == REQUEST and message.unit is not None and message.flaw is None:
            objects = self._objects(message.unit.type, message.unit.objects, now)
            if objects:
                return device.answer(message, message.unit.type - 60, objects, now)
        return device.reply(message, now)

    def _objects(self, kind: int, queries: Iterable[InformationObject], now: TimeTag) -> list[InformationObject]:
        """The answer's objects; none is a denial."""
        present = self._present()
        match kind:
            case 61:
                return self._all([self._system(query, present, now) for query in queries])
            case 62:
                return self._all([self._component(query, present, now) for query in queries])
            case 81:
                return [present.own(now).item]
            case 85:
                major, _, rest = self._version.partition(".")
                return [DeviceVersion(_byte(major), _byte(rest.partition(".")[0]))]
            case 86:
                return [DeviceConfiguration(self._configuration()[:MAX_TEXT])]
            case 88:
                return [DeviceTime(now)]
            case _:
                return []

    @staticmethod
    def _all(reports: list[Report | None]) -> list[InformationObject]:
        """A request that names something unknown is denied as a whole."""
        known = [report.item for report in reports if report is not None]
        return known if len(known) == len(reports) else []

    @staticmethod
    def _system(query: InformationObject, present: Present, now: TimeTag) -> Report | None:
        assert isinstance(query, SystemQuery)
        known = present.knows_system(query.system_type, query.system_address)
        return present.system(Part(query.system_type, query.system_address), now) if known else None

    @staticmethod
    def _component(query: InformationObject, present: Present, now: TimeTag) -> Report | None:
        if not isinstance(query, ComponentQuery):
            return None
        asked = Part(query.system_type, query.system_address, query.component_type, query.component_address)
        text = present.text_of(asked)
        return None if text is None else present.component(asked, now, text)


def local_now(zone: datetime.tzinfo, wall_ms: int) -> TimeTag:
    """The present as the site's clocks show it."""
    return TimeTag.of(datetime.datetime.fromtimestamp(max(wall_ms, 946_771_200_000) / 1000, zone))


def _byte(text: str) -> int:
    return min(int(text), 255) if text.isdigit() else 0
