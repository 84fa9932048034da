"""Any bytes at all: only refusals come out, no vital is invented, and what was encoded is what is decoded."""

from __future__ import annotations

import datetime
import math
import os
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.drivers.ble.adverts import bthome
from courtyard.drivers.ble.adverts.beacon_rule import BeaconRule, Identity
from courtyard.drivers.ble.adverts.bthome_objects import OBJECTS
from courtyard.drivers.ble.dissect import DISSECTORS
from courtyard.drivers.ble.gatt import current_time
from courtyard.drivers.ble.gatt.characteristics import CHARACTERISTICS, observe, short_uuid
from courtyard.drivers.ble.ieee11073 import Special, float32, sfloat
from courtyard.drivers.ble.memory import Memory
from courtyard.drivers.ble.observation import SEVERITY, Observation
from courtyard.drivers.ble.points import PLAUSIBLE, UNITS
from courtyard.drivers.ble.receive import COMPANIES, SERVICES, Advertisement, receive
from courtyard.drivers.ble.refusal import Refused
from courtyard.drivers.ble.setup import Setup
from tests import ble_radio
from tests.ble_vectors import VECTORS

KEY, ADDRESS = bytes(range(16)), bytes(range(6))
SCALE = 10 if os.environ.get("COURTYARD_CAMPAIGN") == "full" else 1
PROTOCOLS = sorted(DISSECTORS)
GOOD = {protocol: [vector.data for vector in VECTORS if vector.protocol == protocol] for protocol in PROTOCOLS}

HEARD = [
    *(each[2:] for each in GOOD["bthome"] + GOOD["eddystone"] + GOOD["ibeacon"]),
    *map(bytes.fromhex, ("a1016315803200aabbccddeeff", "a1216301aabbccddeeff", "c3", "a4015a01000100aabbccddee0000")),
    ble_radio.bthome_sealed(bytes.fromhex("0007015a3a01"), KEY, ADDRESS, 5),
    ble_radio.mibeacon_sealed(bytes.fromhex("011003000000"), KEY, ADDRESS, 5),
    b"P \xaa\x01\xda!\x9354-X\r\x10\x04\xfe\x00H\x02",
]


def mutated(good: list[bytes]) -> st.SearchStrategy[bytes]:
    """Noise, and good bytes cut, lengthened or with some bytes changed."""

    def change(data: bytes, cut: int, tail: bytes, flips: dict[int, int]) -> bytes:
        kept = bytearray(data[: max(0, len(data) - cut)] + tail)
        for at, mask in flips.items():
            if kept:
                kept[at % len(kept)] ^= mask
        return bytes(kept)

    flips = st.dictionaries(st.integers(0, 40), st.integers(0, 255), max_size=4)
    near = st.builds(change, st.sampled_from(good), st.integers(0, 12), st.binary(max_size=6), flips)
    return near | st.binary(max_size=64)


def check(observation: Observation) -> None:
    """What holds for everything that any decoder ever says."""
    assert observation.values.keys() <= UNITS.keys()
    assert observation.quality.keys() <= observation.values.keys()
    for point, value in observation.values.items():
        quality = observation.quality.get(point, "")
        assert (value is None) == quality.startswith("bad:"), (point, value, quality)
        if UNITS[point] is None:
            assert isinstance(value, bool)
        elif value is not None:
            assert isinstance(value, float)
            assert math.isfinite(value)
            limits = PLAUSIBLE.get(point)
            assert limits is None or limits.low <= value <= limits.high, (point, value)
    assert all(event.kind in SEVERITY for event in observation.events)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(max_examples=40 * SCALE, deadline=None)
@given(data=st.data())
def test_any_bytes_are_dissected_or_refused(protocol: str, data: st.DataObject) -> None:
    dissection = DISSECTORS[protocol](data.draw(mutated(GOOD[protocol])))
    assert dissection.valid == (dissection.error is None)
    assert ("points" in dissection.data()["fields"]) <= dissection.valid
    msgspec.json.encode(dissection.data())


@pytest.mark.parametrize("uuid", sorted(CHARACTERISTICS))
@settings(max_examples=30 * SCALE, deadline=None)
@given(data=st.data())
def test_any_value_of_a_characteristic_is_plausible_or_refused(uuid: int, data: st.DataObject) -> None:
    head = uuid.to_bytes(2, "big")
    good = [each[2:] for each in GOOD["ble-gatt"] if each[:2] == head] or [b"\0"]
    value = data.draw(mutated(good))
    found = observed(uuid, value)
    if isinstance(found, Refused):
        assert 0 <= found.at <= len(value)
    else:
        check(found)


def observed(uuid: int, value: bytes) -> Observation | Refused:
    try:
        return observe(uuid, value)
    except Refused as refusal:
        return refusal


