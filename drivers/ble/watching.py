"""Everything that is around: for whoever installs a new wearable and asks which one it is."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from courtyard.drivers.ble.adverts import eddystone, ibeacon
from courtyard.drivers.ble.adverts.beacon_rule import Identity, identity
from courtyard.drivers.ble.memory import Memory
from courtyard.drivers.ble.radio import Heard
from courtyard.drivers.ble.receive import COMPANIES, SERVICES, Advertisement, receive
from courtyard.drivers.ble.refusal import Refused
from courtyard.drivers.ble.setup import Setup

MOST_SIGHTINGS = 512
MOST_IDENTITIES = 4
UUID_BYTES = 16
CALLS = frozenset({"sos", "fall", "button"})
"""Events that somebody makes by pressing."""


class Sighting(msgspec.Struct):
    """One sender.  `changes` counts packets that differ from the one before, `presses` those that say so openly;
    `identities` are those of a beacon, as a site writes them, in the order in which they were first heard."""

    address: str
    name: str
    rssi: int
    services: tuple[str, ...]
    families: tuple[str, ...]
    adverts: int = 0
    changes: int = 0
    presses: int = 0
    identities: tuple[str, ...] = ()


class _Known(msgspec.Struct):
    sighting: Sighting
    news: Advertisement
    memory: Memory


class Watching:
    """Collects while somebody watches; nothing else.  At most `MOST_SIGHTINGS`, the strongest stay."""

    def __init__(self) -> None:
        self._watchers = 0
        self._known: dict[str, _Known] = {}
        self._now_ms = 0

    def __bool__(self) -> bool:
        return self._watchers > 0

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Collects from now on."""
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1
            if not self:
                self._known.clear()

    def sightings(self) -> list[Sighting]:
        """The strongest first."""
        return sorted((known.sighting for known in self._known.values()), key=lambda each: -each.rssi)

    def heard(self, heard: Heard) -> None:
        """One advert of anybody."""
        if not self:
            return
        known = self._known.get(heard.address)
        if known is None:
            if len(self._known) >= MOST_SIGHTINGS and not self._forget_weakest(heard.rssi):
                return
            sighting = Sighting(heard.address, heard.name, heard.rssi, (), ())
            known = self._known[heard.address] = _Known(sighting, Advertisement(), Memory())
        self._note(known, heard)

    def _note(self, known: _Known, heard: Heard) -> None:
        sighting = known.sighting
        sighting.adverts += 1
        sighting.rssi, sighting.name = heard.rssi, heard.name or sighting.name
        sighting.services = tuple(sorted({*sighting.services, *(f"{uuid:04X}" for uuid in heard.services)}))[:16]
        families = {SERVICES[number][0] for number in heard.news.service_data if number in SERVICES}
        families |= {COMPANIES[number][0] for number in heard.news.manufacturer_data if number in COMPANIES}
        sighting.families = tuple(sorted({*sighting.families, *families}))
        if heard.news == Advertisement() or heard.news == known.news:
            return
        sighting.changes += known.news != Advertisement()
        known.news = heard.news
        shown = identity_of(heard.news)
        if shown is not None and shown not in sighting.identities:
            sighting.identities = (*sighting.identities, shown)[:MOST_IDENTITIES]
        self._now_ms += 1
        found = receive(heard.news, Setup(_octets(heard.address)), known.memory, self._now_ms)
        known.memory = msgspec.structs.replace(found.memory, refused={})
        events = [event for observation in found.observations for event in observation.events]
        sighting.presses += any(event.kind in CALLS and event.active for event in events)

    def _forget_weakest(self, rssi: int) -> bool:
        """Makes room for somebody stronger."""
        weakest = min(self._known, key=lambda address: self._known[address].sighting.rssi)
        if self._known[weakest].sighting.rssi >= rssi:
            return False
        del self._known[weakest]
        return True


def identity_of(news: Advertisement) -> str | None:
    """What a beacon says it is, as a site writes it: `UUID/major/minor` or `namespace/instance`; None for others."""
    try:
        if ibeacon.COMPANY in news.manufacturer_data:
            return _written(identity(ibeacon.parse(news.manufacturer_data[ibeacon.COMPANY])))
        frame = eddystone.parse(news.service_data.get(eddystone.UUID, b""))
    except Refused:
        return None
    return _written(identity(frame)) if isinstance(frame, eddystone.Uid) else None


def _written(found: Identity) -> str:
    space, item = found
    if len(space) == UUID_BYTES:
        major, minor = int.from_bytes(item[:2], "big"), int.from_bytes(item[2:], "big")
        return f"{uuid.UUID(bytes=space)}/{major}/{minor}".upper()
    return f"{space.hex()}/{item.hex()}".upper()


def _octets(address: str) -> bytes:
    digits = address.replace(":", "")
    return bytes.fromhex(digits) if len(digits) == 12 else bytes(6)
