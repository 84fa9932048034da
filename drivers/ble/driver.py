"""The driver of wearables: owner of Bluetooth adapters, listener to what residents wear.

Invariants
1. A call for help is on disk before anything else is done about it, and told once however often it is repeated and
   however many adapters hear it.
2. A radio that goes down, however it does, is opened again; no device is lost by that, and no notification told twice.
   The other radios go on meanwhile.
3. Adverts first: connections only where a profile needs them, each with a client of its own that is closed for good.
4. Nothing that a stranger sends can raise an exception, grow without bound or become a reading.
"""

from __future__ import annotations

import asyncio
import datetime
from collections import Counter
from collections.abc import Mapping, Sequence

from courtyard.drivers.base import Alert, Clock, DriverError, Fault, Sink
from courtyard.drivers.ble.alerting import ATTEMPTS, RETRY_S, WITHIN_S, buzz
from courtyard.drivers.ble.candidates import Candidates, Interrupted
from courtyard.drivers.ble.faults import others_go_on, wearable_fault
from courtyard.drivers.ble.notebook import Counters, NoNotebook, Notebook
from courtyard.drivers.ble.pairing import Pairing, Person
from courtyard.drivers.ble.post import Post
from courtyard.drivers.ble.radio import Heard, LinkFailed, Radio
from courtyard.drivers.ble.rooms import Rooms
from courtyard.drivers.ble.settings import BleDevice
from courtyard.drivers.ble.station import Station
from courtyard.drivers.ble.watching import Watching
from courtyard.drivers.progress import Progress

LOOK_S = 1.0
SLOTS = 5


