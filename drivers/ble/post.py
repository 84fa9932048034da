"""One wearable while the driver runs: what it said, when it was last heard, and what is still to be told of it."""

from __future__ import annotations

import asyncio
import datetime
from collections import Counter, deque

import msgspec

from courtyard.drivers.base import Clock, Fault, NotKept, Reading, Signal, Sink
from courtyard.drivers.ble.faults import wearable_fault
from courtyard.drivers.ble.gatt.characteristics import observe
from courtyard.drivers.ble.memory import Memory, changed, refused, restarted
from courtyard.drivers.ble.notebook import Counters
from courtyard.drivers.ble.observation import Observation
from courtyard.drivers.ble.points import STRENGTH, strength
from courtyard.drivers.ble.receive import Advertisement, receive
from courtyard.drivers.ble.refusal import Refused
from courtyard.drivers.ble.settings import BleDevice

MOST_WAITING = 64
"""Signals of one device that wait for the disk; of life-safety ones, twice as many."""
CALL_S = 30.0
"""So long after it was pressed a button calls; a press after that is another call, an occurrence of its own."""
SAME_MS = 900
"""A packet that comes again within this is not looked at: no window of repeats is shorter than three times as long."""
LIFE_S = 60.0
"""How often it is told that a device was heard, and how well: a beacon has no other value to give."""
UNWORN = "not_worn"
"""Not told as a signal: contact comes and goes with every turn of a wrist, and the quality of the values says it."""
WRONG_KEY = 5
"""So many packets in a row that the key does not open."""


