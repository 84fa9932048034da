"""The care of a resident as rules: what raises which alarm, and of whom."""

from __future__ import annotations

from typing import Any

from courtyard.agent.condition import Condition
from courtyard.agent.rules.rulebook import RuleBook
from courtyard.config.site import Site
from courtyard.drivers.base import Reading
from tests.gateway_rig import site

LINE = {"name": "bus", "kind": "serial", "port": "/dev/ttyS0"}
DEVICES = [
    {"id": name, "profile": "water/ultrad", "line": "bus", "address": address, "every": 1.0}
    for address, name in enumerate(("band-017", "sos-017"), 1)
]


def house(**resident: Any) -> Site:
    person = {"id": "r-017", "wearables": ["band-017"], "buttons": ["sos-017"], **resident}
    return site(lines=[LINE], devices=DEVICES, residents=[person])


def beats(book: RuleBook, *rates: float | None, start_s: int = 0) -> list[Condition]:
    """One reading a second of the band; what the rules say in all."""
    said: list[Condition] = []
    for second, rate in enumerate(rates, start_s):
        quality = {} if rate is not None else {"vital.heart_rate": "bad:contact"}
        said += book.observe(Reading("band-017", second * 1000, second * 1000, {"vital.heart_rate": rate}, quality))
    return [each for each in said if each.alarm_class == "vital"]


def test_one_bad_beat_is_no_alarm_and_half_a_minute_of_them_is() -> None:
    book = RuleBook(house(limits=[{"point": "vital.heart_rate", "above": 120, "hysteresis": 5}]))
    assert [each.active for each in beats(book, 80, 180, 80)] == [False]
    said = beats(book, *[150.0] * 31, start_s=3)
    assert [each.active for each in said] == [True]
    assert said[0].alarm_id == "band-017:vital:vital.heart_rate"
    assert said[0].severity == 2
    assert said[0].details["resident"] == "r-017"
    assert [each.active for each in beats(book, 118, 117, 114, start_s=34)] == [False]


def test_a_band_off_the_wrist_is_no_evidence() -> None:
    book = RuleBook(house(limits=[{"point": "vital.heart_rate", "below": 45, "for": 5.0}]))
    beats(book, 80)
    assert beats(book, *[None] * 60, start_s=1) == []


def test_silence_of_a_wearable_and_of_a_button_are_alarms_of_their_own() -> None:
    book = RuleBook(house(not_seen=600.0, heartbeat=86_400.0))
    assert book.tick(0, 0) == []
    (not_seen,) = book.tick(600_000, 600_000)
    assert (not_seen.alarm_id, not_seen.severity, not_seen.active) == ("band-017:not_seen:", 2, True)
    assert book.tick(86_399_000, 86_399_000) == []
    (no_heartbeat,) = book.tick(86_400_000, 86_400_000)
    assert (no_heartbeat.alarm_id, no_heartbeat.active) == ("sos-017:no_heartbeat:", True)
    (back,) = [
        each
        for each in book.observe(Reading("band-017", 1, 86_401_000, {"battery.level": 90.0}))
        if not each.active and each.alarm_class == "not_seen"
    ]
    assert back.details["resident"] == "r-017"


def test_a_battery_runs_low_once() -> None:
    book = RuleBook(house(battery_below=20))
    levels = [30.0, 21.0, 19.0, 20.5, 19.0, 26.0]
    said = [
        condition
        for second, level in enumerate(levels)
        for condition in book.observe(Reading("sos-017", second, second, {"battery.level": level}))
        if condition.alarm_class == "battery_level"
    ]
    assert [(each.active, each.severity) for each in said] == [(False, 3), (True, 3), (False, 3)]


def test_alarms_of_a_resident_that_is_no_longer_cared_for_are_not_watched() -> None:
    alarms = [("band-017", "vital", "vital.heart_rate"), ("band-017", "not_seen", ""), ("sos-017", "no_heartbeat", "")]
    book = RuleBook(house(limits=[{"point": "vital.heart_rate", "above": 120}]))
    assert all(book.watches(*alarm) for alarm in alarms)
    gone = RuleBook(site(lines=[LINE], devices=DEVICES), book)
    assert not any(gone.watches(*alarm) for alarm in alarms)
    assert gone.watches("sos-017", "sos", "")


def contact(book: RuleBook, *touching: bool, start_s: int = 0) -> list[Condition]:
    """A band that tells of its contact once a second, and an oximeter in it that cannot."""
    said: list[Condition] = []
    for second, touches in enumerate(touching, start_s):
        quality = {} if touches else {"vital.heart_rate": "bad:contact"}
        values = {"vital.heart_rate": 70.0 if touches else None}
        said += book.observe(Reading("band-017", second * 1000, second * 1000, dict(values), quality))
        said += book.observe(Reading("band-017", second * 1000, second * 1000, {"vital.spo2": 97.0}))
    return [each for each in said if each.alarm_class == "not_worn"]


def test_a_band_that_was_taken_off_is_an_alarm_of_its_own_and_one_that_slips_is_none() -> None:
    book = RuleBook(house(not_worn=60.0, not_seen=30.0))
    assert [each.active for each in contact(book, *([True] * 5 + [False] * 2) * 30)] == [False]
    (taken_off,) = contact(book, *[False] * 61, start_s=300)
    assert (taken_off.alarm_id, taken_off.severity, taken_off.active) == ("band-017:not_worn:", 3, True)
    assert taken_off.details["resident"] == "r-017"
    assert [each.active for each in contact(book, True, True, start_s=361)] == [False]


def test_a_band_on_the_table_is_seen_though_it_measures_nothing() -> None:
    book = RuleBook(house(not_seen=30.0))
    book.tick(0, 0)
    contact(book, *[False] * 100)
    book.observe(Reading("sos-017", 0, 0, {"battery.level": 90.0}))
    assert book.tick(100_000, 100_000) == []


def test_somebody_who_has_not_agreed_is_still_looked_for_but_not_judged() -> None:
    book = RuleBook(house(not_seen=30.0, limits=[{"point": "vital.heart_rate", "above": 120}]))
    book.tick(0, 0)
    for second in range(100):
        said = book.observe(Reading("band-017", 0, second * 1000, {}))
        assert [each.alarm_class for each in said if each.active or second] == []
    assert [each.alarm_class for each in book.tick(100_000, 100_000)] == []
    assert [each.alarm_class for each in book.tick(131_000, 131_000)] == ["not_seen"]


def test_a_pressure_that_is_measured_once_is_an_alarm_at_once_unless_the_meter_doubts_it() -> None:
    book = RuleBook(house(limits=[{"point": "vital.pressure.systolic", "above": 180}]))
    point = "vital.pressure.systolic"
    doubted = Reading("band-017", 0, 0, {point: 210.0}, {point: "uncertain:unverified"})
    assert [each for each in book.observe(doubted) if each.alarm_class == "vital"] == []
    said = [each for each in book.observe(Reading("band-017", 0, 1000, {point: 190.0})) if each.active]
    assert [each.alarm_id for each in said] == ["band-017:vital:vital.pressure.systolic"]


def test_the_coin_cell_of_a_beacon_runs_low() -> None:
    book = RuleBook(house())
    said = [
        condition
        for second, volts in enumerate([3.0, 2.5, 2.35, 2.5, 2.9])
        for condition in book.observe(Reading("sos-017", second, second, {"battery.voltage": volts}))
        if condition.source == "voltage"
    ]
    assert [each.active for each in said] == [False, True, False]