class BleDriver:
    """Driver, Adjusts, Alerts, Counts and Progresses of `drivers.base` for the adapters of one line.

    Make it inside the event loop.  `radios` by the name of the adapter; `zone` is the time zone of the devices' clocks;
    `slots` how many connections each adapter can hold.
    """

    def __init__(
        self,
        line: str,
        devices: Sequence[BleDevice],
        radios: Mapping[str, Radio],
        clock: Clock,
        zone: datetime.tzinfo | None = None,
        *,
        slots: int = SLOTS,
        notebook: Notebook | None = None,
        rooms: Rooms | None = None,
        receivers: Mapping[str, str] = {},
    ) -> None:
        """`receivers` is what rooms know radios as that are not where the line is."""
        self._line, self._clock, self._zone = line, clock, zone
        self._loop = asyncio.get_running_loop()
        self._counters = Counters(notebook or NoNotebook())
        self._rooms = rooms
        self._posts = {device.address: self._post(device) for device in devices}
        self._group: asyncio.TaskGroup | None = None
        self._sink: Sink | None = None
        self._up_s = self._loop.time()
        self._told: Fault | None = None
        self.counts: Counter[str] = Counter()
        self._progress = Progress()
        self._candidates = Candidates()
        self._pairing: Pairing | None = None
        self.stations = tuple(
            Station(name, receivers.get(name, line), radio, slots, self._candidates, self, self._progress)
            for name, radio in radios.items()
        )
        self.watching = Watching()
        """Everything that is around, for those who look for a new device."""

    async def run(self, sink: Sink) -> None:
        """Listens until cancelled."""
        self._sink = sink
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for post in self._posts.values():
                    self._tell(post)
                group.create_task(self._look())
                for station in self.stations:
                    group.create_task(station.run())
        finally:
            self._group = None

    def adjust(self, devices: Sequence[BleDevice]) -> None:
        """Takes a new list of devices; those that did not change keep their state and their connection."""
        new = {device.address: device for device in devices}
        stale = [
            address
            for address, post in self._posts.items()
            if address not in new or new[address].id != post.device.id or new[address].profile != post.device.profile
        ]
        self._candidates.forget(stale)
        for address in stale:
            self._posts.pop(address).retire()
        for address, device in new.items():
            if address in self._posts:
                self._posts[address].adjust(device)
            else:
                self._posts[address] = self._post(device)
                self._tell(self._posts[address])

    def on_time(self) -> bool:
        """Whether the adapter is opened, waited for or looked after no longer than was meant."""
        return self._progress.on_time

    def alerting(self, device: str) -> bool:
        """Whether this device can buzz."""
        return any(post.device.id == device and post.device.profile.alerts for post in self._posts.values())

    async def alert(self, device: str, alert: Alert) -> None:
        """Makes a device buzz.  Raises DriverError when it has no such thing, is not heard, or does not take it."""
        post = next((post for post in self._posts.values() if post.device.id == device), None)
        if post is None or not post.device.profile.alerts:
            raise DriverError(wearable_fault("alert_missing", device), device)
        code, attempts = "alert_unheard", 0
        try:
            async with asyncio.timeout(WITHIN_S + alert.for_s):
                while attempts < ATTEMPTS:
                    if all(station.connections is None for station in self.stations):
                        await asyncio.sleep(LOOK_S)
                        continue
                    try:
                        await self._candidates.visit(post, lambda link: buzz(link, device, alert))
                    except Interrupted:
                        await asyncio.sleep(RETRY_S)
                    except LinkFailed:
                        attempts, code = attempts + 1, "alert_unanswered"
                        post.counts["alert_failures"] += 1
                        await asyncio.sleep(RETRY_S)
                    else:
                        post.counts["alerts"] += 1
                        return
        except TimeoutError:
            post.counts["alert_failures"] += 1
        raise DriverError(wearable_fault(code, device), device)

    async def pair(self, address: str, person: Person, within_s: float) -> str:
        """Pairs a device of the site or any other, for at most so long; the adapter that has its keys now.

        Raises DriverError: not heard, refused, given up, or another pairing is under way.
        """
        post = self._posts.get(address)
        name = post.device.id if post is not None else address
        if self._pairing is not None:
            raise DriverError(wearable_fault("pair_busy", name), name)
        self._pairing = Pairing(address, name, person)
        try:
            adapter = await self._pairing.run(self._candidates, within_s)
        finally:
            self._pairing = None
        if post is not None:
            post.trouble = None
        return adapter

    async def unpair(self, address: str) -> bool:
        """Forgets the keys of a device on every adapter; whether there were any.  Raises DriverError."""
        async with self._candidates.kept_away(address):
            gone = [await station.radio.unpair(address) for station in self.stations if station.connections is not None]
        return any(gone)

    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """Per device: `adverts`, `repeats`, `notifications`, `readings`, `signals`, `signals_not_kept`, `sessions`,
        `connect_failures`, `session_failures`, `stale_sessions`, `alerts`, `alert_failures`, `refused_key`,
        `refused_replayed` and so on; for the line `opened`, `lost`, `rescans`, `power_cycles`, `strangers`,
        `connected`."""
        connected = sum(len(station.connections or ()) for station in self.stations)
        own = {**self.counts, "connected": connected}
        return {post.device.id: dict(post.counts) for post in self._posts.values()} | {self._line: own}

    # What stations tell and ask

    def came_up(self, station: Station) -> None:
        """Silence is measured from when anybody listens again."""
        if all(each.connections is None for each in self.stations if each is not station):
            self._up_s = self._loop.time()

    def changed(self) -> None:
        """The line is as well as its worst adapter; when others work, it says so."""
        fault = next((station.fault for station in self.stations if station.fault is not None), None)
        if fault is not None and any(station.fault is None and station.ever_up for station in self.stations):
            fault = others_go_on(fault)
        if self._sink is not None and (fault is None or fault != self._told):
            self._sink.health(self._line, fault)
        self._told = fault

    def listens(self, station: Station) -> bool:
        """Whether anybody wants to know what it hears."""
        in_rooms = self._rooms is not None and self._rooms.hears(station.receiver)
        return bool(self._posts or self.watching or in_rooms)

    def connects(self) -> bool:
        """Whether there are devices at all."""
        return bool(self._posts)

    def local_time(self) -> datetime.datetime:
        """Now, as the devices' clocks should show it."""
        return datetime.datetime.fromtimestamp(self._clock.wall_ms() / 1000, self._zone)

    def heard(self, station: Station, heard: Heard) -> None:
        """One advert."""
        self.counts["heard"] += 1
        if self.watching:
            self.watching.heard(heard)
        if self._pairing is not None:
            self._pairing.heard(station, heard)
        if self._rooms is not None:
            self._rooms.heard(station.receiver, heard.address, heard.rssi)
        post = self._posts.get(heard.address)
        if post is None or self._sink is None:
            self.counts["strangers"] += 1
            return
        station.alive()
        post.advert(heard.news, heard.rssi, self._loop.time(), self._sink)
        profile = post.device.profile
        if station.connections is not None and (profile.connect != "never" or profile.alerts):
            station.connections.heard(post, heard)

    def said(self, station: Station, post: Post, uuid: int, value: bytes) -> None:
        """One notification or read value."""
        if self._rooms is not None:
            self._rooms.near(station.receiver, post.device.address)
        if self._sink is not None:
            post.notification(uuid, value, self._loop.time(), self._sink)

    # Devices

    async def _look(self) -> None:
        """Tells who has fallen silent, and keeps the counters."""
        while True:
            await asyncio.sleep(LOOK_S)
            now_s = self._loop.time()
            for post in list(self._posts.values()):
                if self._sink is not None:
                    post.look(self._sink, self._up_s, now_s)
                if post.counted:
                    await post.keep(now_s)

    def _post(self, device: BleDevice) -> Post:
        return Post(device, self._clock, self._zone, self._counters)

    def _tell(self, post: Post) -> None:
        if self._group is not None and self._sink is not None:
            self._group.create_task(post.run(self._sink))
