"""The radio side of one bluetoothd: what one adapter hears, what it is connected to, and what of that is on D-Bus."""

from __future__ import annotations

import time
from collections.abc import Iterable

from dbus_fast import Variant

from hw_sim.bluez.numbers import short_uuid
from hw_sim.bluez.objects import BusError, Objects
from hw_sim.bluez.peer import Peer
from hw_sim.bluez.wearable import Advert

ADAPTER, DEVICE = "org.bluez.Adapter1", "org.bluez.Device1"
SERVICE, CHARACTERISTIC, DESCRIPTOR = (f"org.bluez.Gatt{name}1" for name in ("Service", "Characteristic", "Descriptor"))
TEMPORARY_S = 30.0
"""So long a device that was never connected is remembered after its last advert."""


class Air:
    """One adapter, `hci0` or another.  Its peers outlive it, as things outlive the program that hears them."""

    def __init__(self, name: str, peers: Iterable[Peer], objects: Objects) -> None:
        self.name, self.path = name, f"/org/bluez/{name}"
        self.objects = objects
        self.peers = {peer.path: peer for peer in peers}
        self.scanning: set[str] = set()
        self.adverts = 0
        self.blocked = False
        """By a switch (rfkill): it does not take power."""
        self.clumsy = False
        """Cannot connect while it scans, as cheap ones."""

    def end(self) -> None:
        """The program has ended: nothing is connected, nobody is subscribed."""
        for peer in self.peers.values():
            if peer.connected:
                peer.wearable.connected = False
            peer.end()
        self.scanning.clear()

    # The adapter

    def add_adapter(self, powered: bool = True) -> None:
        """The adapter, and every device that was ever connected: bluetoothd keeps those on disk."""
        self.objects.add(self.path, {ADAPTER: self._adapter(powered and not self.blocked)})
        for peer in self.peers.values():
            if not peer.temporary:
                peer.seen = True
                self.objects.add(peer.path, {DEVICE: peer.properties(Advert())})

    def remove_adapter(self) -> None:
        """Somebody has pulled it."""
        for peer in self.peers.values():
            self.lose_link(peer)
            self.forget(peer)
        self.scanning.clear()
        self.objects.remove(self.path)

    @property
    def powered(self) -> bool:
        adapter = self.objects.known.get(self.path, {}).get(ADAPTER)
        return adapter is not None and bool(adapter["Powered"].value)

    def power(self, on: bool) -> None:
        """Off, everything is lost but what was ever connected.  Raises BusError for an adapter that is blocked."""
        if on == self.powered or self.path not in self.objects.known:
            return
        if on and self.blocked:
            raise BusError("org.bluez.Error.Failed", "Blocked through rfkill")
        if not on:
            for peer in self.peers.values():
                self.lose_link(peer)
                if peer.temporary:
                    self.forget(peer)
            self.scanning.clear()
            self._discovering()
        self.objects.change(self.path, ADAPTER, {"Powered": Variant("b", on)})

    def scan(self, client: str, on: bool) -> None:
        """A client wants adverts, or no more."""
        (self.scanning.add if on else self.scanning.discard)(client)
        self._discovering()

    def client_gone(self, client: str) -> None:
        """Its scan and its subscriptions end with it."""
        if client in self.scanning:
            self.scan(client, False)
        for peer in self.peers.values():
            for listeners in peer.notifying.values():
                listeners.discard(client)

    def _discovering(self) -> None:
        on = bool(self.scanning)
        adapter = self.objects.known.get(self.path, {}).get(ADAPTER)
        if adapter is None or adapter["Discovering"].value == on:
            return
        self.objects.change(self.path, ADAPTER, {"Discovering": Variant("b", on)})
        for peer in self.peers.values():
            if not on and peer.seen:
                self.objects.change(peer.path, DEVICE, {}, ["RSSI"])

    def _adapter(self, powered: bool) -> dict[str, Variant]:
        return {
            "Address": Variant("s", f"00:11:22:33:44:{0x55 + int(self.name.removeprefix('hci')):02X}"),
            "Name": Variant("s", "simulated"),
            "Alias": Variant("s", "simulated"),
            "Powered": Variant("b", powered),
            "Discovering": Variant("b", False),
            "Pairable": Variant("b", False),
            "Roles": Variant("as", ["central", "peripheral"]),
        }

    # Devices

    def find(self, path: str) -> Peer | None:
        """The peer of an object or of anything under it."""
        return self.peers.get("/".join(path.split("/")[:5]))

    def hear(self, peer: Peer, advert: Advert) -> None:
        """One advert, if anybody scans."""
        if not self.scanning or not self.powered:
            return
        self.adverts += 1
        peer.heard_s = time.monotonic()
        if not peer.seen:
            peer.seen = True
            self.objects.add(peer.path, {DEVICE: peer.properties(advert)})
        else:
            self.objects.change(peer.path, DEVICE, peer.news(advert))

    def reap(self) -> None:
        """Forgets what was not heard for long."""
        limit = time.monotonic() - TEMPORARY_S
        for peer in self.peers.values():
            idle = not peer.connected and peer.connecting is None
            if peer.seen and peer.temporary and idle and peer.heard_s < limit:
                self.forget(peer)

    def forget(self, peer: Peer) -> None:
        if peer.seen:
            self.objects.remove_below(peer.path)
            peer.seen = False
            peer.notifying.clear()

    def connected(self, peer: Peer) -> None:
        """The link stands."""
        peer.connected = peer.wearable.connected = True
        peer.temporary = False
        self.objects.change(peer.path, DEVICE, {"Connected": Variant("b", True)})

    def lose_link(self, peer: Peer) -> None:
        """The link is gone; subscriptions stay with their clients, as bluetoothd keeps them for a reconnection."""
        if peer.connecting is not None:
            peer.connecting.cancel()
        if not peer.connected:
            return
        peer.connected = peer.wearable.connected = False
        if peer.wearable.alerts and peer.wearable.alerts[-1]:
            peer.wearable.alerts.append(0)
        changed = {"ServicesResolved": Variant("b", False), "Connected": Variant("b", False)}
        self.objects.change(peer.path, DEVICE, changed)

    def bond(self, peer: Peer, on: bool) -> None:
        """Keys are kept, or forgotten."""
        peer.bonded = on
        peer.temporary = peer.temporary and not on
        self.objects.change(peer.path, DEVICE, {"Paired": Variant("b", on), "Bonded": Variant("b", on)})

    def resolve(self, peer: Peer) -> None:
        """The services of a connected wearable stand on D-Bus, once."""
        handle = 1
        for service, characteristics in peer.wearable.gatt.items():
            at = f"{peer.path}/service{handle:04x}"
            if at not in self.objects.known:
                self.objects.add(at, {SERVICE: _service(service, peer.path)})
            for characteristic in characteristics:
                handle += 2
                path = f"{at}/char{handle:04x}"
                if path in self.objects.known:
                    continue
                self.objects.add(path, {CHARACTERISTIC: _characteristic(characteristic.uuid, characteristic.flags, at)})
                if {"notify", "indicate"} & set(characteristic.flags):
                    descriptor = {"UUID": Variant("s", short_uuid(0x2902)), "Characteristic": Variant("o", path)}
                    self.objects.add(f"{path}/desc{handle + 1:04x}", {DESCRIPTOR: descriptor})
            handle += 16
        self.objects.change(peer.path, DEVICE, {"ServicesResolved": Variant("b", True)})

    def tell(self, peer: Peer, uuid: int) -> bool:
        """A notification to everybody who subscribed; whether somebody has."""
        wearable, sent = peer.wearable, False
        for path, listeners in peer.notifying.items():
            properties = self.objects.known.get(path, {}).get(CHARACTERISTIC)
            if properties is None or properties["UUID"].value != short_uuid(uuid) or not listeners:
                continue
            if not peer.connected:
                continue
            if wearable.deaf > 0:
                wearable.deaf -= 1
                continue
            value, sent = wearable.value(uuid), True
            wearable.told.append((uuid, value.hex()))
            for _ in listeners:  # one signal a subscription, as bluetoothd does
                self.objects.change(path, CHARACTERISTIC, {"Value": Variant("ay", value)})
        return sent


def _service(uuid: int, device: str) -> dict[str, Variant]:
    return {"UUID": Variant("s", short_uuid(uuid)), "Device": Variant("o", device), "Primary": Variant("b", True)}


def _characteristic(uuid: int, flags: tuple[str, ...], service: str) -> dict[str, Variant]:
    properties = {
        "UUID": Variant("s", short_uuid(uuid)),
        "Service": Variant("o", service),
        "Value": Variant("ay", b""),
        "Flags": Variant("as", list(flags)),
        "MTU": Variant("q", 247),
    }
    if {"notify", "indicate"} & set(flags):
        properties |= {"Notifying": Variant("b", False)}
    return properties
