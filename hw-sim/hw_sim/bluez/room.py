"""A house full of wearables and the Bluetooth stack that hears them; the commands of both."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from hw_sim.bluez.bus import PrivateBus, bluetoothctl
from hw_sim.bluez.daemon import Bluetoothd, Fault
from hw_sim.bluez.peer import Peer
from hw_sim.bluez.wearable import Wearable
from hw_sim.control import Command

_SLOT_S = 0.01
_MEASURED = {0x1809: 0x2A1C, 0x1810: 0x2A35, 0x181D: 0x2A9D}
"""The measurement of each service that is said once and not every second."""
MEASURE_S = 1.0


class Room:
    """Runs until `stopped`.  `adverts_hz` and `beats_hz` are for each wearable."""

    def __init__(
        self,
        folder: Path,
        wearables: Iterable[Wearable],
        *,
        adverts_hz: float = 2.0,
        beats_hz: float = 1.0,
        version: str = "5.66",
        adapters: int = 1,
        allowed: bool = True,
    ) -> None:
        """`allowed` False: the bus lets nobody speak to bluetoothd."""
        self.wearables = {wearable.address: wearable for wearable in wearables}
        self.stopped = asyncio.Event()
        self._bus = PrivateBus(folder, connections=4096, allowed=allowed)
        self._tools = bluetoothctl(folder, version)
        self._hz = (adverts_hz, beats_hz)
        self._chance = random.Random(len(self.wearables))
        self._faults: list[Fault] = []
        names = [f"hci{number}" for number in range(adapters)]
        self._peers = {name: {at: Peer(each, name) for at, each in self.wearables.items()} for name in names}
        self._powered = dict.fromkeys(names, True)
        self._absent: set[str] = set()
        self._blocked: set[str] = set()
        self._stack: Bluetoothd | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Raises OSError without dbus-daemon."""
        self._bus.__enter__()
        try:
            await self.start_stack()
        except BaseException:
            self._bus.__exit__(None, None, None)
            raise
        self._tasks = [
            asyncio.create_task(self._pump(self._hz[0], self._advertise)),
            asyncio.create_task(self._pump(self._hz[1], self._beat)),
            asyncio.create_task(self._reap()),
        ]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._stack is not None:
            self._stack.crash()
        self._bus.__exit__(None, None, None)

    def describe(self) -> dict[str, Any]:
        """What a client needs: the bus, a folder for $PATH, and who is there."""
        people = {wearable.name: wearable.address for wearable in self.wearables.values()}
        return {"bus": self._bus.address, "tools": str(self._tools), "wearables": people}

    # The stack

    async def start_stack(self) -> None:
        if self._stack is None:
            peers = {name: list(each.values()) for name, each in self._peers.items()}
            stack = Bluetoothd(self._bus.address, peers, self._faults)
            present = {name: on for name, on in self._powered.items() if name not in self._absent}
            self._stack = await stack.open(present, tuple(self._blocked))

    async def stack(self, words: list[str]) -> None:
        match words:
            case ["start"]:
                await self.start_stack()
            case ["version", version]:
                bluetoothctl(self._tools, version)
            case ["crash" | "stop" as how] if self._stack is not None:
                stack, self._stack = self._stack, None
                self._faults.clear()
                await stack.stop() if how == "stop" else stack.crash()
            case _:
                raise ValueError("stack start, stop, crash or version NUMBER")

    def adapter(self, words: list[str]) -> None:
        """Of hci0, where none is named."""
        name, *state = words if words[0] in self._peers else ["hci0", *words]
        air = None if self._stack is None else self._stack.airs[name]
        match state:
            case ["on" | "off" as power]:
                self._powered[name] = power == "on"
                if air is not None:
                    air.power(self._powered[name])
            case ["unplug"]:
                self._absent.add(name)
                if air is not None:
                    air.remove_adapter()
            case ["plug"]:
                self._absent.discard(name)
                if air is not None:
                    air.add_adapter(self._powered[name])
            case ["block" | "unblock" as switch]:
                (self._blocked.add if switch == "block" else self._blocked.discard)(name)
                if air is not None:
                    air.blocked = switch == "block"
                    air.power(not air.blocked and self._powered[name])
            case ["clumsy" | "deft" as skill] if air is not None:
                air.clumsy = skill == "clumsy"
            case _:
                raise ValueError("adapter [hci0] on, off, plug, unplug, block, unblock, clumsy or deft")

    def fault(self, words: list[str]) -> None:
        method, kind, *rest = words
        times = int(rest[rest.index("times") + 1]) if "times" in rest else 1
        path = f"*{rest[rest.index('at') + 1].replace(':', '_')}" if "at" in rest else "*"
        match kind:
            case "hang":
                self._faults.insert(0, Fault(method, hang=True, times=times, path=path))
            case "late":
                self._faults.insert(0, Fault(method, delay_s=float(rest[0]), times=times, path=path))
            case "error":
                self._faults.insert(0, Fault(method, error=f"org.bluez.Error.{rest[0]}", times=times, path=path))
            case _:
                raise ValueError("fault METHOD hang, late SECONDS or error NAME")

    # Wearables

    def press(self, words: list[str]) -> dict[str, float]:
        """When it was pressed, by the clock of this machine since its start."""
        wearable, at_s = self._one(words[0]), time.monotonic()
        wearable.beacon.press(words[1] if len(words) > 1 else "sos")
        self._advertise(wearable)
        return {"at_mono_s": at_s}

    def device(self, words: list[str]) -> None:
        wearable = self._one(words[0])
        match words[1:]:
            case ["on" | "off" as state]:
                wearable.on = state == "on"
            case ["range", dbm, *names]:
                for name in names or self._peers:
                    self._peers[name][wearable.address].rssi = int(dbm)
            case ["pairs", how, *passkey]:
                wearable.pairs, wearable.passkey = how, int(passkey[0]) if passkey else wearable.passkey
            case ["secured", *uuids]:
                wearable.secured = frozenset(int(uuid, 16) for uuid in uuids)
            case ["battery", percent]:
                wearable.battery = int(percent)
            case ["worn" | "unworn" as state]:
                wearable.vitals.worn = state == "worn"
            case ["excited" | "calm" as state]:
                wearable.vitals.excited = state == "excited"
            case ["counting"]:
                wearable.vitals.counting = True
            case ["drop"]:
                self._lose(wearable)
            case ["deaf", count]:
                wearable.deaf = int(count)
            case ["connect", seconds]:
                wearable.connect_s = float(seconds)
            case _:
                raise ValueError("device: on, off, range DBM, battery %, worn, unworn, excited, calm, drop, deaf N")
        for peer in self._all(wearable):
            if not peer.heard:
                self._cut(peer)

    def told(self, words: list[str]) -> list[tuple[int, str]]:
        return self._one(words[0]).told

    def alerts(self, words: list[str]) -> list[int]:
        return self._one(words[0]).alerts

    def stats(self, words: list[str]) -> dict[str, Any]:
        stack = self._stack
        return {
            "running": stack is not None,
            "adverts": sum(air.adverts for air in stack.airs.values()) if stack else 0,
            "scanning": sum(len(air.scanning) for air in stack.airs.values()) if stack else 0,
            "connected": sum(wearable.connected for wearable in self.wearables.values()),
            "links": {name: sum(peer.connected for peer in peers.values()) for name, peers in self._peers.items()},
            "paired": [each.wearable.name for peers in self._peers.values() for each in peers.values() if each.bonded],
            "agents": [agent.capability for agent in stack.agents.registered.values()] if stack else [],
            "calls": stack.calls if stack else {},
            "clocks": {each.name: each.clock.hex() for each in self.wearables.values() if each.clock},
        }

    @property
    def table(self) -> Mapping[str, Command]:
        return {
            "describe": Command(lambda words: self.describe(), "bus, tools and wearables"),
            "press": Command(self.press, "WEARABLE [sos|fall|button|measure|end]"),
            "device": Command(self.device, "WEARABLE on|off|range DBM|battery %|worn|unworn|excited|calm|drop|..."),
            "told": Command(self.told, "WEARABLE: every notification that it sent"),
            "alerts": Command(self.alerts, "WEARABLE: every alert level that it was given"),
            "stack": Command(self.stack, "start|stop|crash|version NUMBER: bluetoothd"),
            "adapter": Command(self.adapter, "[hci0] on|off|plug|unplug|block|unblock|clumsy|deft"),
            "fault": Command(self.fault, "METHOD hang|late S|error NAME [times N] [at ADDRESS]"),
            "stats": Command(self.stats, "counts"),
            "quit": Command(lambda words: self.stopped.set(), "end the simulator"),
        }

    def _one(self, name: str) -> Wearable:
        """By address or name."""
        known = {wearable.name: wearable for wearable in self.wearables.values()}
        return self.wearables.get(name) or known[name]

    def _all(self, wearable: Wearable) -> list[Peer]:
        """As every adapter knows it."""
        return [peers[wearable.address] for peers in self._peers.values()]

    def _lose(self, wearable: Wearable) -> None:
        for peer in self._all(wearable):
            self._cut(peer)

    def _cut(self, peer: Peer) -> None:
        if self._stack is not None:
            self._stack.airs[peer.adapter].lose_link(peer)

    # The course of time

    def _advertise(self, wearable: Wearable) -> None:
        if self._stack is None or not wearable.awake or wearable.connected:
            return
        advert = wearable.beacon.advert(wearable)
        if advert is None:
            return
        for peer in self._all(wearable):
            if peer.heard:
                peer.drift(self._chance)
                self._stack.airs[peer.adapter].hear(peer, advert)

    def _beat(self, wearable: Wearable) -> None:
        wearable.vitals.beat()
        link = next((peer for peer in self._all(wearable) if peer.connected), None) if wearable.connected else None
        if self._stack is None or link is None:
            return
        air = self._stack.airs[link.adapter]
        for service, characteristics in wearable.gatt.items():
            for characteristic in characteristics:
                if characteristic.spoken:
                    air.tell(link, characteristic.uuid)
            measured = _MEASURED.get(service)
            if measured is not None and air.tell(link, measured):
                asyncio.get_running_loop().call_later(MEASURE_S, self._fall_asleep, wearable)

    def _fall_asleep(self, wearable: Wearable) -> None:
        """A meter that has told its measurement switches itself off."""
        wearable.beacon.press("end")
        self._lose(wearable)

    async def _pump(self, hz: float, act: Callable[[Wearable], None]) -> None:
        """For each wearable so often a second, spread evenly."""
        everybody = list(self.wearables.values())
        start_s, done = time.monotonic(), 0
        while hz > 0 and everybody:
            await asyncio.sleep(_SLOT_S)
            due = int((time.monotonic() - start_s) * hz * len(everybody))
            while done < due:
                act(everybody[done % len(everybody)])
                done += 1

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            for air in self._stack.airs.values() if self._stack is not None else ():
                air.reap()
