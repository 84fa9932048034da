"""What a packet of GB/T 26875.3-2011 says, as panel events.

Status words are whole states: a set bit begins its condition, a clear one ends it.  Bit 0 (0 is test) never makes
less of a fire, because devices in the field leave it clear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import msgspec

from courtyard.drivers.base import Text
from courtyard.drivers.fire.events import MOMENTARY, Details, PanelEvent
from courtyard.drivers.fire.gb26875.frame import ANSWER, SEND, Message
from courtyard.drivers.fire.gb26875.objects import (
    TYPES,
    ComponentAnalogue,
    ComponentConfiguration,
    ComponentState,
    DeviceConfiguration,
    DeviceOperation,
    DeviceState,
    DeviceTime,
    DeviceVersion,
    SystemConfiguration,
    SystemOperation,
    SystemState,
    SystemTime,
    SystemVersion,
)
from courtyard.drivers.fire.tables import Code, Codes, codes, name

FILE = "gb26875"
DEVICE = "uitd"
"""Source of what a transmission device says about itself."""

VERSION, CONFIGURATION = Text("software version", "软件版本"), Text("configuration", "配置情况")
CLOCK = Text("clock", "系统时间")

AddressStyle = Callable[[int], str]
Description: TypeAlias = (
    SystemVersion
    | SystemConfiguration
    | SystemTime
    | ComponentConfiguration
    | DeviceVersion
    | DeviceConfiguration
    | DeviceTime
)


def loop_point(address: int) -> str:
    """Point in the low word, loop in the high word: `2-10` for the bytes 0A 00 02 00."""
    return f"{address >> 16}-{address & 0xFFFF}"


def point_loop(address: int) -> str:
    """Loop in the low word, point in the high word."""
    return f"{address & 0xFFFF}-{address >> 16}"


def single_bytes(address: int) -> str:
    """Four bytes, highest first: `0-2-0-10`."""
    return "-".join(str(byte) for byte in address.to_bytes(4, "big"))


def plain(address: int) -> str:
    """One number."""
    return str(address)


ADDRESS_STYLES: Mapping[str, AddressStyle] = {
    "loop-point": loop_point,
    "point-loop": point_loop,
    "bytes": single_bytes,
    "number": plain,
}
"""The standard leaves the bytes of a component address to the system (8.2.1.2); a site chooses how to read them."""


def source(system_type: int, system_address: int, part: str = "") -> str:
    """`1-2-10`: system address, loop, point.  Systems other than fire alarm are told apart: `t12-1-0-348`."""
    prefix = "" if system_type == 1 else f"t{system_type}-"
    return f"{prefix}{system_address}-{part}" if part else f"{prefix}{system_address}"


def events(message: Message, style: AddressStyle = loop_point) -> list[PanelEvent]:
    """What the packet says.

    Heartbeats, replies and requests are no events.  Measured values, versions, configurations and clocks are for the
    record: kind `other`, with what was told in text and details.
    """
    if message.command not in (SEND, ANSWER):
        known = message.command < 7
        return [] if known else [_unknown(message, name({}, message.command, Text("command", "命令")))]
    if message.unit is None:
        return []
    if message.unit.type not in TYPES:
        return [_unknown(message, name({}, message.unit.type, Text("data unit type", "数据单元类型")))]
    return [event for item in message.unit.objects for event in _object_events(item, message.raw.hex(), style)]


def _unknown(message: Message, code: Code) -> PanelEvent:
    return PanelEvent(kind="unknown", label=code.text, time=message.time.panel, raw_hex=message.raw.hex())


def _object_events(item: object, raw: str, style: AddressStyle) -> Iterator[PanelEvent]:
    match item:
        case ComponentState():
            component = name(codes(FILE, "component_types"), item.component_type, Text("component type", "部件类型"))
            system = name(codes(FILE, "system_types"), item.system_type, Text("system type", "系统类型"))
            base = PanelEvent(
                kind="other",
                label=component.text,
                source=source(item.system_type, item.system_address, style(item.component_address)),
                detector=component.detector,
                device=component.text,
                text=item.text,
                time=item.time.panel,
                raw_hex=raw,
                details={"system_type": item.system_type, "system": system.en, "component_type": item.component_type},
            )
            yield from _states(base, item.status, 16, codes(FILE, "component_status"))
        case SystemState():
            system = name(codes(FILE, "system_types"), item.system_type, Text("system type", "系统类型"))
            base = PanelEvent(
                kind="other",
                label=system.text,
                source=source(item.system_type, item.system_address),
                detector="panel",
                device=system.text,
                time=item.time.panel,
                raw_hex=raw,
                details={"system_type": item.system_type},
            )
            yield from _states(base, item.status, 16, codes(FILE, "system_status"))
        case DeviceState():
            base = PanelEvent(kind="other", label=Text("", ""), source=DEVICE, time=item.time.panel, raw_hex=raw)
            yield from _states(base, item.status, 8, codes(FILE, "device_status"))
        case SystemOperation():
            where = source(item.system_type, item.system_address)
            base = PanelEvent(kind="other", label=Text("", ""), source=where, time=item.time.panel, raw_hex=raw)
            yield from _operations(base, item.operation, item.operator, codes(FILE, "operations"))
        case ComponentAnalogue():
            yield _analogue(item, raw, style)
        case SystemVersion() | SystemConfiguration() | SystemTime():
            yield _described(item, source(item.system_type, item.system_address), raw)
        case ComponentConfiguration():
            part = source(item.system_type, item.system_address, style(item.component_address))
            yield _described(item, part, raw)
        case DeviceVersion() | DeviceConfiguration() | DeviceTime():
            yield _described(item, DEVICE, raw)
        case DeviceOperation():
            base = PanelEvent(kind="other", label=Text("", ""), source=DEVICE, time=item.time.panel, raw_hex=raw)
            yield from _operations(base, item.operation, item.operator, codes(FILE, "device_operations"))


def _analogue(item: ComponentAnalogue, raw: str, style: AddressStyle) -> PanelEvent:
    component = name(codes(FILE, "component_types"), item.component_type, Text("component type", "部件类型"))
    code = name(codes(FILE, "analogue_types"), item.analogue_type, Text("analogue type", "模拟量类型"))
    return PanelEvent(
        kind="other",
        label=code.text,
        source=source(item.system_type, item.system_address, style(item.component_address)),
        detector=component.detector,
        device=component.text,
        time=item.time.panel,
        raw_hex=raw,
        details={
            "system_type": item.system_type,
            "component_type": item.component_type,
            "analogue_type": item.analogue_type,
            "value": round(item.value * code.resolution, 2),
            "unit": code.unit,
        },
    )


def _described(item: Description, where: str, raw: str) -> PanelEvent:
    match item:
        case SystemVersion() | DeviceVersion():
            version = f"{item.major}.{item.minor}"
            return PanelEvent(kind="other", label=VERSION, source=where, raw_hex=raw, details={"version": version})
        case SystemTime() | DeviceTime():
            return PanelEvent(kind="other", label=CLOCK, source=where, time=item.time.panel, raw_hex=raw)
    return PanelEvent(kind="other", label=CONFIGURATION, source=where, text=item.text, raw_hex=raw)


def _states(base: PanelEvent, status: int, width: int, table: Codes) -> Iterator[PanelEvent]:
    """The set bits in their order, then the ends of all conditions that no set bit holds."""
    details: Details = {**base.details, "status": status, "normal_running": bool(status & 1)}
    held = set()
    for bit in range(1, width):
        if status >> bit & 1:
            code = name(table, bit, Text("status bit", "状态位"))
            held.add(code.kind)
            yield _say(base, code, details, active=True)
    if not status & 1 and not held:
        yield _say(base, Code(en="test state", zh="测试状态", kind="test"), details, active=True)
    for code in table.values():
        if code.kind not in held and code.kind not in MOMENTARY:
            held.add(code.kind)
            yield _say(base, code, details, active=False)


def _operations(base: PanelEvent, flags: int, operator: int, table: Codes) -> Iterator[PanelEvent]:
    details: Details = {**base.details, "operation": flags, "operator": operator}
    for bit in range(8):
        if flags >> bit & 1:
            code = name(table, bit, Text("operation bit", "操作位"))
            yield _say(base, code, details, active=True)


def _say(base: PanelEvent, code: Code, details: Details, *, active: bool) -> PanelEvent:
    return msgspec.structs.replace(
        base,
        kind=code.kind,
        label=code.text,
        active=active,
        detector=base.detector if base.detector != "unknown" else code.detector,
        details=details,
    )
