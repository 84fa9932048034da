"""The objects of BTHome v2: what each identifier measures, how it is coded, and which point it is.

Source: bthome.io, format of BTHome v2 (table of object identifiers).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, NamedTuple

Kind = Literal["number", "flag", "button", "dimmer", "text", "raw"]


class Object(NamedTuple):
    """One object: `size` bytes (0: a length byte comes first), times `factor`.

    `point` gets the number times `gain`, or the flag; `event` is the kind of event that a flag is.
    """

    name: str
    kind: Kind
    size: int
    signed: bool = False
    factor: Decimal = Decimal(1)
    unit: str = ""
    point: str = ""
    gain: Decimal = Decimal(1)
    event: str = ""


def _number(name: str, form: str, factor: str = "1", unit: str = "", point: str = "", gain: str = "1") -> Object:
    """`form` is u8, s16, u24 and so on."""
    bits = int(form[1:])
    return Object(name, "number", bits // 8, form[0] == "s", Decimal(factor), unit, point, Decimal(gain))


def _flag(name: str, point: str = "", event: str = "") -> Object:
    return Object(name, "flag", 1, point=point, event=event)


OBJECTS: Mapping[int, Object] = {
    0x00: _number("packet_id", "u8"),
    0x01: _number("battery", "u8", "1", "%", "battery.level"),
    0x02: _number("temperature", "s16", "0.01", "Cel", "air.temperature"),
    0x03: _number("humidity", "u16", "0.01", "%", "air.humidity"),
    0x04: _number("pressure", "u24", "0.01", "hPa", "air.pressure", "0.1"),
    0x05: _number("illuminance", "u24", "0.01", "lx", "light.illuminance"),
    0x06: _number("mass", "u16", "0.01", "kg"),
    0x07: _number("mass", "u16", "0.01", "[lb_av]"),
    0x08: _number("dew_point", "s16", "0.01", "Cel"),
    0x09: _number("count", "u8"),
    0x0A: _number("energy", "u24", "0.001", "kW.h"),
    0x0B: _number("power", "u24", "0.01", "W"),
    0x0C: _number("voltage", "u16", "0.001", "V"),
    0x0D: _number("pm2_5", "u16", "1", "ug/m3", "air.pm2_5"),
    0x0E: _number("pm10", "u16", "1", "ug/m3", "air.pm10"),
    0x0F: _flag("generic"),
    0x10: _flag("power_on"),
    0x11: _flag("opening", "door.open", "door"),
    0x12: _number("co2", "u16", "1", "[ppm]", "air.co2"),
    0x13: _number("tvoc", "u16", "1", "ug/m3", "air.tvoc"),
    0x14: _number("moisture", "u16", "0.01", "%"),
    0x15: _flag("battery_low", "battery.low", "battery_low"),
    0x16: _flag("battery_charging"),
    0x17: _flag("carbon_monoxide", "gas.detected", "gas"),
    0x18: _flag("cold"),
    0x19: _flag("connectivity"),
    0x1A: _flag("door", "door.open", "door"),
    0x1B: _flag("garage_door", "door.open", "door"),
    0x1C: _flag("gas_detected", "gas.detected", "gas"),
    0x1D: _flag("heat"),
    0x1E: _flag("light"),
    0x1F: _flag("lock"),
    0x20: _flag("moisture_detected", "water.leak", "leak"),
    0x21: _flag("motion", "motion.detected", "motion"),
    0x22: _flag("moving"),
    0x23: _flag("occupancy", "presence.detected"),
    0x24: _flag("plug"),
    0x25: _flag("presence", "presence.detected"),
    0x26: _flag("problem"),
    0x27: _flag("running"),
    0x28: _flag("safety"),
    0x29: _flag("smoke", "smoke.detected", "smoke"),
    0x2A: _flag("sound"),
    0x2B: _flag("tamper", "device.tamper", "tamper"),
    0x2C: _flag("vibration"),
    0x2D: _flag("window", "door.open", "door"),
    0x2E: _number("humidity", "u8", "1", "%", "air.humidity"),
    0x2F: _number("moisture", "u8", "1", "%"),
    0x3A: Object("button", "button", 1),
    0x3C: Object("dimmer", "dimmer", 2),
    0x3D: _number("count", "u16"),
    0x3E: _number("count", "u32"),
    0x3F: _number("rotation", "s16", "0.1", "deg"),
    0x40: _number("distance", "u16", "1", "mm"),
    0x41: _number("distance", "u16", "0.1", "m"),
    0x42: _number("duration", "u24", "0.001", "s"),
    0x43: _number("current", "u16", "0.001", "A"),
    0x44: _number("speed", "u16", "0.01", "m/s"),
    0x45: _number("temperature", "s16", "0.1", "Cel", "air.temperature"),
    0x46: _number("uv_index", "u8", "0.1"),
    0x47: _number("volume", "u16", "0.1", "L"),
    0x48: _number("volume", "u16", "1", "mL"),
    0x49: _number("volume_flow", "u16", "0.001", "m3/h"),
    0x4A: _number("voltage", "u16", "0.1", "V"),
    0x4B: _number("gas_volume", "u24", "0.001", "m3"),
    0x4C: _number("gas_volume", "u32", "0.001", "m3"),
    0x4D: _number("energy", "u32", "0.001", "kW.h"),
    0x4E: _number("volume", "u32", "0.001", "L"),
    0x4F: _number("water", "u32", "0.001", "L"),
    0x50: _number("timestamp", "u32", "1", "s"),
    0x51: _number("acceleration", "u16", "0.001", "m/s2"),
    0x52: _number("gyroscope", "u16", "0.001", "deg/s"),
    0x53: Object("text", "text", 0),
    0x54: Object("raw", "raw", 0),
    0x55: _number("volume_storage", "u32", "0.001", "L"),
    0x56: _number("conductivity", "u16", "1", "uS/cm"),
    0x57: _number("temperature", "s8", "1", "Cel", "air.temperature"),
    0x58: _number("temperature", "s8", "0.35", "Cel", "air.temperature"),
    0x59: _number("count", "s8"),
    0x5A: _number("count", "s16"),
    0x5B: _number("count", "s32"),
    0x5C: _number("power", "s32", "0.01", "W"),
    0x5D: _number("current", "s16", "0.001", "A"),
    0x5E: _number("direction", "u16", "0.01", "deg"),
    0x5F: _number("precipitation", "u16", "0.1", "mm"),
    0x60: _number("channel", "u8"),
    0x61: _number("rotational_speed", "u16", "1", "/min"),
    0x62: _number("speed", "s32", "0.000001", "m/s"),
    0x63: _number("acceleration", "s32", "0.000001", "m/s2"),
    0x64: _number("light_level", "u8"),
    0x65: _number("settings_revision", "u8"),
    0xF0: _number("device_type", "u16"),
    0xF1: _number("firmware", "u32"),
    0xF2: _number("firmware", "u24"),
}
"""3B, a command to the device, has a length of its own rule and ends what is read, like any unknown identifier."""

PRESSES: Mapping[int, str] = {
    0x00: "none",
    0x01: "press",
    0x02: "double_press",
    0x03: "triple_press",
    0x04: "long_press",
    0x05: "long_double_press",
    0x06: "long_triple_press",
    0x80: "hold_press",
    0x81: "hold_release",
}
TURNS: Mapping[int, str] = {0x00: "none", 0x01: "left", 0x02: "right"}
