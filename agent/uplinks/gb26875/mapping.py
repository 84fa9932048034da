"""What a fire-control centre gets to know of a record, as information objects of GB/T 26875.3-2011, 8.2 and 8.3.

| Record | Data unit |
|---|---|
| alarm of a part (detector, module, button) | 2, component state |
| alarm of a whole panel; its mains, battery or bus | 1, system state |
| reset, silence or test at a panel | 4, operation information of the system |
| link to a panel; disk, modem or output of this gateway | 21, state of the transmission device |
| acknowledgement of a patrol check | 24, operation of the transmission device, bit 5 |
| drill | 24, operation of the transmission device, bit 6; never a fire |

Reset, silence and test have no end of their own: they are events, all else are alarms.

A status word is a whole state, so the bit of the record stands beside those of everything else that is active now at
the same part.  Acknowledging and shelving change no state of a panel and are not reported; readings and all other
events are no matter of a fire-control centre.
"""

from __future__ import annotations

import datetime
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, Protocol

from courtyard.agent.records import AlarmRecord, Details, EventRecord, parse_instant
from courtyard.config.second_path import Station
from courtyard.drivers.fire.gb26875.objects import (
    ComponentState,
    DeviceOperation,
    DeviceState,
    InformationObject,
    SystemOperation,
    SystemState,
)
from courtyard.drivers.fire.gb26875.wire import TimeTag

NORMAL: Final = 1
"""Bit 0 of a status: normal running."""
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
OF_SYSTEMS: Final = frozenset({"mains_fault", "battery_fault", "bus_fault"})
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
OPERATIONS: Final[Mapping[str, int]] = {"reset": 0, "silence": 1, "test": 6}
PATROL: Final = "patrol_check"
PATROL_ANSWERED, TEST = 1 << 5, 1 << 6
DETECTORS: Final[Mapping[str, int]] = {
    "smoke": 40,
    "heat": 30,
    "flame": 69,
    "combined": 50,
    "gas": 10,
    "manual": 23,
    "hydrant": 24,
    "electrical": 16,
    "flow": 96,
    "pressure": 99,
    "module": 84,
    "sounder": 121,
    "door": 102,
    "panel": 1,
}
"""What a detector is, where the panel gave no component type of the standard, to component type (table 5)."""
FIRE_SYSTEM, DETECTOR, GENERAL = 1, 25, 0
TOLD: Final = frozenset({"raise", "escalate", "return", "clear", "repeat"})


