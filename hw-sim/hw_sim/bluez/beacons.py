"""Families of adverts: what each sends at rest, when its wearer presses, and when the press is over."""

from __future__ import annotations

import time
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from hw_sim.bluez.wearable import Advert, Wearable

BTHOME, BATTERY, BLUEUP, MINEW, EDDYSTONE, APPLE = 0xFCD2, 0x180F, 0x8800, 0xFFE1, 0xFEAA, 0x004C
PRESS_S = 6.0
"""How long a press is repeated."""
WAKE_S = 30.0
_PRESSES = {"sos": 0x01, "fall": 0x04, "button": 0x02}


class Quiet:
    """Advertises its services and battery, and cannot call for help."""

    def __init__(self, *services: int) -> None:
        self._services = services

    def advert(self, wearable: Wearable) -> Advert | None:
        return Advert({BATTERY: bytes((wearable.battery,))}, {}, self._services)

    def press(self, kind: str) -> None:
        raise ValueError(f"this wearable cannot say {kind}")


class Meter(Quiet):
    """Silent until it is used, then awake for half a minute."""

    def __init__(self, *services: int, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(*services)
        self._clock = clock
        self._awake_until_s = 0.0

    def advert(self, wearable: Wearable) -> Advert | None:
        return super().advert(wearable) if self._clock() < self._awake_until_s else None

    def press(self, kind: str) -> None:
        if kind not in ("measure", "end"):
            raise ValueError(f"a meter can only measure, not {kind}")
        self._awake_until_s = self._clock() + WAKE_S if kind == "measure" else 0.0


class BTHome:
    """A button of BTHome v2, encrypted where it has a key: single press for help, long press for a fall.

    At rest it tells its battery under the same packet number; each press has a new one.
    """

    def __init__(self, key: bytes | None = None, *, counter: int = 0, clock: Callable[[], float] = time.monotonic):
        self._key, self._clock = key, clock
        self.counter = counter
        self._pressed, self._until_s = 0, 0.0
        self._packet: bytes | None = None

    def advert(self, wearable: Wearable) -> Advert | None:
        if self._pressed and self._clock() >= self._until_s:
            self._pressed, self._packet = 0, None
        if self._packet is None:
            self._packet = self._seal(wearable)
        return Advert({BTHOME: self._packet})

    def press(self, kind: str) -> None:
        if kind not in _PRESSES:
            raise ValueError(f"a button cannot say {kind}")
        self._pressed, self._until_s, self._packet = _PRESSES[kind], self._clock() + PRESS_S, None

    def _seal(self, wearable: Wearable) -> bytes:
        self.counter += 1
        objects = bytes((0x00, self.counter & 0xFF, 0x01, wearable.battery))
        objects += bytes((0x3A, self._pressed)) if self._pressed else b""
        if self._key is None:
            return b"\x44" + objects
        info, count = b"\x45", self.counter.to_bytes(4, "little")
        nonce = wearable.octets + BTHOME.to_bytes(2, "little") + info + count
        sealed = AESCCM(self._key, tag_length=4).encrypt(nonce, objects, None)
        return info + sealed[:-4] + count + sealed[-4:]


class Flagged:
    """A beacon with a state that lasts until it is ended: normal, or calling for help."""

    def __init__(self, normal: Advert, alarm: Advert) -> None:
        self._normal, self._alarm = normal, alarm
        self.calling = False

    def advert(self, wearable: Wearable) -> Advert | None:
        return self._alarm if self.calling else self._normal

    def press(self, kind: str) -> None:
        if kind not in ("sos", "end"):
            raise ValueError(f"this beacon cannot say {kind}")
        self.calling = kind == "sos"


def ibeacon(space: bytes, item: int) -> Flagged:
    """Minor 1 at rest, minor 2 when pressed."""

    def frame(minor: int) -> Advert:
        return Advert({}, {APPLE: b"\x02\x15" + space + item.to_bytes(2, "big") + minor.to_bytes(2, "big") + b"\xc5"})

    return Flagged(frame(1), frame(2))


def eddystone(space: bytes, item: int) -> Flagged:
    """The last byte of the instance is 1 at rest, 2 when pressed."""

    def frame(state: int) -> Advert:
        return Advert({EDDYSTONE: b"\x00\xe8" + space + item.to_bytes(5, "big") + bytes((state,)) + b"\x00\x00"})

    return Flagged(frame(1), frame(2))


def blueup() -> Flagged:
    """One byte of flags: alarm supported, alarm active."""
    return Flagged(Advert({BLUEUP: b"\x40"}), Advert({BLUEUP: b"\xc0"}))


def minew(octets: bytes, version: int = 0x20) -> Flagged:
    """A sensor with one condition: 20 is tamper, 21 a leak."""

    def frame(active: int) -> Advert:
        return Advert({MINEW: bytes((0xA1, version, 90, active)) + octets[::-1]})

    return Flagged(frame(0), frame(1))
