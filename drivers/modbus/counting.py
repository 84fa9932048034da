"""What it means when a counter stands lower than before: a wrap, reverse flow, or another meter.  Pure.

The value is always published as the meter gives it; only its quality tells.  After any decrease the new value is the
baseline.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from courtyard.drivers.base import Scalar
from courtyard.drivers.modbus.settings import ModbusPoint, RegisterPoint

SLACK_STEPS = 2
"""Steps of the register that a counter may move between two polls however short."""


class Dial(NamedTuple):
    """How one counter moves, in the catalogue's unit."""

    name: str
    modulus: float | None
    """Where it wraps to zero; None when it does not, or nobody knows."""
    rate_per_h: float
    step: float


class Counters:
    """The last good value of every counter of one device."""

    def __init__(self, points: Iterable[ModbusPoint]) -> None:
        self._dials = [dial_of(point) for point in points if counts(point.register)]
        self._last: dict[str, tuple[float, int]] = {}

    def __len__(self) -> int:
        return len(self._dials)

    def judge(self, values: dict[str, Scalar | None], mono_ms: int) -> dict[str, str]:
        """Qualities of the counters that went back since their last good value."""
        qualities: dict[str, str] = {}
        for dial in self._dials:
            value = values.get(dial.name)
            if isinstance(value, float | int):
                before, at = self._last.get(dial.name, (value, mono_ms))
                quality = judge(dial, before, value, (mono_ms - at) / 3_600_000)
                if quality is not None:
                    qualities[dial.name] = quality
                self._last[dial.name] = value, mono_ms
        return qualities


def counts(register: RegisterPoint) -> bool:
    """Whether a decrease of this point means something."""
    return register.counter or register.counter_width is not None or register.counter_digits is not None


def dial_of(point: ModbusPoint) -> Dial:
    """The dial of a counting point."""
    register, gain = point.register, abs(point.gain)
    steps = (
        2**register.counter_width
        if register.counter_width is not None
        else 10**register.counter_digits
        if register.counter_digits is not None
        else None
    )
    return Dial(register.point, None if steps is None else steps * gain, register.max_rate_per_h, gain)


def judge(dial: Dial, before: float, value: float, hours: float) -> str | None:
    """None when the counter went on, or wrapped and the way forward is believable for the time that passed."""
    if value >= before:
        return None
    believable = dial.rate_per_h * hours + SLACK_STEPS * dial.step
    if dial.modulus is not None and (value - before) % dial.modulus <= believable:
        return None
    return "uncertain:reverse" if before - value <= believable else "uncertain:reset"
