"""What a lift says of itself through contacts: its door, fire, fire return, firefighter mode, the floor of the car.

Invariant: what is not known is taken for what is safe.  A forbidding contact that nobody has read for a while forbids.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from courtyard.agent.vision.votes import Door
from courtyard.drivers.base import Reading, Scalar

MISSED: Final = 3.0
LEAST_S: Final = 10.0
"""A contact counts as unknown after so many missed readings, and after so many seconds at least."""
FORBIDDING: Final = ("fire", "fire_return", "firefighter")
DOOR, LEVEL = "door_closed", "level"


class Wire(NamedTuple):
    """Where a contact is read, the value that means it, and how often it is read."""

    device: str
    point: str
    active: bool = True
    every_s: float = 60.0


class Contacts:
    """Of one lift.  Times are seconds of one monotonic clock."""

    def __init__(self, wires: Mapping[str, Wire]) -> None:
        """`wires` by what they mean: FORBIDDING, DOOR, LEVEL."""
        self._wires = wires
        self._known: dict[str, tuple[Scalar, float]] = {}

    @property
    def devices(self) -> frozenset[str]:
        return frozenset(wire.device for wire in self._wires.values())

    def take(self, reading: Reading, now_s: float) -> None:
        """Takes what a device says; a value that is not good is none."""
        for meaning, wire in self._wires.items():
            if wire.device == reading.device and wire.point in reading.values:
                value = reading.values[wire.point]
                if value is None or wire.point in reading.quality:
                    self._known.pop(meaning, None)
                else:
                    self._known[meaning] = (value, now_s)

    def says(self, meaning: str, now_s: float) -> bool | None:
        """Whether it is so; None when that is not known."""
        wire, known = self._wires.get(meaning), self._known.get(meaning)
        if wire is None or known is None or now_s - known[1] > max(MISSED * wire.every_s, LEAST_S):
            return None
        return bool(known[0]) == wire.active

    def forbids(self, now_s: float) -> dict[str, str]:
        """Every contact that forbids holding now, and why."""
        said = {meaning: self.says(meaning, now_s) for meaning in FORBIDDING if meaning in self._wires}
        return {meaning: meaning if so else "unknown" for meaning, so in said.items() if so is not False}

    def door(self, now_s: float) -> Door:
        closed = self.says(DOOR, now_s)
        return "unknown" if closed is None else "closed" if closed else "open"

    def floor(self) -> Scalar | None:
        """The floor that was read last."""
        return self._known[LEVEL][0] if LEVEL in self._known else None
