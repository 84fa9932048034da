"""From an advertisement of a known device to what is new in it.

Nothing here waits, raises or forgets: the same packet is told once however often it is repeated, conditions are told
when they change, moments when they happen, and packets that are refused are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from courtyard.drivers.base import Text
from courtyard.drivers.ble.adverts import bthome, eddystone, ibeacon, mibeacon, minew
from courtyard.drivers.ble.adverts.beacon_rule import identity, judge
from courtyard.drivers.ble.adverts.blueup import UUID as BLUEUP_UUID
from courtyard.drivers.ble.adverts.blueup import observe as observe_blueup
from courtyard.drivers.ble.gatt.characteristics import observe as observe_characteristic
from courtyard.drivers.ble.memory import (
    COUNTED_WINDOW_MS,
    NUMBERED_WINDOW_MS,
    PLAIN_WINDOW_MS,
    REFRESH_MS,
    Last,
    Memory,
    Press,
    changed,
    heard_again,
    heard_new,
    refused,
    told,
)
from courtyard.drivers.ble.observation import Event, Observation
from courtyard.drivers.ble.refusal import Refused, downgraded
from courtyard.drivers.ble.setup import Setup

BATTERY_SERVICE, BATTERY_LEVEL = 0x180F, 0x2A19


class Advertisement(NamedTuple):
    """What a radio heard: data by 16-bit service UUID and by company, without these identifiers."""

    service_data: Mapping[int, bytes] = {}
    manufacturer_data: Mapping[int, bytes] = {}


class Heard(NamedTuple):
    """What is new.  `repeated` says that a packet came again whose observation still holds."""

    observations: tuple[Observation, ...]
    refusals: tuple[Refused, ...]
    repeated: bool
    memory: Memory


class _Said(NamedTuple):
    """One packet decoded; `number` tells its repeats, `counter` proves its age."""

    observation: Observation
    number: int | None = None
    counter: int | None = None
    beacon: ibeacon.Beacon | eddystone.Uid | None = None

    @property
    def window_ms(self) -> int:
        """How long it may be repeated."""
        if self.counter is not None:
            return COUNTED_WINDOW_MS
        return PLAIN_WINDOW_MS if self.number is None else NUMBERED_WINDOW_MS


def _bthome(data: bytes, setup: Setup) -> _Said:
    packet = bthome.parse(data, key=setup.key, address=setup.address)
    number = packet.packet_id if packet.counter is None else packet.counter
    return _Said(bthome.observe(packet), number, packet.counter)


def _mibeacon(data: bytes, setup: Setup) -> _Said:
    packet = mibeacon.parse(data, key=setup.key, address=setup.address)
    number = packet.frame_counter if packet.counter is None else packet.counter
    return _Said(mibeacon.observe(packet), number, packet.counter)


def _eddystone(data: bytes, setup: Setup) -> _Said:
    frame = eddystone.parse(data)
    return _Said(eddystone.observe(frame), beacon=frame if isinstance(frame, eddystone.Uid) else None)


def _ibeacon(data: bytes, setup: Setup) -> _Said:
    return _Said(Observation(), beacon=ibeacon.parse(data))


def _simple(observe: Callable[[bytes], Observation]) -> Callable[[bytes, Setup], _Said]:
    return lambda data, setup: _Said(observe(data))


_Decode = Callable[[bytes, Setup], _Said]
SERVICES: Mapping[int, tuple[str, _Decode]] = {
    bthome.UUID: ("bthome", _bthome),
    eddystone.UUID: ("eddystone", _eddystone),
    mibeacon.UUID: ("mibeacon", _mibeacon),
    minew.UUID: ("minew", _simple(minew.observe)),
    BLUEUP_UUID: ("blueup", _simple(observe_blueup)),
    BATTERY_SERVICE: ("battery", _simple(lambda data: observe_characteristic(BATTERY_LEVEL, data))),
}
COMPANIES: Mapping[int, tuple[str, _Decode]] = {
    ibeacon.COMPANY: ("ibeacon", _ibeacon),
    minew.COMPANY: ("minew-door", _simple(minew.observe_door)),
}


SEALED = frozenset({"bthome", "mibeacon"})
"""Families that can be encrypted: a device with a key is believed in no other, because anybody could send those."""


def receive(advertisement: Advertisement, setup: Setup, memory: Memory, now_ms: int) -> Heard:
    """What is new in an advertisement; `now_ms` is the monotonic clock.  Families that are not known say nothing."""
    observations: list[Observation] = []
    refusals: list[Refused] = []
    repeats = memory.repeats
    for families, parts in ((SERVICES, advertisement.service_data), (COMPANIES, advertisement.manufacturer_data)):
        for number, data in parts.items():
            if number not in families:
                continue
            family, decode = families[number]
            last = memory.last.get(family)
            again = last is not None and last.repeated(data, now_ms)
            if again and last is not None and now_ms - last.decoded_ms < REFRESH_MS:
                memory = heard_again(memory, family, now_ms)
                continue
            try:
                if setup.key is not None and family not in SEALED:
                    raise downgraded()
                said = decode(data, setup)
                memory = _counted(memory, family, said, setup, again)
            except Refused as refusal:
                refusals.append(refusal)
                memory = refused(memory, refusal.code)
                continue
            observation, stamps, memory = _news(said, family, data, setup, memory, now_ms)
            memory = heard_new(memory, family, Last(data, now_ms, now_ms, said.window_ms, stamps))
            if observation != Observation():
                observations.append(observation)
    return Heard(tuple(observations), tuple(refusals), memory.repeats > repeats, memory)


def _counted(memory: Memory, family: str, said: _Said, setup: Setup, again: bool) -> Memory:
    """The memory with a counter that went up.  Raises Refused when it did not, unless the packet is a mere repeat."""
    counter, highest = said.counter, memory.counters.get(family)
    if counter is None or (again and counter == highest):
        return memory
    if highest is not None and counter <= highest and not counter < min(setup.restarts_below, highest):
        text = Text(f"counter {counter} after {highest}: played back", f"计数{counter}在{highest}之后：重放数据")
        raise Refused("replayed", 0, text)
    return msgspec.structs.replace(memory, counters={**memory.counters, family: counter})


def _news(
    said: _Said, family: str, data: bytes, setup: Setup, memory: Memory, now_ms: int
) -> tuple[Observation, tuple[str, ...], Memory]:
    """The observation with only those events that were not told yet, and the stamps of all its moments."""
    events: list[Event] = []
    stamps: list[str] = []
    for event in said.observation.events:
        if event.momentary:
            event = _called(event, setup)
            packet = data.hex() if said.number is None else str(said.number)
            stamps.append(f"{family}:{packet}:{event.kind}:{event.source}:{event.details.get('press', '')}")
            old, memory = told(memory, Press(stamps[-1], now_ms, said.window_ms))
            new = not old
        else:
            new, memory = changed(memory, event)
        if new:
            events.append(event)
    if said.beacon is not None and setup.rule is not None:
        call_event, call = judge(setup.rule, memory.call, identity(said.beacon), now_ms)
        memory = msgspec.structs.replace(memory, call=call)
        if call_event is not None:
            events.append(call_event)
    return msgspec.structs.replace(said.observation, events=tuple(events)), tuple(stamps), memory


def _called(event: Event, setup: Setup) -> Event:
    """A press that the site calls a call for help is one."""
    kind = setup.calls.get(str(event.details.get("press", ""))) if event.kind == "button" else None
    return event if kind is None else msgspec.structs.replace(event, kind=kind)
