"""Panels behind Modbus: what a register says, and what its change says."""

from __future__ import annotations

import pytest

from courtyard.drivers.fire import gst_modbus, notifier_modbus
from courtyard.drivers.fire.gst_modbus import GST200, GST5000
from courtyard.drivers.fire.notifier_modbus import gamewell_source


def said(first: int, values: list[int], previous: list[int] | None = None) -> list[tuple[str, str, bool]]:
    found = gst_modbus.events(GST200, first, values, previous)
    return [(event.condition, event.source, event.begins) for event in found]


def test_the_published_answer_says_a_fire_at_2_and_a_fault_at_3() -> None:
    answer = bytes.fromhex("01 03 06 00 00 00 01 00 02 F1 74")
    values = [answer[at] << 8 | answer[at + 1] for at in (3, 5, 7)]
    assert said(0, values) == [("fire", "2", True), ("fault", "3", True)]


def test_only_changes_are_told() -> None:
    assert said(0, [1, 2, 0], [1, 2, 0]) == []
    assert said(0, [1, 2, 1], [1, 2, 0]) == [("fire", "3", True)]


def test_a_register_that_becomes_none_ends_what_it_was() -> None:
    assert said(0, [0, 0, 0, 0], [1, 2, 7, 5]) == [
        ("fire", "1", False),
        ("fault", "2", False),
        ("isolate", "3", False),
        ("start", "4", False),
    ]
    assert said(0, [0, 0, 0], [6, 8, 9]) == []


def test_another_state_ends_no_fire_because_only_the_latest_state_is_visible() -> None:
    assert said(0, [3], [1]) == [("feedback", "1", True)]
    assert said(0, [8], [7]) == [("isolate", "1", False)]


def test_power_registers_speak_of_the_panel() -> None:
    assert said(242, [2, 2, 2]) == [("mains_fault", "", True), ("battery_fault", "", True), ("bus_fault", "", True)]
    assert said(242, [9, 0, 9], [2, 2, 2]) == [
        ("mains_fault", "", False),
        ("battery_fault", "", False),
        ("bus_fault", "", False),
    ]


def test_an_unknown_state_is_told_with_its_number() -> None:
    (event,) = gst_modbus.events(GST200, 0, [4])
    assert event.kind == "unknown"
    assert "0x04" in event.label.en
    assert event.details == {"register": 40001, "state": 4}


def test_a_gst5000_register_is_zone_and_code() -> None:
    (event,) = gst_modbus.events(GST5000, 240, [1])
    assert event.source == "1-1"
    assert gst_modbus.source(GST5000, 2399) == "9-240"
    assert gst_modbus.source(GST5000, 4997) == ""


@pytest.mark.parametrize("model", [GST200, GST5000])
def test_queries_cover_every_register_with_at_most_100_each_power_first(model: gst_modbus.Model) -> None:
    queries = gst_modbus.queries(model)
    covered = {address for first, count in queries for address in range(first, first + count)}
    assert covered >= {*model.devices, *model.power}
    assert max(count for _, count in queries) <= 100
    assert queries[0][0] == min(model.power)


def notified(now: int, before: int | None = None) -> list[tuple[str, bool]]:
    found = notifier_modbus.events(7, [now], None if before is None else [before])
    return [(event.condition, event.begins) for event in found]


@pytest.mark.parametrize(
    ("value", "conditions"),
    [
        (0x0C10, ["fire"]),
        (0x0410, []),
        (0x4410, ["fire_prealarm"]),
        (0x2400, ["fault"]),
        (0x0200, ["isolate"]),
        (0x0C40, ["supervisory"]),
        (0x6E10, ["fire", "fire_prealarm", "fault", "isolate"]),
        (0x0CFF, []),
        (0x0C77, ["unknown"]),
        (0x0D10, ["fire"]),
    ],
)
def test_a_notifier_register_holds_conditions(value: int, conditions: list[str]) -> None:
    assert notified(value) == [(kind, True) for kind in conditions]


def test_conditions_end_when_their_bits_go() -> None:
    assert notified(0x1410, 0x0C10) == [("fire", False)]
    assert notified(0x0C10, 0x0C10) == []
    assert notified(0x2C10, 0x0C10) == [("fault", True)]


def test_carbon_monoxide_endangers_life() -> None:
    (event,) = notifier_modbus.events(0, [0x0C14])
    assert (event.kind, event.severity, event.detector) == ("supervisory", 1, "gas")
    assert event.signal("p", at_ms=0, mono_ms=0).severity == 1


def test_a_register_is_taken_apart_bit_by_bit() -> None:
    point = notifier_modbus.point(0x8510)
    assert (point.blocked, point.enabled, point.acknowledged, point.active) == (True, True, True, False)
    assert notifier_modbus.point(0x00FF).absent


def test_gamewell_names_zones_and_circuits() -> None:
    assert [gamewell_source(address) for address in (5, 8000, 14001)] == ["5", "zone-1", "circuit-2"]
