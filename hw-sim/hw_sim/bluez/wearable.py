"""One wearable: what it advertises, what it says when connected, and what its wearer does to it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from hw_sim.bluez.numbers import date_time, float32, sfloat
from hw_sim.bluez.vitals import Vitals


class Advert(NamedTuple):
    """Data by 16-bit service and by company."""

    services: Mapping[int, bytes] = {}
    companies: Mapping[int, bytes] = {}
    uuids: Sequence[int] = ()


class Beacon(Protocol):
    """What a wearable advertises; one file a family of them."""

    def advert(self, wearable: Wearable) -> Advert | None:
        """None while it is asleep."""

    def press(self, kind: str) -> None:
        """`sos`, `fall`, `end`; a ValueError for what this family cannot say."""


class Characteristic(NamedTuple):
    """`spoken` is sent once a second while connected and subscribed; others only when there is a measurement."""

    uuid: int
    flags: tuple[str, ...]
    spoken: bool = False


Gatt = Mapping[int, tuple[Characteristic, ...]]
"""Characteristics by service."""
_BATTERY = Characteristic(0x2A19, ("read", "notify"))
_CLOCK = Characteristic(0x2A2B, ("read", "write"))
BAND: Gatt = {
    0x180D: (Characteristic(0x2A37, ("notify",), spoken=True), Characteristic(0x2A38, ("read",))),
    0x180F: (_BATTERY,),
    0x1822: (Characteristic(0x2A5F, ("notify",), spoken=True),),
}
THERMOMETER: Gatt = {0x1809: (Characteristic(0x2A1C, ("indicate",)),), 0x180F: (_BATTERY,), 0x1805: (_CLOCK,)}
CUFF: Gatt = {0x1810: (Characteristic(0x2A35, ("indicate",)),), 0x180F: (_BATTERY,), 0x1805: (_CLOCK,)}
TAG: Gatt = {
    0x1803: (Characteristic(0x2A06, ("read", "write")),),
    0x1802: (Characteristic(0x2A06, ("write-without-response",)),),
    0x180F: (_BATTERY,),
}
"""A button that can be found: Link Loss and Immediate Alert have an Alert Level each."""
SCALE: Gatt = {0x181D: (Characteristic(0x2A9D, ("indicate",)),), 0x180F: (_BATTERY,)}


@dataclass
class Wearable:
    """The thing itself; it lives on while the stack that hears it dies."""

    address: str
    name: str
    beacon: Beacon
    gatt: Gatt = field(default_factory=dict)
    vitals: Vitals = field(default_factory=lambda: Vitals(0))
    on: bool = True
    battery: int = 90
    connect_s: float = 0.05
    disconnect_s: float = 0.05
    resolve_s: float = 0.05
    deaf: int = 0
    """Notifications still to be lost on the air."""
    clock: bytes = b""
    pairs: str = "just-works"
    """`just-works`, `passkey` (it shows one), `compare` (both do), `shown` (it wants one), `refused` or `never`."""
    passkey: int = 123456
    secured: frozenset[int] = frozenset()
    """Characteristics that it gives to nobody whom it is not paired with."""
    connected: bool = False
    """Through whichever adapter: then it does not advertise."""
    told: list[tuple[int, str]] = field(default_factory=list)
    """Every notification that was sent: characteristic and hexadecimal value, in order."""

    alerts: list[int] = field(default_factory=list)
    """Every alert level that was written to Immediate Alert, in order; a link that ends writes a 0."""

    @property
    def octets(self) -> bytes:
        """The address, most significant byte first."""
        return bytes.fromhex(self.address.replace(":", ""))

    @property
    def awake(self) -> bool:
        """Whether it sends anything at all."""
        return self.on and self.battery > 0

    def value(self, uuid: int) -> bytes:
        """What a characteristic reads now."""
        vitals = self.vitals
        match uuid:
            case 0x2A37:
                return bytes((0x06 if vitals.worn else 0x04, vitals.heart_rate))
            case 0x2A38:
                return b"\x02"
            case 0x2A19:
                return bytes((self.battery,))
            case 0x2A5F:
                return b"\x00" + sfloat(vitals.spo2) + sfloat(vitals.heart_rate)
            case 0x2A1C:
                return b"\x06" + float32(round(vitals.temperature * 10), -1) + self._now() + b"\x02"
            case 0x2A35:
                systolic, diastolic = vitals.pressure()
                middle = round(diastolic + (systolic - diastolic) / 3)
                pressures = sfloat(systolic) + sfloat(diastolic) + sfloat(middle)
                return b"\x06" + pressures + self._now() + sfloat(vitals.heart_rate)
            case 0x2A9D:
                return b"\x02" + round(vitals.weight / 0.005).to_bytes(2, "little") + self._now()
            case 0x2A2B:
                return self.clock or self._now() + b"\x00\x00\x00"
            case _:
                return b""

    def _now(self) -> bytes:
        return date_time(datetime.datetime.now())
