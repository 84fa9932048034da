"""The points that wearables and room sensors give: their units, and what a body or a room can have at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Range(NamedTuple):
    """What is plausible, both ends included.  Wide on purpose: what lies outside is an error, not an illness."""

    low: float
    high: float


UNITS: Mapping[str, str | None] = {
    "vital.heart_rate": "/min",
    "vital.pulse_rate": "/min",
    "vital.spo2": "%",
    "vital.perfusion": "%",
    "vital.temperature": "Cel",
    "vital.pressure.systolic": "mm[Hg]",
    "vital.pressure.diastolic": "mm[Hg]",
    "vital.pressure.mean": "mm[Hg]",
    "vital.weight": "kg",
    "air.temperature": "Cel",
    "air.humidity": "%",
    "air.pressure": "kPa",
    "air.co2": "[ppm]",
    "air.tvoc": "ug/m3",
    "air.pm2_5": "ug/m3",
    "air.pm10": "ug/m3",
    "light.illuminance": "lx",
    "battery.level": "%",
    "battery.voltage": "V",
    "battery.low": None,
    "door.open": None,
    "motion.detected": None,
    "presence.detected": None,
    "smoke.detected": None,
    "gas.detected": None,
    "water.leak": None,
    "device.tamper": None,
    "device.temperature": "Cel",
    "signal.strength": "%",
}
"""UCUM unit by point, as in the point catalogue; None for yes or no."""

PLAUSIBLE: Mapping[str, Range] = {
    "vital.heart_rate": Range(25, 250),
    "vital.pulse_rate": Range(25, 250),
    "vital.spo2": Range(35, 100),
    "vital.perfusion": Range(0, 100),
    "vital.temperature": Range(25, 45),
    "vital.pressure.systolic": Range(40, 300),
    "vital.pressure.diastolic": Range(20, 200),
    "vital.pressure.mean": Range(25, 250),
    "vital.weight": Range(1, 350),
    "air.temperature": Range(-50, 125),
    "air.humidity": Range(0, 100),
    "air.pressure": Range(30, 120),
    "battery.level": Range(0, 100),
}

STRENGTH = "signal.strength"


def strength(rssi_dbm: int) -> float:
    """How well a device is heard, percent: 0 at -100 dBm, 100 at -50 dBm and above."""
    return float(min(100, max(0, 2 * (rssi_dbm + 100))))
