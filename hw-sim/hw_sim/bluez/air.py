"""The radio side of one bluetoothd: what it hears, what it is connected to, and what of that stands on D-Bus."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

from dbus_fast import Variant

from hw_sim.bluez.numbers import short_uuid
from hw_sim.bluez.objects import Objects
from hw_sim.bluez.wearable import Advert, Wearable

ADAPTER, DEVICE = "org.bluez.Adapter1", "org.bluez.Device1"
SERVICE, CHARACTERISTIC, DESCRIPTOR = (f"org.bluez.Gatt{name}1" for name in ("Service", "Characteristic", "Descriptor"))
TEMPORARY_S = 30.0
"""So long a device that was never connected is remembered after its last advert."""


class Air:
    """`wearables` outlive it, as things outlive the program that hears them."""

    adapter = "/org/bluez/hci0"

    def __init__(self, wearables: Iterable[Wearable], objects: Objects) -> None:
        self.objects = objects
        self.wearables = {wearable.path: wearable for wearable in wearables}
        self.scanning: set[str] = set()
        self.adverts = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs it beside; it ends with this bluetoothd."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end(self) -> None:
        """The program has ended: nothing is connected, nobody is subscribed."""
        for task in self._tasks:
            task.cancel()
        for wearable in self.wearables.values():
            wearable.connected = wearable.seen = False
            wearable.connecting = None
            wearable.notifying.clear()
        self.scanning.clear()

    # The adapter

    def add_adapter(self, powered: bool = True) -> None:
        """The adapter, and every device that was ever connected: bluetoothd keeps those on disk."""
        self.objects.add(self.adapter, {ADAPTER: _adapter(powered)})
        for wearable in self.wearables.values():
            if not wearable.temporary:
                wearable.seen = True
                self.objects.add(wearable.path, {DEVICE: _device(wearable, Advert())})

    def remove_adapter(self) -> None:
        """Somebody has pulled it."""
        for wearable in self.wearables.values():
            self.lose_link(wearable)
            self.forget(wearable)
        self.scanning.clear()
        self.objects.remove(self.adapter)

    @property
    def powered(self) -> bool:
        adapter = self.objects.known.get(self.adapter, {}).get(ADAPTER)
        return adapter is not None and bool(adapter["Powered"].value)

    def power(self, on: bool) -> None:
        """Off, everything is lost but what was ever connected."""
        if on == self.powered or self.adapter not in self.objects.known:
            return
        if not on:
            for wearable in self.wearables.values():
                self.lose_link(wearable)
                if wearable.temporary:
                    self.forget(wearable)
            self.scanning.clear()
            self._discovering()
        self.objects.change(self.adapter, ADAPTER, {"Powered": Variant("b", on)})

    def scan(self, client: str, on: bool) -> None:
        """A client wants adverts, or no more."""
        (self.scanning.add if on else self.scanning.discard)(client)
        self._discovering()

    def client_gone(self, client: str) -> None:
        """Its scan and its subscriptions end with it."""
        if client in self.scanning:
            self.scan(client, False)
        for wearable in self.wearables.values():
            for listeners in wearable.notifying.values():
                listeners.discard(client)

    def _discovering(self) -> None:
        on = bool(self.scanning)
        adapter = self.objects.known.get(self.adapter, {}).get(ADAPTER)
        if adapter is None or adapter["Discovering"].value == on:
            return
        self.objects.change(self.adapter, ADAPTER, {"Discovering": Variant("b", on)})
        for wearable in self.wearables.values():
            if not on and wearable.seen:
                self.objects.change(wearable.path, DEVICE, {}, ["RSSI"])

    # Devices

    def find(self, path: str) -> Wearable | None:
        """The wearable of an object or of anything under it."""
        return self.wearables.get("/".join(path.split("/")[:5]))

    def hear(self, wearable: Wearable, advert: Advert) -> None:
        """One advert, if anybody scans."""
        if not self.scanning or not self.powered:
            return
        self.adverts += 1
        wearable.heard_s = time.monotonic()
        if not wearable.seen:
            wearable.seen = True
            self.objects.add(wearable.path, {DEVICE: _device(wearable, advert)})
        else:
            self.objects.change(wearable.path, DEVICE, _heard(wearable, advert))

    def reap(self) -> None:
        """Forgets what was not heard for long."""
        limit = time.monotonic() - TEMPORARY_S
        for wearable in self.wearables.values():
            idle = not wearable.connected and wearable.connecting is None
            if wearable.seen and wearable.temporary and idle and wearable.heard_s < limit:
                self.forget(wearable)

    def forget(self, wearable: Wearable) -> None:
        if wearable.seen:
            self.objects.remove_below(wearable.path)
            wearable.seen = False
            wearable.notifying.clear()

    def lose_link(self, wearable: Wearable) -> None:
        """The link is gone; subscriptions stay with their clients, as bluetoothd keeps them for a reconnection."""
        if wearable.connecting is not None:
            wearable.connecting.cancel()
        if not wearable.connected:
            return
        wearable.connected = False
        if wearable.alerts and wearable.alerts[-1]:
            wearable.alerts.append(0)
        changed = {"ServicesResolved": Variant("b", False), "Connected": Variant("b", False)}
        self.objects.change(wearable.path, DEVICE, changed)

    def resolve(self, wearable: Wearable) -> None:
        """The services of a connected wearable stand on D-Bus, once."""
        handle = 1
        for service, characteristics in wearable.gatt.items():
            at = f"{wearable.path}/service{handle:04x}"
            if at not in self.objects.known:
                self.objects.add(at, {SERVICE: _service(service, wearable.path)})
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
        self.objects.change(wearable.path, DEVICE, {"ServicesResolved": Variant("b", True)})

    def tell(self, wearable: Wearable, uuid: int) -> bool:
        """A notification to everybody who subscribed; whether somebody has."""
        sent = False
        for path, listeners in wearable.notifying.items():
            properties = self.objects.known.get(path, {}).get(CHARACTERISTIC)
            if properties is None or properties["UUID"].value != short_uuid(uuid) or not listeners:
                continue
            if not wearable.connected:
                continue
            if wearable.deaf > 0:
                wearable.deaf -= 1
                continue
            value, sent = wearable.value(uuid), True
            wearable.told.append((uuid, value.hex()))
            for _ in listeners:  # one signal a subscription, as bluetoothd does
                self.objects.change(path, CHARACTERISTIC, {"Value": Variant("ay", value)})
        return sent


def _adapter(powered: bool) -> dict[str, Variant]:
    return {
        "Address": Variant("s", "00:11:22:33:44:55"),
        "Name": Variant("s", "simulated"),
        "Alias": Variant("s", "simulated"),
        "Powered": Variant("b", powered),
        "Discovering": Variant("b", False),
        "Roles": Variant("as", ["central", "peripheral"]),
    }


def _heard(wearable: Wearable, advert: Advert) -> dict[str, Variant]:
    found = {"RSSI": Variant("n", wearable.rssi)}
    if advert.services:
        services = {short_uuid(number): Variant("ay", data) for number, data in advert.services.items()}
        found["ServiceData"] = Variant("a{sv}", services)
    if advert.companies:
        companies = {number: Variant("ay", data) for number, data in advert.companies.items()}
        found["ManufacturerData"] = Variant("a{qv}", companies)
    return found


def _device(wearable: Wearable, advert: Advert) -> dict[str, Variant]:
    heard: Mapping[str, Variant] = _heard(wearable, advert) if advert != Advert() else {}
    return {
        "Address": Variant("s", wearable.address),
        "AddressType": Variant("s", "random"),
        "Name": Variant("s", wearable.name),
        "Alias": Variant("s", wearable.name),
        "Paired": Variant("b", wearable.bonded),
        "Bonded": Variant("b", wearable.bonded),
        "Trusted": Variant("b", False),
        "Blocked": Variant("b", False),
        "Connected": Variant("b", False),
        "ServicesResolved": Variant("b", False),
        "UUIDs": Variant("as", [short_uuid(number) for number in advert.uuids]),
        "Adapter": Variant("o", Air.adapter),
        **heard,
    }


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