class Post:
    """Used from the event loop only.  `run` tells the signals, one after the other, each on disk before the next."""

    def __init__(self, device: BleDevice, clock: Clock, zone: datetime.tzinfo | None, counters: Counters) -> None:
        self.device, self._clock, self._zone, self._counters = device, clock, zone, counters
        kept = Memory(counters=counters.recall(self._subject))
        self.memory = restarted(kept, clock.mono_ms())
        self.counts: Counter[str] = Counter()
        self.heard_s: float | None = None
        """When it last gave any sign of life, by the event loop's clock."""
        self.rssi: int | None = None
        self.trouble: Fault | None = None
        """Why no connection comes about."""
        self._life_s = 0.0
        self._unopened = 0
        self._calls: dict[tuple[str, str], tuple[float, Signal]] = {}
        self._waiting: deque[Signal] = deque()
        self._news = Advertisement()
        self._received_ms = -SAME_MS
        self._more = asyncio.Event()
        self._retired = False
        self._told: Fault | None = None
        self._ever_told = False

    @property
    def _subject(self) -> str:
        return f"{self.device.id}/{self.device.address}"

    def adjust(self, device: BleDevice) -> None:
        """Takes new settings; the memory stays."""
        self.device = device

    def retire(self) -> None:
        """The device is not of this site any more; what it said before is still told."""
        self._retired = True
        self._more.set()

    def advert(self, news: Advertisement, rssi: int, now_s: float, sink: Sink) -> None:
        """What one advert says.  Never raises."""
        self.heard_s, self.rssi = now_s, rssi
        self.counts["adverts"] += 1
        if now_s >= self._life_s:
            self._life_s = now_s + LIFE_S
            at_ms, mono_ms = self._clock.wall_ms(), self._clock.mono_ms()
            sink.reading(Reading(self.device.id, at_ms, mono_ms, {STRENGTH: strength(rssi)}))
        if not news.service_data and not news.manufacturer_data:
            return
        mono_ms = self._clock.mono_ms()
        if news == self._news and mono_ms - self._received_ms < SAME_MS:
            self.counts["repeats"] += 1
            return
        self._news, self._received_ms = news, mono_ms
        heard = receive(news, self.device.setup, self.memory, mono_ms)
        self.memory = heard.memory
        if heard.repeated:
            self.counts["repeats"] += 1
        for refusal in heard.refusals:
            self.counts[f"refused_{refusal.code}"] += 1
            self._unopened += refusal.code in ("key", "downgrade")
        if heard.observations:
            self._unopened = 0
        for observation in heard.observations:
            self._take(observation, sink, _raw(news, self.device.setup.address))

    def notification(self, uuid: int, value: bytes, now_s: float, sink: Sink) -> None:
        """What one notification or read value says.  Never raises."""
        self.heard_s = now_s
        self.counts["notifications"] += 1
        try:
            observation = observe(uuid, value)
        except Refused as refusal:
            self.counts[f"refused_{refusal.code}"] += 1
            self.memory = refused(self.memory, refusal.code)
            return
        events = []
        for event in observation.events:
            if event.kind == UNWORN:
                continue
            new, self.memory = (True, self.memory) if event.momentary else changed(self.memory, event)
            events += [event] if new else []
        self._take(msgspec.structs.replace(observation, events=tuple(events)), sink, value.hex())

    def _take(self, observation: Observation, sink: Sink, raw_hex: str) -> None:
        at_ms, mono_ms = self._clock.wall_ms(), self._clock.mono_ms()
        for event in observation.events:
            signal = event.signal(self.device.id, at_ms=at_ms, mono_ms=mono_ms, raw_hex=raw_hex)
            if event.momentary and signal.severity == 1:
                ends_s = asyncio.get_running_loop().time() + CALL_S
                self._calls[event.kind, event.source] = (ends_s, signal)
            self._queue(signal)
        reading = observation.reading(self.device.id, at_ms=at_ms, mono_ms=mono_ms, zone=self._zone)
        if reading is not None:
            self.counts["readings"] += 1
            sink.reading(reading)

    def _queue(self, signal: Signal) -> None:
        limit = MOST_WAITING * (2 if signal.severity == 1 else 1)
        if len(self._waiting) >= limit:
            self.counts["signals_dropped"] += 1
            return
        self._waiting.append(signal)
        self._more.set()

    async def run(self, sink: Sink) -> None:
        """Tells what waits, until cancelled or, once retired, until nothing waits."""
        now_s = asyncio.get_running_loop().time
        while not self._retired:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                await self._counters.keep(self._subject, self.memory, now_s(), at_once=True)
                try:
                    await sink.signal(self._waiting[0])
                    self.counts["signals"] += 1
                except NotKept:
                    self.counts["signals_not_kept"] += 1
                self._waiting.popleft()

    @property
    def counted(self) -> bool:
        """Whether it has counters to keep."""
        return bool(self.memory.counters)

    async def keep(self, now_s: float) -> None:
        """Notes the counters of measurements now and then."""
        await self._counters.keep(self._subject, self.memory, now_s, at_once=False)

    def look(self, sink: Sink, since_s: float, now_s: float) -> None:
        """Tells the sink when the device falls silent, or is heard again, and when a press is over; `since_s` is when
        listening began."""
        for key, (ends_s, signal) in list(self._calls.items()):
            if now_s >= ends_s:
                del self._calls[key]
                at_ms, mono_ms = self._clock.wall_ms(), self._clock.mono_ms()
                self._queue(msgspec.structs.replace(signal, active=False, at_ms=at_ms, mono_ms=mono_ms))
        fault = self._fault(since_s, now_s)
        if fault is None and self.heard_s is None:
            return
        if not self._ever_told or (fault and fault.code) != (self._told and self._told.code):
            self._ever_told, self._told = True, fault
            sink.health(self.device.id, fault)

    def _fault(self, since_s: float, now_s: float) -> Fault | None:
        silent_s = now_s - (since_s if self.heard_s is None else max(self.heard_s, since_s))
        if silent_s >= self.device.profile.silent_s:
            return wearable_fault("silent", self.device.id, silent_s)
        if self._unopened >= WRONG_KEY:
            return wearable_fault("key", self.device.id)
        return self.trouble


def _raw(news: Advertisement, address: bytes) -> str:
    """The bytes of an advert, for the record, with zeros where some families repeat the hardware address."""
    parts = (*news.service_data.values(), *news.manufacturer_data.values())
    hidden = (data.replace(address, bytes(6)).replace(address[::-1], bytes(6)) for data in parts)
    return " ".join(data.hex() for data in hidden)
