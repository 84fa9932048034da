"""What a fire-control centre gets to know of a record, as information objects of GB/T 26875.3-2011, 8.2 and 8.3.

| Record | Data unit |
|---|---|
| alarm of a part (detector, module, button) | 2, component state |
| alarm of a whole panel; its mains, battery or bus | 1, system state |
| reset, silence or test at a panel | 4, operation information of the system |
| link to a panel; disk, modem or output of this gateway | 21, state of the transmission device |
| acknowledgement of a patrol check | 24, operation of the transmission device, bit 5 |
| drill | 24, operation of the transmission device, bit 6; never a fire |
| an operator clears an alarm of a part or a panel by hand | 24, bit 3, besides the state |

Reset, silence and test have no end of their own: they are events, all else are alarms.

A status word is a whole state, so the bit of the record stands beside those of everything else that is active now at
the same part.  Acknowledging and shelving change no state of a panel and are not reported; readings and all other
events are no matter of a fire-control centre.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

import msgspec

from courtyard.agent.records import AlarmRecord, EventRecord, parse_instant
from courtyard.agent.uplinks.gb26875.inventory import Inventory
from courtyard.agent.uplinks.gb26875.parts import Said, part_of
from courtyard.agent.uplinks.gb26875.present import OWN, STATES, Present, Report
from courtyard.drivers.fire.gb26875.objects import TYPES, DeviceOperation, SystemOperation
from courtyard.drivers.fire.gb26875.wire import TimeTag

OPERATIONS: Final[Mapping[str, int]] = {"reset": 0, "silence": 1, "test": 6}
PATROL: Final = "patrol_check"
CLEARED, PATROL_ANSWERED, TEST = 1 << 3, 1 << 5, 1 << 6
TOLD: Final = frozenset({"raise", "escalate", "return", "clear", "repeat"})


MOST_OBJECTS: Final = 16
Record = TypeVar("Record", AlarmRecord, EventRecord)
_alarm = msgspec.json.Decoder(AlarmRecord).decode
_event = msgspec.json.Decoder(EventRecord).decode


def alarm_of(body: bytes) -> AlarmRecord | None:
    """None for what a newer or older gateway wrote in another way: there is nothing to make of it."""
    return _read(_alarm, body)


def event_of(body: bytes) -> EventRecord | None:
    """The same of an event."""
    return _read(_event, body)


def tag(at: str, zone: datetime.tzinfo) -> TimeTag:
    """An instant of a record as the local time of the site; before 2000 the clock was not set."""
    local = datetime.datetime.fromtimestamp(parse_instant(at) / 1000, zone)
    return TimeTag.of(max(local, datetime.datetime(2000, 1, 1, tzinfo=zone)))


def reports(record: AlarmRecord, present: Present, zone: datetime.tzinfo) -> list[Report]:
    """What the centre gets for one change of an alarm; nothing for what is no matter of fire."""
    at, name = tag(record.at, zone), record.alarm_class
    if name == PATROL:
        answered = record.action == "acknowledge" and not record.test
        return [Report(24, DeviceOperation(PATROL_ANSWERED, 0, at))] if answered else []
    if record.action not in TOLD:
        return []
    if record.test:
        return [Report(24, DeviceOperation(TEST, 0, at))] if record.action == "raise" else []
    if name in OWN:
        return [present.own(at, record)]
    if name not in STATES:
        return []
    part = part_of(record, present.inventory)
    if part.component_type is None:
        state = present.system(part, at, record)
    else:
        state = present.component(part, at, record.text_zh or record.text_en or record.device, record)
    by_hand = record.action == "clear" and record.cleared_by is not None
    return [state, Report(24, DeviceOperation(CLEARED, 0, at))] if by_hand else [state]


def operations(record: EventRecord, inventory: Inventory, zone: datetime.tzinfo) -> list[Report]:
    """What the centre gets for one event: somebody reset, silenced or tested at a panel."""
    kind = str(record.details.get("kind"))
    if record.event != "signal" or record.device is None or record.test or kind not in OPERATIONS:
        return []
    part = part_of(Said(record.device, str(record.details.get("source") or ""), kind, record.details), inventory)
    operation = 1 << OPERATIONS[kind]
    at = tag(record.at, zone)
    return [Report(4, SystemOperation(part.system_type, part.system_address, operation, 0, at))]


def packets(tellings: Iterable[Report]) -> list[list[Report]]:
    """Neighbours of one type share a packet, as far as the standard allows."""
    shared: list[list[Report]] = []
    for telling in tellings:
        last = shared[-1] if shared else []
        if last and last[0].kind == telling.kind and len(last) < min(TYPES[telling.kind].most, MOST_OBJECTS):
            last.append(telling)
        else:
            shared.append([telling])
    return shared


def _read(decode: Callable[[bytes], Record], body: bytes) -> Record | None:
    try:
        return decode(body)
    except msgspec.MsgspecError:
        return None
