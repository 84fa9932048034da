"""Families of advertisements beyond the vectors: keys, Minew, BlueUp, MiBeacon, beacons that call for help."""

from __future__ import annotations

from typing import Any

import pytest

from courtyard.drivers.ble.adverts import blueup, bthome, eddystone, ibeacon, mibeacon, minew
from courtyard.drivers.ble.adverts.beacon_rule import BeaconRule, Call, Identity, identity, judge
from courtyard.drivers.ble.observation import Observation
from courtyard.drivers.ble.refusal import Refused
from tests.ble_radio import ibeacon as beacon_bytes
from tests.ble_radio import mibeacon_sealed
from tests.ble_vectors import (
    BTHOME_ADDRESS,
    BTHOME_KEY,
    BTHOME_SEALED,
    BUTTON_ADDRESS,
    BUTTON_KEY,
    BUTTON_PLAIN,
    BUTTON_SEALED,
    UID,
)


def told(observation: Observation) -> list[tuple[str, bool]]:
    return [(event.kind, event.active) for event in observation.events]


def test_the_published_encrypted_packet_opens_with_its_key() -> None:
    observation = bthome.observe(bthome.parse(BTHOME_SEALED, key=BTHOME_KEY, address=BTHOME_ADDRESS))
    assert observation.values == {"air.temperature": 25.06, "air.humidity": 50.55}


def test_an_encrypted_button_says_what_the_plain_one_says() -> None:
    packet = bthome.parse(BUTTON_SEALED, key=BUTTON_KEY, address=BUTTON_ADDRESS)
    assert packet.counter == 5
    assert bthome.observe(packet) == bthome.observe(bthome.parse(BUTTON_PLAIN))


@pytest.mark.parametrize(
    ("data", "key", "address", "code"),
    [
        (BTHOME_SEALED, None, BTHOME_ADDRESS, "key"),
        (BTHOME_SEALED, bytes(16), BTHOME_ADDRESS, "key"),
        (BTHOME_SEALED, BTHOME_KEY[:8], BTHOME_ADDRESS, "key"),
        (BTHOME_SEALED, BTHOME_KEY, BUTTON_ADDRESS, "key"),
        (BTHOME_SEALED, BTHOME_KEY, None, "key"),
        (BTHOME_SEALED[:-1] + b"\0", BTHOME_KEY, BTHOME_ADDRESS, "key"),
        (BTHOME_SEALED[:9] + b"\x01" + BTHOME_SEALED[10:], BTHOME_KEY, BTHOME_ADDRESS, "key"),
        (BUTTON_PLAIN, BUTTON_KEY, BUTTON_ADDRESS, "downgrade"),
    ],
    ids=["none", "wrong", "short", "other address", "no address", "tag", "counter", "plain"],
)
def test_without_the_right_key_nothing_is_believed(
    data: bytes, key: bytes | None, address: bytes | None, code: str
) -> None:
    with pytest.raises(Refused) as caught:
        bthome.parse(data, key=key, address=address)
    assert caught.value.code == code


def test_an_address_in_the_packet_serves_where_the_radio_hides_it() -> None:
    info = bytes([BUTTON_PLAIN[0] | bthome.ADDRESS])
    packet = bthome.parse(info + BUTTON_ADDRESS[::-1] + BUTTON_PLAIN[1:])
    assert packet.packet_id == 7
    assert bthome.envelope(info + BUTTON_ADDRESS[::-1]).address == BUTTON_ADDRESS


def test_a_packet_of_many_buttons_tells_no_more_than_a_device_can_have() -> None:
    observation = bthome.observe(bthome.parse(b"\x40" + b"\x3a\x01" * 100 + b"\x29\x01" * 20))
    assert len(observation.events) == 2 * bthome.MOST_ALIKE


MINEW: tuple[tuple[str, dict[str, Any], list[tuple[str, bool]]], ...] = (
    ("a1016315803200aabbccddeeff", {"air.temperature": 21.5, "air.humidity": 50.0, "battery.level": 99.0}, []),
    ("a10364ff8000000080aabbccddeeff", {"battery.level": 100.0}, []),
    ("a10801aabbccddeeff504c5553", {"battery.level": 1.0}, []),
    ("a111320001aabbccddeeff", {"motion.detected": True, "battery.level": 50.0}, [("motion", True)]),
    ("a113631973aabbccddeeff", {"air.temperature": 25.44921875, "battery.level": 99.0}, []),
    ("a118321234567801aabbccddeeff", {"motion.detected": True, "battery.level": 50.0}, [("motion", True)]),
    ("a1204501aabbccddeeff", {"device.tamper": True, "battery.level": 69.0}, [("tamper", True)]),
    ("a1216301aabbccddeeff", {"water.leak": True, "battery.level": 99.0}, [("leak", True)]),
    ("a1216300aabbccddeeff", {"water.leak": False, "battery.level": 99.0}, [("leak", False)]),
)


