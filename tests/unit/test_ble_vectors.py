"""Every published or computed value decodes as stated; every damaged one is refused at the byte that is wrong."""

from __future__ import annotations

import msgspec
import pytest

from courtyard.drivers.ble.adverts import bthome, eddystone
from courtyard.drivers.ble.dissect import DISSECTORS
from courtyard.drivers.ble.gatt.characteristics import observe
from courtyard.drivers.ble.gatt.dissect import dissect_value
from tests.ble_vectors import REFUSED, VECTORS, Refused, Vector


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_a_vector_decodes_as_stated(vector: Vector) -> None:
    dissection = DISSECTORS[vector.protocol](vector.data)
    assert dissection.valid, dissection.error
    fields = dissection.data()["fields"]
    assert {name: fields.get(name) for name in vector.fields} == vector.fields
    assert fields.get("points", {}) == vector.points
    assert fields.get("quality", {}) == vector.quality
    assert msgspec.json.decode(msgspec.json.encode(dissection.data())) == dissection.data()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_the_parts_of_a_vector_cover_all_its_bytes_and_name_their_source(vector: Vector) -> None:
    parts = DISSECTORS[vector.protocol](vector.data).parts
    fields = [part for part in parts if part.clause]
    assert [part.start for part in fields] == [0, *(part.end for part in fields[:-1])]
    behind = vector.data[fields[-1].end :]
    assert behind == b"" or (fields[-1].name == "instance" and behind == b"\0\0")
    assert all(part.label.en and part.label.zh for part in parts)


@pytest.mark.parametrize(
    "vector", [each for each in VECTORS if each.protocol == "ble-gatt"], ids=lambda each: each.name
)
def test_the_decoder_of_a_characteristic_says_the_same_as_its_dissection(vector: Vector) -> None:
    size = 16 if vector.data[0] == 0 else 2
    uuid, value = int.from_bytes(vector.data[:size][:4].lstrip(b"\0"), "big"), vector.data[size:]
    observation = observe(uuid, value)
    assert (observation.values, observation.quality) == (vector.points, vector.quality)
    assert dissect_value(uuid, value).data()["fields"].get("points", {}) == vector.points


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused.name)
def test_a_damaged_vector_is_refused_at_the_byte_that_is_wrong(refused: Refused) -> None:
    dissection = DISSECTORS[refused.protocol](refused.data)
    assert not dissection.valid
    assert dissection.error_at == refused.at
    assert dissection.error is not None
    assert dissection.error.en
    assert dissection.error.zh
    assert "points" not in dissection.data()["fields"]


def test_a_time_that_no_calendar_has_does_not_cost_the_measurement() -> None:
    observation = observe(0x2A1C, bytes.fromhex("02 6E0100FF 0000 00 00 00 00 00"))
    assert (observation.values, observation.local_time) == ({"vital.temperature": 36.6}, None)


def test_events_of_a_packet_are_told_with_their_details() -> None:
    packet = bthome.parse(bytes.fromhex("40 15 01 1A 01 29 00 3A 00 3A 04"))
    told = [(event.kind, event.active, event.source, event.details) for event in bthome.observe(packet).events]
    assert told == [
        ("battery_low", True, "battery_low", {}),
        ("door", True, "door", {}),
        ("smoke", False, "smoke", {}),
        ("button", True, "button-2", {"press": "long_press"}),
    ]


def test_identities_of_eddystone_have_no_values() -> None:
    assert eddystone.observe(eddystone.parse(bytes(18))).values == {}
