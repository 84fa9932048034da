"""One wearable as one adapter knows it: what BlueZ keeps of a device, and how that stands on D-Bus."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from dbus_fast import Variant

from hw_sim.bluez.numbers import short_uuid
from hw_sim.bluez.wearable import Advert, Wearable

HEARD_AT_DBM = -95
"""Weaker than this is out of range."""


@dataclass
class Peer:
    """Outlives the program that hears it: what was ever connected or bonded is kept on disk."""

    wearable: Wearable
    adapter: str
    """`hci0`."""
    rssi: int = -60
    connected: bool = False
    bonded: bool = False
    seen: bool = False
    temporary: bool = True
    """Never connected: the stack forgets it soon after its last advert, and with its own power."""
    heard_s: float = 0.0
    connecting: asyncio.Task[object] | None = None
    pairing: asyncio.Task[object] | None = None
    notifying: dict[str, set[str]] = field(default_factory=dict)
    """D-Bus names that subscribed, by path of the characteristic."""

    @property
    def path(self) -> str:
        return f"/org/bluez/{self.adapter}/dev_{self.wearable.address.replace(':', '_')}"

    @property
    def heard(self) -> bool:
        """Whether this adapter could hear it."""
        return self.wearable.awake and self.rssi >= HEARD_AT_DBM

    def drift(self, chance: random.Random) -> None:
        """The signal wavers."""
        if self.rssi > HEARD_AT_DBM:
            self.rssi = max(-90, min(-35, self.rssi + chance.choice((-2, -1, 1, 2))))

    def end(self) -> None:
        """The program that heard it has ended."""
        self.connected = self.seen = False
        self.connecting = self.pairing = None
        self.notifying.clear()

    def news(self, advert: Advert) -> dict[str, Variant]:
        """What changes with an advert."""
        found = {"RSSI": Variant("n", self.rssi)}
        if advert.services:
            services = {short_uuid(number): Variant("ay", data) for number, data in advert.services.items()}
            found["ServiceData"] = Variant("a{sv}", services)
        if advert.companies:
            companies = {number: Variant("ay", data) for number, data in advert.companies.items()}
            found["ManufacturerData"] = Variant("a{qv}", companies)
        return found

    def properties(self, advert: Advert) -> dict[str, Variant]:
        """The whole device."""
        heard: Mapping[str, Variant] = self.news(advert) if advert != Advert() else {}
        return {
            "Address": Variant("s", self.wearable.address),
            "AddressType": Variant("s", "random"),
            "Name": Variant("s", self.wearable.name),
            "Alias": Variant("s", self.wearable.name),
            "Paired": Variant("b", self.bonded),
            "Bonded": Variant("b", self.bonded),
            "Trusted": Variant("b", False),
            "Blocked": Variant("b", False),
            "Connected": Variant("b", False),
            "ServicesResolved": Variant("b", False),
            "UUIDs": Variant("as", [short_uuid(number) for number in advert.uuids]),
            "Adapter": Variant("o", f"/org/bluez/{self.adapter}"),
            **heard,
        }