@pytest.mark.parametrize(("data", "values", "events"), MINEW)
def test_minew_frames_decode_as_published(data: str, values: dict[str, Any], events: list[tuple[str, bool]]) -> None:
    observation = minew.observe(bytes.fromhex(data))
    assert (observation.values, told(observation)) == (values, events)
    with pytest.raises(Refused, match="inside"):
        minew.observe(bytes.fromhex(data)[:8])


def test_minew_frames_carry_details_that_no_point_stands_for() -> None:
    observation = minew.observe(bytes.fromhex(MINEW[1][0]))
    assert observation.details == {"acceleration_x_g": -0.5, "acceleration_y_g": 0.0, "acceleration_z_g": 0.5}
    assert minew.observe(bytes.fromhex(MINEW[2][0])).details == {"name": "PLUS"}


def test_a_minew_door_tells_door_and_tampering() -> None:
    observation = minew.observe_door(bytes.fromhex("a401 5a 01 00 01 00 aabbccddeeff 0000"))
    assert observation.values == {"battery.level": 90.0, "door.open": True, "device.tamper": False}
    assert told(observation) == [("door", True), ("tamper", False)]


@pytest.mark.parametrize("data", ["", "a1", "a2 01", "a1 99", "a1216301aabbccddeeff00", "a4 01"])
def test_other_frames_of_minew_are_refused(data: str) -> None:
    with pytest.raises(Refused):
        minew.observe(bytes.fromhex(data))
    with pytest.raises(Refused):
        minew.observe_door(bytes.fromhex(data))


@pytest.mark.parametrize(("flags", "events"), [(0xC3, [("sos", True)]), (0x43, [("sos", False)]), (0x03, [])])
def test_a_blueup_beacon_calls_for_help_by_its_flags(flags: int, events: list[tuple[str, bool]]) -> None:
    assert told(blueup.observe(bytes([flags]))) == events


@pytest.mark.parametrize("data", [b"", b"\xc3\x00"])
def test_other_lengths_of_blueup_flags_are_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        blueup.observe(data)


MI_ADDRESS = bytes.fromhex("582D34359321")
MI_CLIMATE = b"P \xaa\x01\xda!\x9354-X\r\x10\x04\xfe\x00H\x02"
MI_HUMIDITY = b"XXH\x0bh_\x124-XZ\x0b\x18A\xe2\xaa\x00\x0e\x00\xa4\x96O\xb5"
MI_TEMPERATURE = b"XXo\x06\x07\x89 \x124-X_\x17m\xd5O\x02\x00\x00/\xa4S\xfa"


def test_published_mibeacons_decode() -> None:
    climate = mibeacon.parse(MI_CLIMATE, address=MI_ADDRESS)
    assert mibeacon.observe(climate).values == {"air.temperature": 25.4, "air.humidity": 58.4}
    assert (climate.frame_counter, climate.counter) == (0xDA, None)
    key = bytes.fromhex("814aac74c4f17b6c1581e1ab87816b99")
    humidity = mibeacon.parse(MI_HUMIDITY, key=key, address=bytes.fromhex("5A582D34125F"))
    assert mibeacon.observe(humidity).values == {"air.humidity": 59.6}
    assert humidity.counter == 0x000E0068
    key = bytes.fromhex("a3bfe9853dd85a620debe3620caaa351")
    temperature = mibeacon.parse(MI_TEMPERATURE, key=key, address=bytes.fromhex("582D34122089"))
    assert mibeacon.observe(temperature).values == {"air.temperature": 22.6}


