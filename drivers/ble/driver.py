"""The driver of wearables: owner of one Bluetooth adapter, listener to what residents wear.

Invariants
1. A call for help is on disk before anything else is done about it, and told once however often it is repeated.
2. A radio that goes down, however it does, is opened again; no device is lost by that, and no notification told twice.
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
from courtyard.drivers.ble.connections import Connections, Interrupted
from courtyard.drivers.ble.escalation import Escalation
from courtyard.drivers.ble.faults import adapter_fault, wearable_fault
from courtyard.drivers.ble.notebook import Counters, NoNotebook, Notebook
from courtyard.drivers.ble.post import Post
from courtyard.drivers.ble.radio import Heard, LinkFailed, Radio
from courtyard.drivers.ble.rooms import Rooms
from courtyard.drivers.ble.settings import BleDevice
from courtyard.drivers.ble.watching import Watching
from courtyard.drivers.progress import Progress

LOOK_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0
SLOTS = 5


class BleDriver:
    """Driver, Adjusts, Alerts, Counts and Progresses of `drivers.base` for one adapter.

    Make it inside the event loop.  `zone` is the time zone of the devices' clocks; `slots` how many connections the
    adapter can hold.
    """

    def __init__(
        self,
        line: str,
        devices: Sequence[BleDevice],
        radio: Radio,
        clock: Clock,
        zone: datetime.tzinfo | None = None,
        *,
        adapter: str = "hci0",
        slots: int = SLOTS,
        notebook: Notebook | None = None,
        rooms: Rooms | None = None,
    ) -> None:
        self._line, self._adapter, self._slots = line, adapter, slots
        self._radio, self._clock, self._zone = radio, clock, zone
        self._loop = asyncio.get_running_loop()
        self._counters = Counters(notebook or NoNotebook())
        self._rooms = rooms
        self._posts = {device.address: self._post(device) for device in devices}
        self._group: asyncio.TaskGroup | None = None
        self._sink: Sink | None = None
        self._connections: Connections | None = None
        self._up_s = self._loop.time()
        self._escalation = Escalation(self._up_s)
        self._told: Fault | None = None
        self._counts: Counter[str] = Counter()
        self._progress = Progress()
        self.watching = Watching()
        """Everything that is around, for those who look for a new device."""

    async def run(self, sink: Sink) -> None:
        """Listens until cancelled."""
        self._sink = sink
        async with asyncio.TaskGroup() as group:
            self._group = group
            for post in self._posts.values():
                self._tell(post)
            group.create_task(self._look())
            try:
                await self._keep_up()
            finally:
                self._group, self._connections = None, None
                await self._radio.shut()

    def adjust(self, devices: Sequence[BleDevice]) -> None:
        """Takes a new list of devices; those that did not change keep their state and their connection."""
        new = {device.address: device for device in devices}
        stale = [
            address
            for address, post in self._posts.items()
            if address not in new or new[address].id != post.device.id or new[address].profile != post.device.profile
        ]
        if self._connections is not None:
            self._connections.forget(stale)
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
                    if self._connections is None:
                        await asyncio.sleep(LOOK_S)
                        continue
                    try:
                        await self._connections.visit(post, lambda link: buzz(link, device, alert))
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

    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """Per device: `adverts`, `repeats`, `notifications`, `readings`, `signals`, `signals_not_kept`, `sessions`,
        `connect_failures`, `session_failures`, `stale_sessions`, `alerts`, `alert_failures`, `refused_key`,
        `refused_replayed` and so on; for the line `opened`, `lost`, `rescans`, `power_cycles`, `strangers`,
        `connected`."""
        own = {**self._counts, "connected": len(self._connections or ())}
        return {post.device.id: dict(post.counts) for post in self._posts.values()} | {self._line: own}

    # The radio

    async def _keep_up(self) -> None:
        """Opens the radio, and again whenever it goes down."""
        pause_s, was_down = FIRST_PAUSE_S, True
        while True:
            self._progress.expect("radio")
            try:
                down = await self._radio.open(self._heard)
            except DriverError as error:
                await self._radio.close()
                self._say(error.fault)
                await self._rest(pause_s)
                pause_s, was_down = min(LONGEST_PAUSE_S, pause_s * 2), True
                continue
            self._counts["opened"] += 1
            now_s, heard = self._loop.time(), self._counts["heard"]
            self._up_s = now_s if was_down else self._up_s
            self._escalation.opened(now_s)
            if not self._escalation.deaf:
                self._say(None)
            fault = await self._listen(down)
            await self._radio.close()
            was_down = fault is not None
            if fault is None:
                continue
            self._counts["lost"] += 1
            self._say(fault)
            if self._counts["heard"] > heard:
                pause_s = FIRST_PAUSE_S
            else:
                await self._rest(pause_s)
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    async def _rest(self, pause_s: float) -> None:
        """A pause, cut short when something about the adapter changes."""
        self._progress.expect("radio", pause_s)
        try:
            async with asyncio.timeout(pause_s):
                await self._radio.changed()
        except TimeoutError:
            return

    async def _listen(self, down: asyncio.Future[Fault]) -> Fault | None:
        """Works until the radio goes down, with the reason, or should be opened anew, without one."""
        connections = Connections(self._radio, self._slots, self._said, self._tried, self._local_time)
        self._connections = connections
        working = self._loop.create_task(connections.run())
        stepping = self._loop.create_task(self._step())
        try:
            await asyncio.wait((down, working, stepping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._connections = None
            for task in (working, stepping):
                task.cancel()
            ended = await asyncio.gather(working, stepping, return_exceptions=True)
        for result in ended:
            if isinstance(result, Exception):
                raise result
        return down.result() if down.done() else None

    async def _step(self) -> None:
        """Watches over the radio; returns when it should be opened anew."""
        while True:
            self._progress.expect("radio", LOOK_S)
            await asyncio.sleep(LOOK_S)
            step = self._escalation.next(self._loop.time())
            if self._escalation.deaf:
                self._say(adapter_fault("deaf", self._adapter))
            hears = self._rooms is not None and self._rooms.hears(self._line)
            if step == "scan" and (self._posts or self.watching or hears):
                self._counts["rescans"] += 1
                return
            if step == "power" and self._posts:
                self._counts["power_cycles"] += 1
                try:
                    await self._radio.power_cycle()
                except DriverError as error:
                    self._say(error.fault)
                return

    def _say(self, fault: Fault | None) -> None:
        if self._sink is not None and (fault is None or fault != self._told):
            self._sink.health(self._line, fault)
        self._told = fault

    # What is heard

    def _heard(self, heard: Heard) -> None:
        now_s = self._loop.time()
        self._escalation.sign(now_s)
        self._counts["heard"] += 1
        if self.watching:
            self.watching.heard(heard)
        if self._rooms is not None:
            self._rooms.heard(self._line, heard.address, heard.rssi)
        post = self._posts.get(heard.address)
        if post is None or self._sink is None:
            self._counts["strangers"] += 1
            return
        if self._told is not None:
            self._say(None)
        post.advert(heard.news, heard.rssi, now_s, self._sink)
        profile = post.device.profile
        if self._connections is not None and (profile.connect != "never" or profile.alerts):
            self._connections.heard(post, heard.handle)

    def _said(self, post: Post, uuid: int, value: bytes) -> None:
        now_s = self._loop.time()
        self._escalation.sign(now_s)
        if self._rooms is not None:
            self._rooms.near(self._line, post.device.address)
        if self._sink is not None:
            post.notification(uuid, value, now_s, self._sink)

    def _tried(self, post: Post, success: bool) -> None:
        if success:
            self._escalation.connected()
        else:
            self._escalation.refused(post.device.id)

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

    def _local_time(self) -> datetime.datetime:
        """Now, as the devices' clocks should show it."""
        return datetime.datetime.fromtimestamp(self._clock.wall_ms() / 1000, self._zone)