@settings(max_examples=40 * SCALE, deadline=None)
@given(
    packets=st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(sorted(SERVICES)), mutated(HEARD), max_size=2),
            st.dictionaries(st.sampled_from(sorted(COMPANIES)), mutated(HEARD), max_size=2),
            st.integers(0, 10**9),
        ),
        max_size=12,
    ),
    key=st.sampled_from([None, KEY, b"short"]),
)
def test_whatever_the_radio_hears_nothing_is_raised_and_everything_is_counted(
    packets: list[tuple[dict[int, bytes], dict[int, bytes], int]], key: bytes | None
) -> None:
    rule = BeaconRule(Identity(bytes(16)), Identity(bytes(16), b"\x01"))
    memory, setup = Memory(), Setup(ADDRESS, key, {"press": "sos"}, rule)
    count = 0
    for services, companies, now_ms in packets:
        heard = receive(Advertisement(services, companies), setup, memory, now_ms)
        memory = heard.memory
        count += len(heard.refusals)
        for observation in heard.observations:
            check(observation)
    assert sum(memory.refused.values()) == count
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(memory), type=Memory) == memory


@settings(max_examples=30 * SCALE, deadline=None)
@given(mantissa=st.integers(-2045, 2045), exponent=st.integers(-8, 7))
def test_every_sfloat_comes_back(mantissa: int, exponent: int) -> None:
    assert sfloat(ble_radio.sfloat(mantissa, exponent)) == Decimal(mantissa).scaleb(exponent)


@settings(max_examples=30 * SCALE, deadline=None)
@given(mantissa=st.integers(-(2**23) + 3, 2**23 - 3), exponent=st.integers(-128, 127))
def test_every_float_comes_back(mantissa: int, exponent: int) -> None:
    found = float32(ble_radio.float32(mantissa, exponent))
    assert found == Decimal(mantissa).scaleb(exponent)


def test_of_the_sfloats_around_the_largest_exactly_five_are_no_numbers() -> None:
    words = range(0x0780, 0x0880)
    specials = {word for word in words if isinstance(sfloat(word.to_bytes(2, "little")), Special)}
    assert specials == {0x07FE, 0x07FF, 0x0800, 0x0801, 0x0802}


@settings(max_examples=30 * SCALE, deadline=None)
@given(local=st.datetimes(datetime.datetime(1582, 1, 1), datetime.datetime(9999, 12, 31)), reason=st.integers(0, 15))
def test_a_clock_that_was_set_reads_back_to_a_256th_of_a_second(local: datetime.datetime, reason: int) -> None:
    value = current_time.encode(local, reason)
    found = observe(0x2A2B, value).local_time
    assert len(value) == 10
    assert value[7] == local.isoweekday()
    assert found is not None
    assert datetime.timedelta(0) <= local - found <= datetime.timedelta(microseconds=3907)


NUMBERS = {number: known for number, known in OBJECTS.items() if known.kind == "number"}


@st.composite
def objects(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Numbers that fit their objects."""
    ids = draw(st.lists(st.sampled_from(sorted(NUMBERS)), min_size=1, max_size=6, unique=True))
    ranges = {
        number: (-(1 << 8 * known.size - 1), (1 << 8 * known.size - 1) - 1)
        if known.signed
        else (0, (1 << 8 * known.size) - 1)
        for number, known in NUMBERS.items()
    }
    return [(number, draw(st.integers(*ranges[number]))) for number in sorted(ids)]


@settings(max_examples=30 * SCALE, deadline=None)
@given(numbers=objects(), counter=st.integers(0, 2**32 - 1))
def test_every_object_comes_back_plain_and_encrypted(numbers: list[tuple[int, int]], counter: int) -> None:
    raw = b"".join(
        bytes([number]) + value.to_bytes(NUMBERS[number].size, "little", signed=NUMBERS[number].signed)
        for number, value in numbers
    )
    plain = bthome.parse(ble_radio.bthome(raw))
    assert [(one.id, one.value) for one in plain.objects] == [
        (number, value * NUMBERS[number].factor) for number, value in numbers
    ]
    sealed = bthome.parse(ble_radio.bthome_sealed(raw, KEY, ADDRESS, counter), key=KEY, address=ADDRESS)
    assert (sealed.objects, sealed.counter) == (plain.objects, counter)


@settings(max_examples=50 * SCALE, deadline=None)
@given(at=st.integers(0, 30), mask=st.integers(1, 255))
def test_one_changed_byte_of_an_encrypted_packet_is_never_believed(at: int, mask: int) -> None:
    data = bytearray(ble_radio.bthome_sealed(bytes.fromhex("0007015a3a01"), KEY, ADDRESS, 5))
    data[at % len(data)] ^= mask
    with pytest.raises(Refused):
        bthome.parse(bytes(data), key=KEY, address=ADDRESS)


@pytest.mark.parametrize(
    ("uuid", "number"),
    [
        ("2A37", 0x2A37),
        ("0x2a37", 0x2A37),
        ("00002a37-0000-1000-8000-00805F9B34FB", 0x2A37),
        ("a3c88800-8ed3-4bdf-8a39-a01bebede295", None),
        ("2A3", None),
        ("zzzz", None),
    ],
)
def test_uuids_are_known_in_all_their_forms(uuid: str, number: int | None) -> None:
    assert short_uuid(uuid) == number


@settings(max_examples=30 * SCALE, deadline=None)
@given(value=st.text(max_size=30))
def test_any_text_is_no_uuid_or_a_short_one(value: str) -> None:
    found: Any = short_uuid(value)
    assert found is None or 0 <= found < 2**32
