"""Honeywell and Notifier Modbus gateways: one holding register a point, read only (gateway document LS10015).

High byte: bits of the point; low byte: class of its event.  Addresses here are PDU addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from courtyard.drivers.base import Severity, Text
from courtyard.drivers.fire.events import Kind, PanelEvent
from courtyard.drivers.fire.tables import Code, codes, name

FILE = "notifier"
ABSENT = 0xFF
BLOCKED, PREALARM, TROUBLE, INACTIVE, ACTIVE, ENABLED, DISABLED, ACKNOWLEDGED = (1 << bit for bit in range(15, 7, -1))


class Point(msgspec.Struct, frozen=True):
    """One register taken apart."""

    event_class: int
    blocked: bool
    prealarm: bool
    trouble: bool
    inactive: bool
    active: bool
    enabled: bool
    disabled: bool
    acknowledged: bool

    @property
    def absent(self) -> bool:
        return self.event_class == ABSENT


def point(value: int) -> Point:
    """Takes one register value (0..65535) apart."""
    bits = (BLOCKED, PREALARM, TROUBLE, INACTIVE, ACTIVE, ENABLED, DISABLED, ACKNOWLEDGED)
    return Point(value & 0xFF, *(bool(value & bit) for bit in bits))


def conditions(value: int) -> dict[Kind, Code]:
    """What holds at a point, by kind."""
    state = point(value)
    if state.absent:
        return {}
    held: dict[Kind, Code] = {}
    if state.active:
        code = name(codes(FILE, "event_classes"), state.event_class, Text("event class", "事件类别"))
        held[code.kind] = code
    if state.prealarm:
        held["fire_prealarm"] = _PREALARM
    if state.trouble:
        held["fault"] = _TROUBLE
    if state.disabled:
        held["isolate"] = _DISABLED
    return held


_PREALARM = Code(en="pre-alarm", zh="预警", kind="fire_prealarm")
_TROUBLE = Code(en="trouble", zh="故障", kind="fault")
_DISABLED = Code(en="disabled", zh="禁用", kind="isolate")


def gamewell_source(address: int) -> str:
    """Gamewell maps zones at 408001 and circuits at 414001."""
    for first, title in ((14000, "circuit"), (8000, "zone")):
        if address >= first:
            return f"{title}-{address - first + 1}"
    return str(address)


def events(
    first: int,
    values: Sequence[int],
    previous: Sequence[int] | None = None,
    source: Callable[[int], str] = str,
) -> list[PanelEvent]:
    """What began and ended since `previous`, the values of the same registers one poll before (None: all is new)."""
    said = []
    for offset, value in enumerate(values):
        before = conditions(previous[offset]) if previous is not None else {}
        now = conditions(value)
        for kind, code in now.items():
            if kind not in before:
                said.append(_event(first + offset, value, code, source, active=True))
        for kind, code in before.items():
            if kind not in now:
                said.append(_event(first + offset, value, code, source, active=False))
    return said


def _event(address: int, value: int, code: Code, source: Callable[[int], str], *, active: bool) -> PanelEvent:
    severity: Severity | None = 1 if code.detector == "gas" else None  # carbon monoxide kills like smoke
    return PanelEvent(
        kind=code.kind,
        label=code.text,
        source=source(address),
        active=active,
        detector=code.detector,
        raw_hex=f"{value:04x}",
        severity=severity,
        details={"register": address, "event_class": value & 0xFF, "acknowledged": bool(value & ACKNOWLEDGED)},
    )
