"""What a fire-control centre may ask of this gateway: its own state, version, configuration and time, and the state of
systems and parts of which it knows.  Nothing else is answered, and nothing is ever passed on to a panel."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import Final

from courtyard.agent.records import AlarmRecord
from courtyard.agent.uplinks.gb26875.mapping import Part, Report, component_state, own_state, part_of, system_state
from courtyard.config.second_path import Station
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
    """`present` gives the alarms that are active now."""

    def __init__(
        self,
        station: Station,
        present: Callable[[], Iterable[AlarmRecord]],
        *,
        version: str,
        configuration: Callable[[], str],
    ) -> None:
        self._station, self._present = station, present
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
        present = [each for each in self._present() if not each.test]
        match kind:
            case 61:
                return self._all([self._system(query, present, now) for query in queries])
            case 62:
                return self._all([self._component(query, present, now) for query in queries])
            case 81:
                return [own_state(present, now).item]
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

    def _system(self, query: InformationObject, present: list[AlarmRecord], now: TimeTag) -> Report | None:
        assert isinstance(query, SystemQuery)
        parts = [part_of(each, self._station) for each in present]
        known = {(part.system_type, part.system_address) for part in parts}
        known |= {(1, address) for address in (1, *self._station.systems.values())}
        asked = (query.system_type, query.system_address)
        return system_state(Part(*asked), present, self._station, now) if asked in known else None

    def _component(self, query: InformationObject, present: list[AlarmRecord], now: TimeTag) -> Report | None:
        if not isinstance(query, ComponentQuery):
            return None
        asked = Part(query.system_type, query.system_address, query.component_type, query.component_address)
        for each in present:
            part = part_of(each, self._station)
            if part == asked:
                return component_state(part, present, self._station, now, each.text_zh or each.text_en)
        return None


def local_now(zone: datetime.tzinfo, wall_ms: int) -> TimeTag:
    """The present as the site's clocks show it."""
    return TimeTag.of(datetime.datetime.fromtimestamp(max(wall_ms, 946_771_200_000) / 1000, zone))


def _byte(text: str) -> int:
    return min(int(text), 255) if text.isdigit() else 0
