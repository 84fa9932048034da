"""Information objects of GB/T 26875.3-2011, 8.2.1 and 8.3: one struct per shape, one table of types.

Attributes stand in the order of the wire.  `status` and `operation` are the words as sent; their bits are in
`data/gb26875.toml`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import msgspec

from courtyard.drivers.fire.gb26875.wire import I16, U8, U16, U32, CountedText, Tag, Text31


class SystemState(msgspec.Struct, frozen=True):
    system_type: U8
    system_address: U8
    status: U16
    time: Tag


class ComponentState(msgspec.Struct, frozen=True):
    system_type: U8
    system_address: U8
    component_type: U8
    component_address: U32
    status: U16
    text: Text31
    time: Tag


class ComponentAnalogue(msgspec.Struct, frozen=True):
    """`value` is in units of the resolution of `analogue_type` (table 6)."""

    system_type: U8
    system_address: U8
    component_type: U8
    component_address: U32
    analogue_type: U8
    value: I16
    time: Tag


class SystemOperation(msgspec.Struct, frozen=True):
    system_type: U8
    system_address: U8
    operation: U8
    operator: U8
    time: Tag


class SystemVersion(msgspec.Struct, frozen=True):
    system_type: U8
    system_address: U8
    major: U8
    minor: U8


class SystemConfiguration(msgspec.Struct, frozen=True):
    system_type: U8
    system_address: U8
    text: CountedText


class ComponentConfiguration(msgspec.Struct, frozen=True):
    system_type: U8
    system_address: U8
    component_type: U8
    component_address: U32
    text: Text31


class SystemTime(msgspec.Struct, frozen=True):
    system_type: U8
    system_address: U8
    time: Tag


class DeviceState(msgspec.Struct, frozen=True):
    status: U8
    time: Tag


class DeviceOperation(msgspec.Struct, frozen=True):
    operation: U8
    operator: U8
    time: Tag


class DeviceVersion(msgspec.Struct, frozen=True):
    major: U8
    minor: U8


class DeviceConfiguration(msgspec.Struct, frozen=True):
    text: CountedText


class DeviceTime(msgspec.Struct, frozen=True):
    time: Tag


class SystemQuery(msgspec.Struct, frozen=True):
    system_type: U8
    system_address: U8


class ComponentQuery(msgspec.Struct, frozen=True):
    system_type: U8
    system_address: U8
    component_type: U8
    component_address: U32


class UntypedComponentQuery(msgspec.Struct, frozen=True):
    """A component query without the component type, as some centres send it."""

    system_type: U8
    system_address: U8
    component_address: U32


class SystemOperationsQuery(msgspec.Struct, frozen=True):
    system_type: U8
    system_address: U8
    records: U8
    since: Tag


class DeviceOperationsQuery(msgspec.Struct, frozen=True):
    records: U8
    since: Tag


class DeviceQuery(msgspec.Struct, frozen=True):
    reserved: U8 = 0


class ClockSetting(msgspec.Struct, frozen=True):
    time: Tag


class PatrolCheck(msgspec.Struct, frozen=True):
    """The person on duty must answer within `minutes`."""

    minutes: U8


InformationObject: TypeAlias = msgspec.Struct


class UnitType(NamedTuple):
    """One type of data unit: the shape of its objects, how many it may hold, its clause."""

    shape: type[msgspec.Struct]
    most: int
    direction: Literal["up", "down"]
    clause: str


TYPES: dict[int, UnitType] = {
    1: UnitType(SystemState, 102, "up", "8.3.1.1"),
    2: UnitType(ComponentState, 22, "up", "8.3.1.2"),
    3: UnitType(ComponentAnalogue, 63, "up", "8.3.1.3"),
    4: UnitType(SystemOperation, 102, "up", "8.3.1.4"),
    5: UnitType(SystemVersion, 1, "up", "8.3.1.5"),
    6: UnitType(SystemConfiguration, 3, "up", "8.3.1.6"),
    7: UnitType(ComponentConfiguration, 26, "up", "8.3.1.7"),
    8: UnitType(SystemTime, 1, "up", "8.3.1.8"),
    21: UnitType(DeviceState, 1, "up", "8.3.1.9"),
    24: UnitType(DeviceOperation, 127, "up", "8.3.1.10"),
    25: UnitType(DeviceVersion, 1, "up", "8.3.1.11"),
    26: UnitType(DeviceConfiguration, 1, "up", "8.3.1.12"),
    28: UnitType(DeviceTime, 1, "up", "8.3.1.13"),
    61: UnitType(SystemQuery, 102, "down", "8.3.2.1"),
    62: UnitType(ComponentQuery, 22, "down", "8.3.2.2"),
    63: UnitType(ComponentQuery, 63, "down", "8.3.2.3"),
    64: UnitType(SystemOperationsQuery, 1, "down", "8.3.2.4"),
    65: UnitType(SystemQuery, 1, "down", "8.3.2.5"),
    66: UnitType(SystemQuery, 3, "down", "8.3.2.6"),
    67: UnitType(ComponentQuery, 26, "down", "8.3.2.7"),
    68: UnitType(SystemQuery, 1, "down", "8.3.2.8"),
    81: UnitType(DeviceQuery, 1, "down", "8.3.2.9"),
    84: UnitType(DeviceOperationsQuery, 1, "down", "8.3.2.10"),
    85: UnitType(DeviceQuery, 1, "down", "8.3.2.11"),
    86: UnitType(DeviceQuery, 1, "down", "8.3.2.12"),
    88: UnitType(DeviceQuery, 1, "down", "8.3.2.13"),
    89: UnitType(DeviceQuery, 1, "down", "8.3.2.14"),
    90: UnitType(ClockSetting, 1, "down", "8.3.2.15"),
    91: UnitType(PatrolCheck, 1, "down", "8.3.2.16"),
}
ANSWERS: dict[int, int] = {read: read - 60 for read in (*range(61, 69), 81, 84, 85, 86, 88)}
"""Which type answers which query."""
