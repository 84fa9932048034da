"""IEEE 11073 numbers: the tables of HL7, all special values, and that no value out of range comes through."""

from __future__ import annotations

from decimal import Decimal

import pytest

from courtyard.config.catalogue import product_catalogue
from courtyard.drivers.ble.adverts import bthome_labels, bthome_objects
from courtyard.drivers.ble.ieee11073 import Number, Special, float32, sfloat
from courtyard.drivers.ble.observation import Draft
from courtyard.drivers.ble.points import PLAUSIBLE, UNITS


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("F014", "2.0"),
        ("E0C8", "2.00"),
        ("00C8", "200"),
        ("0B2E", "-1234"),
        ("FF000014", "2.0"),
        ("FE0000C8", "2.00"),
        ("00FFFB2E", "-1234"),
        ("8000", "0E-8"),
        ("7801", "-2.047E+10"),
        ("FF00016E", "36.6"),
        ("7F7FFFFF", "8.388607E+133"),
        ("80800000", "-8.388608E-122"),
    ],
)
def test_a_number_keeps_its_decimals(word: str, value: str) -> None:
    raw = bytes.fromhex(word)[::-1]
    found = sfloat(raw) if len(raw) == 2 else float32(raw)
    assert str(found) == value


@pytest.mark.parametrize(
    ("word", "special"),
    [
        ("07FF", Special.NAN),
        ("0800", Special.NRES),
        ("07FE", Special.PLUS_INFINITY),
        ("0802", Special.MINUS_INFINITY),
        ("0801", Special.RESERVED),
        ("007FFFFF", Special.NAN),
        ("00800000", Special.NRES),
        ("007FFFFE", Special.PLUS_INFINITY),
        ("00800002", Special.MINUS_INFINITY),
        ("00800001", Special.RESERVED),
    ],
)
def test_special_values_are_no_numbers(word: str, special: Special) -> None:
    raw = bytes.fromhex(word)[::-1]
    assert (sfloat(raw) if len(raw) == 2 else float32(raw)) is special


@pytest.mark.parametrize(
    ("value", "expected", "quality"),
    [
        (Decimal(25), 25.0, None),
        (Decimal(250), 250.0, None),
        (Decimal("24.9"), None, "bad:range"),
        (251, None, "bad:range"),
        (Special.NAN, None, "bad:decode"),
        (Special.NRES, None, "bad:decode"),
        (Special.RESERVED, None, "bad:decode"),
        (Special.PLUS_INFINITY, None, "bad:range"),
        (Special.MINUS_INFINITY, None, "bad:range"),
        (Decimal("8388607E127"), None, "bad:range"),
    ],
)
def test_only_a_plausible_number_becomes_a_value(
    value: Number | int, expected: float | None, quality: str | None
) -> None:
    draft = Draft()
    draft.put("vital.heart_rate", value)
    observation = draft.done()
    assert observation.values == {"vital.heart_rate": expected}
    assert observation.quality.get("vital.heart_rate") == quality


def test_what_the_device_itself_doubts_stays_in_doubt() -> None:
    draft = Draft()
    draft.put("vital.spo2", 97, "uncertain:unverified")
    draft.put("vital.pulse_rate", 300, "bad:contact")
    draft.put("vital.pulse_rate", 72)
    observation = draft.done()
    assert observation.values == {"vital.spo2": 97.0, "vital.pulse_rate": None}
    assert observation.quality == {"vital.spo2": "uncertain:unverified", "vital.pulse_rate": "bad:contact"}


def test_every_point_stands_in_the_catalogue_with_this_unit() -> None:
    catalogue = product_catalogue()
    assert {name: catalogue[name].unit for name in UNITS} == dict(UNITS)
    assert all((catalogue[name].type == "boolean") == (unit is None) for name, unit in UNITS.items())
    assert PLAUSIBLE.keys() <= UNITS.keys()


def test_the_objects_of_bthome_only_name_points_that_exist() -> None:
    named = {known.point for known in bthome_objects.OBJECTS.values() if known.point}
    assert named <= UNITS.keys()
    assert all(
        UNITS[known.point] in (known.unit, "kPa")
        for known in bthome_objects.OBJECTS.values()
        if known.unit and known.point
    )


def test_every_object_and_press_of_bthome_has_its_words() -> None:
    assert {known.name for known in bthome_objects.OBJECTS.values()} == bthome_labels.CHINESE.keys()
    assert set(bthome_objects.PRESSES.values()) == bthome_labels.PRESSES.keys()
