"""What a transmission device tells beside alarms is kept too: measured values, versions, configurations, clocks."""

from __future__ import annotations

import pytest

from courtyard.drivers.fire.gb26875 import Link, events, parse
from courtyard.drivers.fire.gb26875.frame import ANSWER, SEND, unit
from courtyard.drivers.fire.gb26875.objects import (
    ComponentAnalogue,
    ComponentConfiguration,
    DeviceConfiguration,
    DeviceTime,
    DeviceVersion,
    InformationObject,
    SystemConfiguration,
    SystemTime,
    SystemVersion,
)
from courtyard.drivers.fire.gb26875.wire import TimeTag
from courtyard.drivers.fire.keeper import signals
from courtyard.drivers.fire.post import PanelPost
from courtyard.drivers.fire.settings import FirePanel

AT = TimeTag(bytes((15, 30, 14, 22, 11, 26)))
CASES: list[tuple[int, InformationObject, str, str, dict[str, object]]] = [
    (3, ComponentAnalogue(1, 2, 40, 6 << 16 | 12, 3, -125, AT), "2-6-12", "", {"value": -12.5, "unit": "Cel"}),
    (3, ComponentAnalogue(1, 2, 40, 1, 99, 7, AT), "2-0-1", "", {"value": 7.0, "analogue_type": 99}),
    (5, SystemVersion(1, 2, 3, 14), "2", "", {"version": "3.14"}),
    (6, SystemConfiguration(12, 2, "喷淋"), "t12-2", "喷淋", {}),
    (7, ComponentConfiguration(1, 2, 42, 6 << 16 | 12, "6层走廊"), "2-6-12", "6层走廊", {}),
    (8, SystemTime(1, 2, AT), "2", "", {"panel_time": "2026-11-22T14:30:15"}),
    (25, DeviceVersion(1, 0), "uitd", "", {"version": "1.0"}),
    (26, DeviceConfiguration("传输装置"), "uitd", "传输装置", {}),
    (28, DeviceTime(AT), "uitd", "", {"panel_time": "2026-11-22T14:30:15"}),
]


@pytest.mark.parametrize("command", [SEND, ANSWER])
@pytest.mark.parametrize(("kind", "item", "source", "text", "details"), CASES)
def test_it_is_a_record_and_no_alarm(
    command: int, kind: int, item: InformationObject, source: str, text: str, details: dict[str, object]
) -> None:
    packet = Link(0x11223344, 1).packet(command, unit(kind, item), 1, AT)
    said = events(parse(packet))
    post = PanelPost(FirePanel(id="uitd", protocol="gb26875"), 0.0)
    (signal,) = signals(tuple(said), post, 0, 0, None)
    assert (signal.kind, signal.severity, signal.source, signal.text) == ("other", 4, source, text)
    assert signal.raw_hex == packet.hex()
    assert details.items() <= signal.details.items()
    assert signal.details["label_en"]
    assert signal.details["label_zh"]


def test_many_of_them_are_many_records() -> None:
    items = [ComponentAnalogue(1, 1, 92, number, 2, number, AT) for number in range(63)]
    said = events(parse(Link(1, 2).packet(SEND, unit(3, *items), 1, AT)))
    assert [event.details["value"] for event in said] == [round(number * 0.01, 2) for number in range(63)]
