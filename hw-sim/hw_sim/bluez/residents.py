"""Ten residents: a band each, a button each of another family, and the meters of some."""

from __future__ import annotations

from collections.abc import Iterator

from hw_sim.bluez import beacons
from hw_sim.bluez.beacons import BTHome, Meter, Quiet
from hw_sim.bluez.vitals import Vitals
from hw_sim.bluez.wearable import BAND, CUFF, SCALE, TAG, THERMOMETER, Beacon, Wearable

SPACE = bytes.fromhex("00112233445566778899aabbccddeeff")
"""The UUID of the simulated iBeacons; its first ten bytes are the namespace of the Eddystone ones."""


def key_of(number: int) -> bytes:
    """The key of a resident's encrypted button."""
    return bytes((number, *range(1, 16)))


def band(number: int) -> Wearable:
    """A wrist band that is worn day and night."""
    address = f"C0:FF:EE:00:{number >> 8:02X}:{number & 255:02X}"
    return Wearable(address, f"HR-{number:03d}", Quiet(0x180D, 0x180F, 0x1822), BAND, Vitals(number))


def button(number: int) -> Wearable:
    """Something to press for help; the families take turns."""
    address = f"C0:FF:EE:01:{number >> 8:02X}:{number & 255:02X}"
    octets = bytes.fromhex(address.replace(":", ""))
    families: tuple[tuple[str, Beacon], ...] = (
        ("BTH", BTHome(key_of(number % 256))),
        ("BTH", BTHome()),
        ("SOS", beacons.ibeacon(SPACE, number)),
        ("EDY", beacons.eddystone(SPACE[:10], number)),
        ("BUP", beacons.blueup()),
        ("MNW", beacons.minew(octets)),
    )
    family, beacon = families[(number - 1) % len(families)]
    return Wearable(address, f"{family}-{number:03d}", beacon, TAG, Vitals(number))


def meters(number: int) -> Iterator[Wearable]:
    """What lies in the drawer and is used now and then."""
    for kind, (name, service, gatt) in enumerate(
        (("TMP", 0x1809, THERMOMETER), ("BPM", 0x1810, CUFF), ("WGT", 0x181D, SCALE))
    ):
        address = f"C0:FF:EE:{kind + 2:02X}:{number >> 8:02X}:{number & 255:02X}"
        yield Wearable(address, f"{name}-{number:03d}", Meter(service), gatt, Vitals(number))


def residents(count: int = 10) -> list[Wearable]:
    """All that `count` residents have."""
    everything = []
    for number in range(1, count + 1):
        everything += [band(number), button(number)]
        if number <= 3:
            everything += meters(number)
    return everything


def crowd(count: int) -> list[Wearable]:
    """That many buttons, for measurements: plain BTHome, all alike."""
    return [
        Wearable(f"C0:FF:EE:0A:{number >> 8:02X}:{number & 255:02X}", f"BTH-{number:03d}", BTHome(), {}, Vitals(number))
        for number in range(1, count + 1)
    ]
