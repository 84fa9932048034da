"""What a lift says of itself; what is not known is taken for what is safe."""

from __future__ import annotations

import pytest

from courtyard.agent.vision.contacts import Contacts, Wire
from courtyard.drivers.base import Reading, Scalar

WIRES = {
    "fire_return": Wire("io", "input.1", True, 1.0),
    "firefighter": Wire("io", "input.2", False, 1.0),
    "door_closed": Wire("io", "input.3", True, 1.0),
    "level": Wire("io", "lift.floor"),
}
GOOD: dict[str, Scalar | None] = {"input.1": False, "input.2": True, "input.3": False, "lift.floor": 7}


def reading(quality: dict[str, str] | None = None, **changes: Scalar | None) -> Reading:
    values = {**GOOD, **{name.replace("_", "."): value for name, value in changes.items()}}
    return Reading("io", 0, 0, values, quality or {})


def test_nothing_forbids_only_while_every_contact_says_so() -> None:
    contacts = Contacts(WIRES)
    assert contacts.forbids(0.0) == {"fire_return": "unknown", "firefighter": "unknown"}
    contacts.take(reading(), 0.0)
    assert contacts.forbids(1.0) == {}
    assert (contacts.door(1.0), contacts.floor()) == ("open", 7)
    contacts.take(reading(input_1=True), 2.0)
    assert contacts.forbids(2.0) == {"fire_return": "fire_return"}
    contacts.take(reading(input_2=False), 3.0)
    assert contacts.forbids(3.0) == {"firefighter": "firefighter"}, "an inverted contact"


@pytest.mark.parametrize(
    ("last", "age_s"),
    [
        (reading(input_1=None, quality={"input.1": "bad:comm"}), 0.0),
        (reading(quality={"input.1": "uncertain:stale"}), 0.0),
        (reading(), 10.5),
    ],
)
def test_a_contact_that_is_not_known_forbids(last: Reading, age_s: float) -> None:
    contacts = Contacts(WIRES)
    contacts.take(reading(), 0.0)
    contacts.take(last, 1.0)
    assert contacts.forbids(1.0 + age_s)["fire_return"] == "unknown"


def test_a_door_that_is_not_known_is_not_taken_for_closed() -> None:
    contacts = Contacts(WIRES)
    contacts.take(reading(input_3=True), 0.0)
    assert contacts.door(1.0) == "closed"
    assert contacts.door(60.0) == "unknown"
