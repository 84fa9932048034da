"""The rooms of all wearables of a site, whichever adapter hears them: drivers tell what they hear, changes are told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from courtyard.drivers.base import Clock, Reading, Sink
from courtyard.drivers.ble.presence import Terms, Whereabouts

ROOM = "presence.room"
UNKNOWN = "bad:stale"
LOOK_S = 1.0


class Rooms:
    """Used from the event loop only.  Devices that are not asked for are not followed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._settings: tuple[dict[str, str], Terms] = ({}, Terms())
        self._devices: dict[str, str] = {}
        self._known: dict[str, Whereabouts] = {}

    def adjust(self, places: Mapping[str, str], terms: Terms, devices: Mapping[str, str]) -> None:
        """From now on with receivers at these places, for these devices by address.  What stays is remembered."""
        if self._settings != (places, terms):
            self._settings = dict(places), terms
            self._known.clear()
        self._devices = dict(devices) if places else {}
        self._known = {device: known for device, known in self._known.items() if device in self._devices.values()}

    def hears(self, receiver: str) -> bool:
        """Whether what this receiver hears matters."""
        return receiver in self._settings[0]

    def heard(self, receiver: str, address: str, rssi_dbm: int) -> None:
        """One advert.  Never raises; of strangers nothing is kept."""
        device = self._devices.get(address)
        if device is not None:
            self._of(device).heard(receiver, rssi_dbm, asyncio.get_running_loop().time())

    def near(self, receiver: str, address: str) -> None:
        """One sign of life in a connection that this receiver holds."""
        device = self._devices.get(address)
        if device is not None:
            self._of(device).near(receiver, asyncio.get_running_loop().time())

    def place_of(self, device: str) -> str:
        """Where it is, relative to the gateway's place; empty: unknown."""
        known = self._known.get(device)
        return known.place or "" if known is not None else ""

    async def run(self, sink: Sink) -> None:
        """Tells every change, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            now_s = asyncio.get_running_loop().time()
            for device, known in list(self._known.items()):
                if known.look(now_s):
                    sink.reading(self._reading(device, known.place))

    def _of(self, device: str) -> Whereabouts:
        known = self._known.get(device)
        if known is None:
            known = self._known[device] = Whereabouts(*self._settings)
        return known

    def _reading(self, device: str, place: str | None) -> Reading:
        quality = {ROOM: UNKNOWN} if place is None else {}
        return Reading(device, self._clock.wall_ms(), self._clock.mono_ms(), {ROOM: place}, quality)
