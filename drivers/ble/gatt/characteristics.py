"""Every characteristic that is understood, by its UUID."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from courtyard.drivers.base import Text
from courtyard.drivers.ble.gatt import (
    battery,
    blood_pressure,
    current_time,
    device_information,
    heart_rate,
    pulse_oximeter,
    thermometer,
    weight,
)
from courtyard.drivers.ble.layout import Layout, read
from courtyard.drivers.ble.observation import Observation
from courtyard.drivers.ble.refusal import Refused

_BASE = "-0000-1000-8000-00805f9b34fb"


class Characteristic(NamedTuple):
    """The layout of the value, and what its fields say."""

    layout: Layout
    observe: Callable[[dict[str, Any]], Observation]


CHARACTERISTICS: Mapping[int, Characteristic] = {
    0x2A19: Characteristic(battery.LAYOUT, battery.observe),
    0x2A1C: Characteristic(thermometer.LAYOUT, thermometer.observe),
    0x2A1E: Characteristic(thermometer.LAYOUT, thermometer.observe_intermediate),
    0x2A2B: Characteristic(current_time.LAYOUT, current_time.observe),
    0x2A35: Characteristic(blood_pressure.LAYOUT, blood_pressure.observe),
    0x2A36: Characteristic(blood_pressure.LAYOUT, blood_pressure.observe_cuff),
    0x2A37: Characteristic(heart_rate.LAYOUT, heart_rate.observe),
    0x2A5E: Characteristic(pulse_oximeter.SPOT_CHECK, pulse_oximeter.observe_spot_check),
    0x2A5F: Characteristic(pulse_oximeter.CONTINUOUS, pulse_oximeter.observe_continuous),
    0x2A9D: Characteristic(weight.LAYOUT, weight.observe),
    **{
        uuid: Characteristic(device_information.layout(uuid), device_information.observer(uuid))
        for uuid in device_information.NAMES
    },
}


def short_uuid(uuid: str) -> int | None:
    """`2A37`, `0x2a37` or the 128-bit form of a UUID of the Bluetooth SIG as a number; None for any other."""
    digits = uuid.lower().removeprefix("0x")
    if digits.endswith(_BASE):
        digits = digits.removesuffix(_BASE)
    if len(digits) not in (4, 8) or not all(digit in "0123456789abcdef" for digit in digits):
        return None
    return int(digits, 16)


def observe(uuid: int, value: bytes) -> Observation:
    """What a notification, an indication or a read value of this characteristic says.  Raises Refused."""
    characteristic = CHARACTERISTICS.get(uuid)
    if characteristic is None:
        raise Refused("unsupported", 0, Text(f"characteristic {uuid:04X} is not known", f"未知特征{uuid:04X}"))
    return characteristic.observe(read(characteristic.layout, value))