@pytest.mark.parametrize(
    ("data", "key", "address", "code"),
    [
        (MI_CLIMATE[:4], None, None, "truncated"),
        (MI_CLIMATE[:9], None, None, "truncated"),
        (MI_CLIMATE[:-1], None, None, "truncated"),
        (MI_CLIMATE, None, BUTTON_ADDRESS, "content"),
        (MI_CLIMATE, bytes(16), MI_ADDRESS, "downgrade"),
        (MI_HUMIDITY, None, None, "key"),
        (MI_HUMIDITY, bytes(16), None, "key"),
        (MI_HUMIDITY[:18], bytes(16), None, "truncated"),
        (b"\x80\x58" + MI_HUMIDITY[2:], None, None, "unsupported"),
        (b"X0\xb6\x03\xd2\x8b\x98\xc5A$\xf8\xc3I\x14vu~\x00\x00\x00\x99", bytes(16), None, "unsupported"),
        (b"\x48\x58\x48\x0b\x68" + bytes(12), bytes(16), None, "key"),
        (b"\x60\x58\x48\x0b\x68", None, None, "truncated"),
    ],
)
def test_damaged_or_unproven_mibeacons_are_refused(
    data: bytes, key: bytes | None, address: bytes | None, code: str
) -> None:
    with pytest.raises(Refused) as caught:
        mibeacon.parse(data, key=key, address=address)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("objects", "values", "events"),
    [
        ("0300 01 00", {}, [("motion", True)]),
        ("0a00 02 4a0e", {"vital.temperature": 36.58}, []),
        ("0110 03 010002", {}, [("button", True)]),
        ("0a10 01 64", {"battery.level": 100.0}, []),
        ("1410 01 01", {"water.leak": True}, [("leak", True)]),
        ("1510 01 01", {"smoke.detected": True}, [("smoke", True)]),
        ("1710 04 78000000", {"motion.detected": False}, [("motion", False)]),
        ("1910 01 01", {"door.open": False}, [("door", False)]),
        ("1910 01 03", {}, []),
        ("014a 01 01", {"battery.low": True}, [("battery_low", True)]),
        ("0e4e 01 02", {}, [("button", True)]),
        ("ff7f 01 02", {}, []),
        ("0410 01 02", {}, []),
        ("", {}, []),
    ],
)
def test_objects_of_mibeacons(objects: str, values: dict[str, Any], events: list[tuple[str, bool]]) -> None:
    key, address = bytes(16), bytes(range(6))
    packet = mibeacon.parse(
        mibeacon_sealed(bytes.fromhex(objects or "0000 00"), key, address, 0x1234567), key=key, address=address
    )
    observation = mibeacon.observe(packet)
    assert packet.counter == 0x1234567
    assert (observation.values, told(observation)) == (values, events)


def test_a_mibeacon_without_objects_says_only_that_it_is_there() -> None:
    packet = mibeacon.parse(b"0X[\x05\x02H<\xd48\xc1\xa4\x08", key=bytes(16))
    assert mibeacon.observe(packet) == Observation()


SPACE = bytes(range(16))
RULE = BeaconRule(Identity(SPACE, b"\x00\x01"), Identity(SPACE, b"\x00\x09"))


def seen(major: int, minor: int = 7) -> Identity:
    return identity(ibeacon.parse(beacon_bytes(SPACE, major, minor)))


def test_the_first_alarm_frame_calls_and_a_normal_one_ends_it_after_the_hold_off() -> None:
    event, call = judge(RULE, Call(), seen(9), 1000)
    assert event is not None
    assert (event.kind, event.active) == ("sos", True)
    assert judge(RULE, call, seen(9), 2000)[0] is None
    call = judge(RULE, call, seen(9), 2000)[1]
    assert judge(RULE, call, seen(1), 31_999) == (None, call)
    event, call = judge(RULE, call, seen(1), 32_000)
    assert event is not None
    assert (event.active, call) == (False, Call())
    assert judge(RULE, call, seen(1), 33_000) == (None, call)


def test_a_strange_identity_neither_calls_nor_ends() -> None:
    active = Call(True, 0)
    assert judge(RULE, active, seen(5), 99_999) == (None, active)
    assert judge(RULE, Call(), Identity(bytes(16), b"\x00\x09"), 0) == (None, Call())


def test_an_eddystone_identity_follows_the_same_rule() -> None:
    frame = eddystone.parse(UID)
    assert isinstance(frame, eddystone.Uid)
    rule = BeaconRule(Identity(frame.namespace), Identity(frame.namespace, frame.instance), kind="fall")
    event, _ = judge(rule, Call(), identity(frame), 0)
    assert event is not None
    assert event.kind == "fall"
