"""Everything that is active now, as the status words of GB/T 26875.3-2011, 8.2.1.

A status word is a whole state: of several alarms at one part each has its bit in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from courtyard.agent.records import AlarmRecord
from courtyard.agent.uplinks.gb26875.inventory import Inventory
from courtyard.agent.uplinks.gb26875.parts import DETECTOR, Part, part_of
from courtyard.drivers.fire.gb26875.objects import ComponentState, DeviceState, InformationObject, SystemState
from courtyard.drivers.fire.gb26875.wire import TimeTag

NORMAL: Final = 1
"""Bit 0 of a status: normal running."""
FIRE, FAULT = 1, 2
STATES: Final[Mapping[str, int]] = {
    "fire": 1,
    "smoke": 1,
    "gas": 1,
    "fault": 2,
    "isolate": 3,
    "fire_prealarm": 4,
    "supervisory": 4,
    "supervision": 4,
    "start": 5,
    "feedback": 6,
    "mains_fault": 8,
    "battery_fault": 9,
    "bus_fault": 10,
}
"""Alarm class to bit of a system's status (8.2.1.1); of a component's only up to 8, which is its power (8.2.1.2)."""
OWN: Final[Mapping[str, int]] = {
    "disk_fault": 2,
    "modem_fault": 2,
    "output_fault": 2,
    "link_lost": 6,
    "panel_silent": 6,
    "poll_missing": 6,
    "heartbeat_missing": 6,
    "line_quality": 6,
}
"""Alarm class to bit of the transmission device's own status (8.2.1.8).

Lines without panels, and the batteries of other devices, are no matter of a fire-control centre.
"""


OUT_OF_SIGHT: Final = frozenset({"link_lost", "panel_silent", "poll_missing", "heartbeat_missing"})
"""While one of these lasts nobody knows what is well at that panel."""


class Report(NamedTuple):
    """One information object and the type of its data unit."""

    kind: int
    item: InformationObject


def is_active(record: AlarmRecord) -> bool:
    """Whether the condition holds, as far as the gateway knows."""
    return record.state in ("raised", "acknowledged")


class Present:
    """The alarms that are active now, by what they are about; drills are none.

    Where a `record` is given, its own alarm is as that record says, however it stands now.
    """

    def __init__(self, records: Iterable[AlarmRecord], inventory: Inventory) -> None:
        self.inventory = inventory
        self._parts: dict[Part, dict[str, int]] = defaultdict(dict)
        self._systems: dict[tuple[int, int], dict[str, int]] = defaultdict(dict)
        self._own: dict[str, int] = {}
        self._texts: dict[Part, str] = {}
        self._out_of_sight: set[str] = set()
        for record in records:
            if not record.test:
                self._note(record)

    def knows_system(self, system_type: int, system_address: int) -> bool:
        """Whether the state of that system can be told: of one out of sight only what is active."""
        address = (system_type, system_address)
        listed = self.inventory.systems.get(address)
        return address in self._systems or (listed is not None and listed.device not in self._out_of_sight)

    def find(self, system_type: int, system_address: int, component_address: int, kind: int | None) -> Part | None:
        """The part at that address of which the state can be told; None when it cannot.

        Without `kind` any component type will do.  A part that is listed and at rest has the type that is asked for,
        because lists of names have none.
        """
        address = (system_type, system_address, component_address)
        for part in self._texts:
            here = (part.system_type, part.system_address, part.component_address)
            if part.component_type is not None and here == address and kind in (None, part.component_type):
                return part
        listed = self.inventory.parts.get(address)
        if listed is None or listed.device in self._out_of_sight:
            return None
        return Part(system_type, system_address, DETECTOR if kind is None else kind, component_address)

    def text_of(self, part: Part) -> str:
        """What is said of a part, or what the site calls it."""
        listed = self.inventory.parts.get((part.system_type, part.system_address, part.component_address))
        return self._texts.get(part) or (listed.text if listed else "")

    def system_state(self, address: tuple[int, int], at: TimeTag) -> Report:
        """Type 1, of now."""
        return self.system(Part(*address), at)

    def system(self, part: Part, at: TimeTag, record: AlarmRecord | None = None) -> Report:
        """Type 1: a fire at a part of a system is a fire of the system."""
        bits = self._systems.get(_system(part), {})
        status = _status(bits, record, STATES)
        return Report(1, SystemState(part.system_type, part.system_address, status, at))

    def component(self, part: Part, at: TimeTag, text: str, record: AlarmRecord | None = None) -> Report:
        """Type 2."""
        status = _status(self._parts.get(part, {}), record, STATES) & 0x1FF
        assert part.component_type is not None
        where = (part.system_type, part.system_address, part.component_type, part.component_address)
        return Report(2, ComponentState(*where, status, text, at))

    def own(self, at: TimeTag, record: AlarmRecord | None = None) -> Report:
        """Type 21: what the transmission device itself has to say; a fire or a fault anywhere shows in it."""
        return Report(21, DeviceState(_status(self._own, record, OWN), at))

    def _note(self, record: AlarmRecord) -> None:
        bit = STATES.get(record.alarm_class)
        if bit is not None:
            part = part_of(record, self.inventory)
            self._parts[part][record.alarm_id] = self._systems[_system(part)][record.alarm_id] = bit
            self._texts[part] = record.text_zh or record.text_en
        if record.alarm_class in OUT_OF_SIGHT:
            self._out_of_sight.add(record.device)
        own = OWN.get(record.alarm_class, bit if bit in (FIRE, FAULT) else None)
        if own is not None:
            self._own[record.alarm_id] = own


def _status(bits: Mapping[str, int], record: AlarmRecord | None, table: Mapping[str, int]) -> int:
    others = bits if record is None else {key: bit for key, bit in bits.items() if key != record.alarm_id}
    status = NORMAL
    for bit in set(others.values()):
        status |= 1 << bit
    return status | 1 << table[record.alarm_class] if record is not None and is_active(record) else status


def _system(part: Part) -> tuple[int, int]:
    return part.system_type, part.system_address
