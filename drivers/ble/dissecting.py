"""Taking a value or an advertisement apart for people: what the dissectors of all families share."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from courtyard.drivers.base import Text
from courtyard.drivers.ble.ieee11073 import Special
from courtyard.drivers.ble.observation import Observation
from courtyard.drivers.ble.refusal import Refused
from courtyard.drivers.dissection import Dissection, Part, located


def plain(value: Any) -> Any:
    """As JSON has it: a whole decimal is an integer, special numbers go by their names, bytes are hexadecimal."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() and value.adjusted() < 16 else float(value)
        case Special():
            return value.value
        case datetime.datetime():
            return value.isoformat()
        case bytes():
            return value.hex(" ").upper()
        case tuple():
            return [plain(each) for each in value]
        case _:
            return value


def said(observation: Observation, end: int) -> tuple[Part, ...]:
    """What the bytes mean to the gateway: points, their quality, events; without those that are empty."""
    events = [
        {"kind": event.kind, "active": event.active, "source": event.source, **event.details}
        for event in observation.events
    ]
    local = observation.local_time
    parts = (
        Part("local_time", Text("device's clock", "设备时钟"), local.isoformat() if local else None, 0, end),
        Part("points", Text("points", "测点"), observation.values, 0, end),
        Part("quality", Text("quality", "质量"), observation.quality, 0, end),
        Part("events", Text("events", "事件"), events, 0, end),
        Part("details", Text("details", "详情"), observation.details, 0, end),
    )
    return tuple(part for part in parts if part.value)


def verdict(
    protocol: str, data: bytes, parts: Sequence[Part], refusal: Refused | None = None, base: int = 0
) -> Dissection:
    """The whole dissection; the offset of a refusal counts from `base`."""
    if refusal is None:
        return Dissection(protocol, True, tuple(parts))
    at = base + refusal.at
    return Dissection(protocol, False, tuple(parts), located(at, len(data), refusal.text), at)
