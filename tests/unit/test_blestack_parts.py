"""Escalation, watching for new devices, guessing their profile, counters on disk, faults in both languages."""

from __future__ import annotations

import re

import pytest

from courtyard.agent.ble_scan import guesses, wearables
from courtyard.drivers.ble.adverts.ibeacon import COMPANY
from courtyard.drivers.ble.bluez.watch import fault_of_error
from courtyard.drivers.ble.escalation import CYCLE_S, MOST_CYCLES, RESCAN_S, Escalation
from courtyard.drivers.ble.faults import _ADAPTER, _DEVICE, adapter_fault, wearable_fault
from courtyard.drivers.ble.memory import Memory
from courtyard.drivers.ble.notebook import KEEP_S, Counters
from courtyard.drivers.ble.radio import Heard
from courtyard.drivers.ble.receive import Advertisement
from courtyard.drivers.ble.watching import MOST_SIGHTINGS, Watching
from tests.ble_radio import bthome, ibeacon
from tests.gateway_rig import virtual
from tests.unit.test_blestack_driver import Notes

SPACE = bytes(16)


def test_silence_is_answered_by_a_scan_then_by_power_and_then_no_more() -> None:
    escalation = Escalation(0.0)
    steps = [(now, step) for now in range(7200) if (step := escalation.next(float(now))) != "wait"]
    powers = [now for now, step in steps if step == "power"]
    assert steps[0] == (RESCAN_S, "scan")
    assert powers[:MOST_CYCLES] == [CYCLE_S, 2 * CYCLE_S, 3 * CYCLE_S]
    assert all(later - first >= 3600 for first, later in zip(powers, powers[MOST_CYCLES:], strict=False))
    assert escalation.deaf
    escalation.sign(7200.0)
    assert not escalation.deaf


def test_signs_of_life_keep_it_quiet() -> None:
    escalation = Escalation(0.0)
    for now in range(0, 7200, 20):
        escalation.sign(float(now))
        assert escalation.next(float(now + 19)) == "wait"


def test_connections_that_fail_for_several_devices_are_the_adapters_fault() -> None:
    alone, several = Escalation(0.0), Escalation(0.0)
    for number in range(6):
        alone.refused("band-1")
        several.refused(f"band-{number % 2}")
    assert (alone.next(1.0), several.next(1.0)) == ("wait", "power")


def heard(address: str, rssi: int = -60, **news: dict[int, bytes]) -> Heard:
    return Heard(address, rssi, Advertisement(**news), "name", (0x180D,))


def test_a_press_is_seen_while_somebody_watches() -> None:
    watching = Watching()
    watching.heard(heard("C0:00:00:00:00:01"))
    assert watching.sightings() == []
    with watching.watch():
        watching.heard(heard("C0:00:00:00:00:01", service_data={0xFCD2: bthome(b"\x00\x01\x01\x5a")}))
        watching.heard(heard("C0:00:00:00:00:02", -40, manufacturer_data={COMPANY: ibeacon(SPACE, 1, 1)}))
        watching.heard(heard("C0:00:00:00:00:01", service_data={0xFCD2: bthome(b"\x00\x02\x3a\x01")}))
        watching.heard(heard("C0:00:00:00:00:02", -40, manufacturer_data={COMPANY: ibeacon(SPACE, 1, 2)}))
        near, far = watching.sightings()
        assert (near.address, near.families, near.changes, near.presses) == ("C0:00:00:00:00:02", ("ibeacon",), 1, 0)
        assert (far.families, far.changes, far.presses, far.adverts) == (("bthome",), 1, 1, 2)
    assert not watching
    assert watching.sightings() == []


def test_a_crowd_does_not_grow_what_is_watched() -> None:
    watching = Watching()
    with watching.watch():
        for number in range(3 * MOST_SIGHTINGS):
            watching.heard(heard(f"C0:00:00:00:{number >> 8:02X}:{number & 255:02X}", -99 + number % 50))
        sightings = watching.sightings()
        assert len(sightings) == MOST_SIGHTINGS
        assert sightings[0].rssi == -50


@pytest.mark.parametrize(
    ("news", "services", "first"),
    [
        ({}, (0x180D,), "wearable/heart-rate-band"),
        ({}, (0x1810,), "wearable/blood-pressure"),
        ({"service_data": {0x8800: b"\x40"}}, (), "wearable/blueup-safety"),
        ({"manufacturer_data": {COMPANY: ibeacon(SPACE, 1, 1)}}, (), "wearable/beacon-button"),
        ({"service_data": {0xFCD2: bthome(b"\x00\x01")}}, (), "wearable/bthome-button"),
        ({}, (0x1234,), None),
    ],
)
def test_the_profile_is_guessed(news: dict[str, dict[int, bytes]], services: tuple[int, ...], first: str) -> None:
    watching = Watching()
    with watching.watch():
        watching.heard(Heard("C0:00:00:00:00:01", -60, Advertisement(**news), services=services))
        (sighting,) = watching.sightings()
    assert next(iter(guesses(sighting, wearables())), None) == first


def test_counters_of_measurements_are_kept_now_and_then_and_those_of_signals_at_once() -> None:
    async def run() -> None:
        notes = Notes()
        counters = Counters(notes)
        await counters.keep("a", Memory(counters={"bthome": 1}), 0.0, at_once=False)
        await counters.keep("a", Memory(counters={"bthome": 2}), 1.0, at_once=False)
        assert Counters(notes).recall("a") == {"bthome": 1}
        await counters.keep("a", Memory(counters={"bthome": 3}), 2.0, at_once=True)
        assert Counters(notes).recall("a") == {"bthome": 3}
        await counters.keep("a", Memory(counters={"bthome": 4}), 2.0 + KEEP_S, at_once=False)
        assert Counters(notes).recall("a") == {"bthome": 4}
        notes.kept = dict.fromkeys(notes.kept, b"[damaged")
        assert Counters(notes).recall("a") == {}

    virtual(run)


@pytest.mark.parametrize(
    ("error", "text", "code"),
    [
        ("org.freedesktop.DBus.Error.ServiceUnknown", "", "ble.no_stack"),
        ("org.freedesktop.DBus.Error.AccessDenied", "", "ble.no_permission"),
        ("org.freedesktop.DBus.Error.UnknownObject", "", "ble.no_adapter"),
        ("org.bluez.Error.Blocked", "Blocked through rfkill", "ble.rfkill"),
        ("org.bluez.Error.Failed", "Blocked through rfkill", "ble.rfkill"),
        ("org.bluez.Error.InProgress", "Operation already in progress", "ble.in_use"),
        ("org.bluez.Error.Failed", "No default controller", "ble.failed"),
    ],
)
def test_errors_of_the_stack_are_named(error: str, text: str, code: str) -> None:
    assert fault_of_error(error, text, "hci0").code == code


def test_every_fault_has_a_cure_in_both_languages() -> None:
    faults = [adapter_fault(code, "hci0", "why") for code in _ADAPTER]
    faults += [wearable_fault(code, "band-1", 60) for code in _DEVICE]
    for fault in faults:
        for text in (fault.what, fault.cure):
            assert re.search(r"[\u4e00-\u9fff]", text.zh)
            assert not re.search(r"[\u4e00-\u9fff]", text.en)
            assert "{" not in text.en + text.zh
