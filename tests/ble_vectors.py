"""Bytes of wearables and sensors with what they must decode to.

Origins: `published` ones stand in HL7's personal-health-device tables, on bthome.io or in the tests of public decoders
(advlib of reelyActive, xiaomi-ble); `computed` ones were made from the standard and, where a second decoder exists,
checked with it; a `refused` one is damaged on purpose.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec


class Vector(msgspec.Struct, frozen=True):
    """`fields` is what the dissection must show, at least; `points` all values, `quality` all reasons."""

    name: str
    origin: str
    protocol: str
    data: bytes
    fields: dict[str, Any] = {}
    points: dict[str, Any] = {}
    quality: dict[str, str] = {}


class Refused(NamedTuple):
    name: str
    protocol: str
    data: bytes
    at: int


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)


BTHOME_KEY = _hex("231D39C1D7CC1AB1AEE224CD096DB932")
BTHOME_ADDRESS = _hex("5448E68F80A5")
BTHOME_SEALED = _hex("41 A4 72 66 C9 5F 73 00 11 22 33 78 23 72 14")
BUTTON_KEY = bytes(range(16))
BUTTON_ADDRESS = _hex("A4C138010203")
BUTTON_SEALED = _hex("45 32 BF 8D EE F6 2C 05 00 00 00 67 87 E2 12")
BUTTON_PLAIN = _hex("44 00 07 01 5A 3A 01")
IBEACON = _hex("02 15 00 11 22 33 44 55 66 77 88 99 AA BB CC DD EE FF 00 01 00 02 C5")
TLM = _hex("20 00 0B 54 19 80 00 00 00 64 00 00 27 10")
UID = _hex("00 E7 00 01 02 03 04 05 06 07 08 09 A0 A1 A2 A3 A4 A5 00 00")
MI_CLIMATE = b"P \xaa\x01\xda!\x9354-X\r\x10\x04\xfe\x00H\x02"
MI_SEALED = b"XXH\x0bh_\x124-XZ\x0b\x18A\xe2\xaa\x00\x0e\x00\xa4\x96O\xb5"
MINEW_LEAK = _hex("A1 21 63 01 AA BB CC DD EE FF")
MINEW_DOOR = _hex("A4 01 5A 01 00 01 00 AA BB CC DD EE FF 00 00")
_MI_CONTROL = "version 2, address, objects"
_BLUEUP = "bit 0, bit 1, alarm supported, alarm active"

_TIME = "2024-11-22T14:30:00"
_NAN = dict.fromkeys(("vital.pressure.systolic", "vital.pressure.diastolic", "vital.pressure.mean"), "bad:decode")

VECTORS = (
    Vector(
        "heart rate with contact",
        "computed",
        "ble-gatt",
        _hex("2A37 06 48"),
        {"heart_rate": 72, "flags_name": "skin contact"},
        {"vital.heart_rate": 72},
    ),
    Vector(
        "heart rate without contact",
        "computed",
        "ble-gatt",
        _hex("2A37 04 48"),
        {"heart_rate": 72, "flags_name": "no skin contact"},
        {"vital.heart_rate": None},
        {"vital.heart_rate": "bad:contact"},
    ),
    Vector(
        "heart rate, 16 bit, with energy",
        "computed",
        "ble-gatt",
        _hex("2A37 0F 48 00 0A 00"),
        {"heart_rate": 72, "energy_kj": 10},
        {"vital.heart_rate": 72},
    ),
    Vector(
        "heart rate with RR intervals",
        "computed",
        "ble-gatt",
        _hex("2A37 16 48 E8 03 00 04"),
        {"heart_rate": 72, "rr_intervals_s": [0.9766, 1]},
        {"vital.heart_rate": 72},
    ),
    Vector("battery", "computed", "ble-gatt", _hex("2A19 5F"), {"level": 95}, {"battery.level": 95}),
    Vector(
        "battery by its long UUID",
        "computed",
        "ble-gatt",
        _hex("00002A19 0000 1000 8000 00805F9B34FB 5F"),
        {"characteristic": "2A19", "level": 95},
        {"battery.level": 95},
    ),
    Vector(
        "weight with time",
        "computed",
        "ble-gatt",
        _hex("2A9D 02 44 34 E8 07 0B 16 0E 1E 00"),
        {"weight": 66.9, "time": _TIME},
        {"vital.weight": 66.9},
    ),
    Vector(
        "weight in pounds",
        "computed",
        "ble-gatt",
        _hex("2A9D 01 98 3A"),
        {"weight": 150},
        {"vital.weight": 68.039},
    ),
    Vector(
        "weight that failed",
        "computed",
        "ble-gatt",
        _hex("2A9D 00 FF FF"),
        {"weight": "NaN"},
        {"vital.weight": None},
        {"vital.weight": "bad:decode"},
    ),
    Vector(
        "current time",
        "computed",
        "ble-gatt",
        _hex("2A2B E8 07 0B 16 0E 1E 00 05 80 01"),
        {"local_time": f"{_TIME}.500000", "weekday_name": "Friday", "reason_name": "set by hand"},
    ),
    Vector(
        "temperature with time and site",
        "computed",
        "ble-gatt",
        _hex("2A1C 06 6E 01 00 FF E8 07 0B 16 0E 1E 00 02"),
        {"temperature": 36.6, "time": _TIME, "site_name": "body"},
        {"vital.temperature": 36.6},
    ),
    Vector(
        "temperature in Fahrenheit",
        "computed",
        "ble-gatt",
        _hex("2A1C 01 DA 03 00 FF"),
        {"temperature": 98.6},
        {"vital.temperature": 37},
    ),
    Vector(
        "temperature of a toe",
        "computed",
        "ble-gatt",
        _hex("2A1C 04 2C 01 00 FF 08"),
        {"site_name": "toe"},
        {"vital.temperature": 30},
        {"vital.temperature": "uncertain:unverified"},
    ),
    Vector(
        "temperature on its way up",
        "computed",
        "ble-gatt",
        _hex("2A1E 00 6E 01 00 FF"),
        {"temperature": 36.6},
        {"vital.temperature": 36.6},
        {"vital.temperature": "uncertain:unverified"},
    ),
    Vector(
        "blood pressure with pulse, user and status",
        "computed",
        "ble-gatt",
        _hex("2A35 1E 78 00 50 00 5D 00 E8 07 0B 16 0E 1E 00 48 00 01 04 00"),
        {"systolic": 120, "diastolic": 80, "mean": 93, "time": _TIME, "user": 1, "status_name": "irregular pulse"},
        {
            "vital.pressure.systolic": 120,
            "vital.pressure.diastolic": 80,
            "vital.pressure.mean": 93,
            "vital.pulse_rate": 72,
        },
    ),
    Vector(
        "blood pressure in kilopascal",
        "computed",
        "ble-gatt",
        _hex("2A35 01 A0 F0 6B F0 7C F0"),
        {"systolic": 16, "diastolic": 10.7, "mean": 12.4},
        {"vital.pressure.systolic": 120, "vital.pressure.diastolic": 80.3, "vital.pressure.mean": 93},
    ),
    Vector(
        "blood pressure that was not measured",
        "computed",
        "ble-gatt",
        _hex("2A35 00 FF 07 FF 07 FF 07"),
        {"systolic": "NaN", "diastolic": "NaN", "mean": "NaN"},
        dict.fromkeys(_NAN),
        _NAN,
    ),
    Vector(
        "blood pressure upside down",
        "computed",
        "ble-gatt",
        _hex("2A35 00 50 00 78 00 5D 00"),
        {"systolic": 80},
        dict.fromkeys(_NAN),
        dict.fromkeys(_NAN, "bad:range"),
    ),
    Vector(
        "blood pressure with a loose cuff",
        "computed",
        "ble-gatt",
        _hex("2A35 10 78 00 50 00 5D 00 02 00"),
        {"status_name": "cuff too loose"},
        {"vital.pressure.systolic": 120, "vital.pressure.diastolic": 80, "vital.pressure.mean": 93},
        dict.fromkeys(_NAN, "uncertain:unverified"),
    ),
    Vector(
        "cuff pressure is no blood pressure",
        "computed",
        "ble-gatt",
        _hex("2A36 00 96 00 FF 07 FF 07"),
        {"systolic": 150, "details": {"cuff_mmhg": 150.0}},
    ),
    Vector(
        "oximetry",
        "computed",
        "ble-gatt",
        _hex("2A5F 00 61 00 48 00"),
        {"spo2": 97, "pulse_rate": 72},
        {"vital.spo2": 97, "vital.pulse_rate": 72},
    ),
    Vector(
        "oximetry with all fields",
        "computed",
        "ble-gatt",
        _hex("2A5F 1F 61 00 48 00 60 00 49 00 5F 00 4A 00 80 01 00 00 00 19 F0"),
        {"fast_spo2": 96, "slow_pulse_rate": 74, "measurement_status_name": "validated, fully qualified"},
        {"vital.spo2": 97, "vital.pulse_rate": 72, "vital.perfusion": 2.5},
    ),
    Vector(
        "oximetry off the finger",
        "computed",
        "ble-gatt",
        _hex("2A5F 08 61 00 48 00 00 08 00"),
        {"device_status_name": "sensor not on the user"},
        {"vital.spo2": None, "vital.pulse_rate": None},
        {"vital.spo2": "bad:contact", "vital.pulse_rate": "bad:contact"},
    ),
    Vector(
        "oximetry for demonstration",
        "computed",
        "ble-gatt",
        _hex("2A5F 04 61 00 48 00 00 04"),
        {"measurement_status_name": "for demonstration"},
        {"vital.spo2": None, "vital.pulse_rate": None},
        {"vital.spo2": "bad:unverified", "vital.pulse_rate": "bad:unverified"},
    ),
    Vector(
        "spot check with time",
        "computed",
        "ble-gatt",
        _hex("2A5E 01 CF F3 D8 F2 E8 07 0B 16 0E 1E 00"),
        {"spo2": 97.5, "pulse_rate": 72.8, "local_time": _TIME},
        {"vital.spo2": 97.5, "vital.pulse_rate": 72.8},
    ),
    Vector(
        "spot check without a clock",
        "computed",
        "ble-gatt",
        _hex("2A5E 11 61 00 48 00 D0 07 01 01 00 00 00"),
        {"time": "2000-01-01T00:00:00"},
        {"vital.spo2": 97, "vital.pulse_rate": 72},
    ),
    Vector("maker", "computed", "ble-gatt", _hex("2A29 41 26 44 00"), {"maker": "A&D"}),
    Vector(
        "BTHome button",
        "computed",
        "bthome",
        _hex("D2FC") + BUTTON_PLAIN,
        {"packet_id": 7, "battery": 90, "button": "press", "info_name": "version 2, plain, speaks on events"},
        {"battery.level": 90},
    ),
    Vector(
        "BTHome climate",
        "published",
        "bthome",
        _hex("40 02 CA 09 03 BF 13"),
        {"temperature": 25.06, "humidity": 50.55},
        {"air.temperature": 25.06, "air.humidity": 50.55},
    ),
    Vector(
        "BTHome of every width",
        "computed",
        "bthome",
        _hex("40 04 13 8A 01 0C 02 0C 1A 01 20 00 29 01 3C 02 03 45 F6 FF 53 02 4F 4B 62 FF FF FF FF"),
        {
            "pressure": 1008.83,
            "voltage": 3.074,
            "door": True,
            "smoke": True,
            "dimmer": "right",
            "temperature": -1,
            "text": "OK",
            "speed": -0.000001,
        },
        {
            "air.pressure": 100.883,
            "door.open": True,
            "water.leak": False,
            "smoke.detected": True,
            "air.temperature": -1,
        },
    ),
    Vector(
        "BTHome with an object of tomorrow",
        "computed",
        "bthome",
        _hex("40 01 5A 21 01 EE 12 34"),
        {"battery": 90, "motion": True, "unread": "EE 12 34"},
        {"battery.level": 90, "motion.detected": True},
    ),
    Vector(
        "BTHome encrypted",
        "published",
        "bthome",
        _hex("D2FC") + BTHOME_SEALED,
        {"info_name": "version 2, encrypted", "counter": 0x33221100, "tag": "78 23 72 14"},
    ),
    Vector(
        "iBeacon",
        "computed",
        "ibeacon",
        _hex("4C00") + IBEACON,
        {"uuid": "00112233-4455-6677-8899-aabbccddeeff", "major": 1, "minor": 2, "power_dbm": -59},
    ),
    Vector(
        "Eddystone telemetry",
        "computed",
        "eddystone",
        _hex("AAFE") + TLM,
        {"battery_mv": 2900, "temperature_cel": 25.5, "adverts": 100, "uptime_s": 1000},
        {"battery.voltage": 2.9, "device.temperature": 25.5},
    ),
    Vector(
        "Eddystone telemetry without sensors",
        "computed",
        "eddystone",
        _hex("20 00 00 00 80 00 00 00 00 01 00 00 00 0A"),
        {"battery_mv": None, "temperature_cel": None, "adverts": 1, "uptime_s": 1},
    ),
    Vector(
        "Eddystone identity",
        "computed",
        "eddystone",
        _hex("AAFE") + UID,
        {"power_dbm": -25, "namespace": "00 01 02 03 04 05 06 07 08 09", "instance": "A0 A1 A2 A3 A4 A5"},
    ),
    Vector(
        "MiBeacon climate",
        "published",
        "mibeacon",
        _hex("95FE") + MI_CLIMATE,
        {"product": "01AA", "frame_counter": 218, "object_100D": "FE 00 48 02", "control_name": _MI_CONTROL},
        {"air.temperature": 25.4, "air.humidity": 58.4},
    ),
    Vector(
        "MiBeacon, encrypted",
        "published",
        "mibeacon",
        MI_SEALED,
        {"frame_counter": 104, "sealed_name": "needs the device's key"},
    ),
    Vector(
        "Minew leak",
        "published",
        "minew",
        _hex("E1FF") + MINEW_LEAK,
        {"type": "A1", "frame": "21", "battery": 99},
        {"battery.level": 99, "water.leak": True},
    ),
    Vector(
        "Minew door",
        "published",
        "minew-door",
        _hex("3906") + MINEW_DOOR,
        {"type": "A4", "frame": "01", "battery": 90},
        {"battery.level": 90, "door.open": True, "device.tamper": False},
    ),
    Vector("BlueUp call", "computed", "blueup", _hex("0088 C3"), {"flags": 0xC3, "flags_name": _BLUEUP}),
    Vector("battery as service data", "computed", "battery", _hex("0F18 5F"), {"level": 95}, {"battery.level": 95}),
)

REFUSED = (
    Refused("no characteristic", "ble-gatt", _hex("2A"), 1),
    Refused("unknown characteristic", "ble-gatt", _hex("2AFF 00"), 0),
    Refused("heart rate without a rate", "ble-gatt", _hex("2A37 06"), 3),
    Refused("heart rate, half a number", "ble-gatt", _hex("2A37 07 48"), 4),
    Refused("heart rate without its interval", "ble-gatt", _hex("2A37 16 48"), 4),
    Refused("heart rate with half an interval", "ble-gatt", _hex("2A37 16 48 E8 03 00"), 7),
    Refused("battery of no byte", "ble-gatt", _hex("2A19"), 2),
    Refused("battery of two bytes", "ble-gatt", _hex("2A19 5F 00"), 3),
    Refused("temperature cut off", "ble-gatt", _hex("2A1C 06 6E 01 00"), 6),
    Refused("temperature without its time", "ble-gatt", _hex("2A1C 02 6E 01 00 FF E8 07"), 9),
    Refused("blood pressure without a mean", "ble-gatt", _hex("2A35 00 78 00 50 00"), 7),
    Refused("oximetry without a pulse", "ble-gatt", _hex("2A5F 00 61 00"), 5),
    Refused("weight cut off", "ble-gatt", _hex("2A9D 00 44"), 4),
    Refused("time cut off", "ble-gatt", _hex("2A2B E8 07 0B 16 0E 1E 00 05 80"), 11),
    Refused("BTHome of nothing", "bthome", _hex("D2FC"), 2),
    Refused("BTHome without objects", "bthome", _hex("D2FC 40"), 3),
    Refused("BTHome of version 1", "bthome", _hex("D2FC 20 02 CA 09"), 2),
    Refused("BTHome cut off in the button", "bthome", _hex("D2FC 44 00 07 01 5A 3A"), 8),
    Refused("BTHome cut off in a text", "bthome", _hex("40 53 05 4F 4B"), 5),
    Refused("BTHome encrypted, too short", "bthome", _hex("41 00 11 22 33 78 23 72 14"), 9),
    Refused("BTHome with nothing known", "bthome", _hex("40 EE 01"), 1),
    Refused("another message of the company", "ibeacon", _hex("4C00 10 05 01 18 44 00 00"), 2),
    Refused("iBeacon cut off", "ibeacon", _hex("4C00") + IBEACON[:-1], 24),
    Refused("iBeacon with more", "ibeacon", IBEACON + b"\0", 23),
    Refused("iBeacon of another length", "ibeacon", _hex("02 16") + IBEACON[2:], 1),
    Refused("Eddystone URL", "eddystone", _hex("AAFE 10 00 02 67 6F"), 2),
    Refused("encrypted telemetry", "eddystone", _hex("20 01") + bytes(12), 1),
    Refused("telemetry cut off", "eddystone", TLM[:-1], 13),
    Refused("identity cut off", "eddystone", UID[:17], 17),
    Refused("MiBeacon cut off", "mibeacon", MI_CLIMATE[:-1], 17),
    Refused("MiBeacon without its head", "mibeacon", _hex("95FE 50 20"), 4),
    Refused("MiBeacon of a mesh", "mibeacon", _hex("D0 20 AA 01 01"), 0),
    Refused("Minew leak cut off", "minew", _hex("E1FF") + MINEW_LEAK[:-1], 11),
    Refused("another frame of Minew", "minew", _hex("A1 99 63"), 1),
    Refused("Minew door with more", "minew-door", MINEW_DOOR + b"\0", 15),
    Refused("BlueUp without flags", "blueup", _hex("0088"), 2),
    Refused("BlueUp with more", "blueup", _hex("C3 00"), 1),
    Refused("battery as service data, no level", "battery", _hex("0F18"), 2),
    Refused("identity of 19 bytes", "eddystone", UID[:19], 18),
)