class About(Protocol):
    """What says which part is meant; an alarm record is one."""

    @property
    def device(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def alarm_class(self) -> str: ...
    @property
    def details(self) -> Details: ...


class Said(NamedTuple):
    """The same of an event of a device."""

    device: str
    source: str
    alarm_class: str
    details: Details


class Report(NamedTuple):
    """One information object and the type of its data unit."""

    kind: int
    item: InformationObject


class Part(NamedTuple):
    """What an alarm is about; without component type and address it is the whole system."""

    system_type: int
    system_address: int
    component_type: int | None = None
    component_address: int = 0


def tag(at: str, zone: datetime.tzinfo) -> TimeTag:
    """An instant of a record as the local time of the site; before 2000 the clock was not set."""
    local = datetime.datetime.fromtimestamp(parse_instant(at) / 1000, zone)
    return TimeTag.of(max(local, datetime.datetime(2000, 1, 1, tzinfo=zone)))


def part_of(record: About, station: Station) -> Part:
    """From `controller-loop-point`, or the standard's own codes where the panel gave them.

    A part without numbers of its own gets a component address from its name, which stays the same.
    """
    details = record.details
    numbers = [int(number) for number in re.findall(r"\d{1,9}", record.source.rpartition("/")[2].partition("t")[0])]
    if record.source.startswith("t") and "-" in record.source:  # another kind of system: t12-1-0-348
        numbers = [int(number) for number in re.findall(r"\d{1,9}", record.source)][1:]
    system_type = _small(details.get("system_type"), FIRE_SYSTEM)
    own = station.systems.get(record.device)
    system = own if own is not None else (numbers[0] & 0xFF if numbers else 1)
    if record.alarm_class in OF_SYSTEMS or len(numbers) == 1 or (not numbers and details.get("detector") == "panel"):
        return Part(system_type, system)
    detector = DETECTORS.get(str(details.get("detector") or record.alarm_class), DETECTOR)
    kind = _small(details.get("component_type"), detector)
    if len(numbers) >= 2:
        return Part(system_type, system, kind, (numbers[-2] & 0xFFFF) << 16 | numbers[-1] & 0xFFFF)
    name = f"{record.device}:{record.source}".encode()
    return Part(system_type, system, kind, zlib.crc32(name))


def is_active(record: AlarmRecord) -> bool:
    """Whether the condition holds, as far as the gateway knows."""
    return record.state in ("raised", "acknowledged")


def reports(
    record: AlarmRecord, present: Iterable[AlarmRecord], station: Station, zone: datetime.tzinfo
) -> list[Report]:
    """What the centre gets for one change of an alarm; nothing for what is no matter of fire.

    `present` are the alarms that are active now; the record's own is judged by the record.
    """
    at, name = tag(record.at, zone), record.alarm_class
    if name == PATROL:
        answered = record.action == "acknowledge" and not record.test
        return [Report(24, DeviceOperation(PATROL_ANSWERED, 0, at))] if answered else []
    if record.action not in TOLD:
        return []
    if record.test:
        return [Report(24, DeviceOperation(TEST, 0, at))] if record.action == "raise" else []
    others = [each for each in present if each.alarm_id != record.alarm_id and not each.test]
    whole = [*others, record] if is_active(record) else others
    if name in OWN:
        return [own_state(whole, at)]
    if name not in STATES:
        return []
    part = part_of(record, station)
    if part.component_type is None:
        return [system_state(part, whole, station, at)]
    text = record.text_zh or record.text_en or record.device
    return [component_state(part, whole, station, at, text)]


def operations(record: EventRecord, station: Station, zone: datetime.tzinfo) -> list[Report]:
    """What the centre gets for one event: somebody reset, silenced or tested at a panel."""
    kind = str(record.details.get("kind"))
    if record.event != "signal" or record.device is None or record.test or kind not in OPERATIONS:
        return []
    part = part_of(Said(record.device, str(record.details.get("source") or ""), kind, record.details), station)
    operation = 1 << OPERATIONS[kind]
    at = tag(record.at, zone)
    return [Report(4, SystemOperation(part.system_type, part.system_address, operation, 0, at))]


def system_state(part: Part, present: Iterable[AlarmRecord], station: Station, at: TimeTag) -> Report:
    """Type 1: a fire at a part of a system is a fire of the system."""
    same = (each for each in present if each.alarm_class in STATES and _system(part_of(each, station)) == _system(part))
    status = NORMAL | _bits(STATES[each.alarm_class] for each in same)
    return Report(1, SystemState(part.system_type, part.system_address, status, at))


def component_state(part: Part, present: Iterable[AlarmRecord], station: Station, at: TimeTag, text: str) -> Report:
    """Type 2."""
    same = (each for each in present if each.alarm_class in STATES and part_of(each, station) == part)
    status = NORMAL | _bits(STATES[each.alarm_class] for each in same)
    assert part.component_type is not None
    where = (part.system_type, part.system_address, part.component_type, part.component_address)
    return Report(2, ComponentState(*where, status & 0x1FF, text, at))


def own_state(present: Iterable[AlarmRecord], at: TimeTag) -> Report:
    """Type 21: what the transmission device itself has to say; a fire or a fault anywhere shows in it."""
    alarms = [each for each in present if not each.test]
    status = NORMAL | _bits(OWN[each.alarm_class] for each in alarms if each.alarm_class in OWN)
    status |= _bits(1 for each in alarms if STATES.get(each.alarm_class) == 1)
    status |= _bits(2 for each in alarms if each.alarm_class == "fault")
    return Report(21, DeviceState(status, at))


def _bits(bits: Iterable[int]) -> int:
    word = 0
    for bit in bits:
        word |= 1 << bit
    return word


def _system(part: Part) -> tuple[int, int]:
    return part.system_type, part.system_address


def _small(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255 else otherwise
