"""One radio of a driver, kept up: opened again whenever it goes down, scanned anew when it falls silent."""

from __future__ import annotations

import asyncio
import datetime
from collections import Counter
from typing import Protocol

from courtyard.drivers.base import DriverError, Fault
from courtyard.drivers.ble.candidates import Candidates
from courtyard.drivers.ble.connections import Connections
from courtyard.drivers.ble.escalation import Escalation
from courtyard.drivers.ble.faults import adapter_fault
from courtyard.drivers.ble.post import Post
from courtyard.drivers.ble.radio import Heard, Radio
from courtyard.drivers.progress import Progress

LOOK_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0


class Owner(Protocol):
    """The driver of several stations, as one of them knows it."""

    counts: Counter[str]

    def heard(self, station: Station, heard: Heard) -> None:
        """One advert."""

    def said(self, station: Station, post: Post, uuid: int, value: bytes) -> None:
        """One notification or read value."""

    def came_up(self, station: Station) -> None:
        """It listens, for the first time or again."""

    def changed(self) -> None:
        """The fault of a station is another."""

    def listens(self, station: Station) -> bool:
        """Whether anybody wants to know what it hears."""

    def connects(self) -> bool:
        """Whether there are devices at all: an adapter is not switched off and on for nothing."""

    def local_time(self) -> datetime.datetime:
        """Now, as the devices' clocks should show it."""


class Station:
    """One radio and its only user.  `name` is that of the adapter; `receiver` what rooms know it as."""

    def __init__(
        self,
        name: str,
        receiver: str,
        radio: Radio,
        slots: int,
        candidates: Candidates,
        owner: Owner,
        progress: Progress,
    ) -> None:
        self.name, self.receiver, self.radio = name, receiver, radio
        self._slots, self._candidates, self._owner, self._progress = slots, candidates, owner, progress
        self._loop = asyncio.get_running_loop()
        self._escalation = Escalation(self._loop.time())
        self._heard_count = 0
        self.connections: Connections | None = None
        """While it is up."""
        self.fault: Fault | None = None
        self.ever_up = False

    async def run(self) -> None:
        """Listens until cancelled."""
        try:
            await self._keep_up()
        finally:
            await self.radio.shut()

    def alive(self) -> None:
        """A device of the site was heard: whatever was wrong is so no more."""
        if self.fault is not None:
            self._say(None)

    async def _keep_up(self) -> None:
        """Opens the radio, and again whenever it goes down."""
        pause_s, was_down = FIRST_PAUSE_S, True
        counts = self._owner.counts
        while True:
            self._progress.expect(self.name)
            try:
                down = await self.radio.open(self._heard)
            except DriverError as error:
                await self.radio.close()
                self._say(error.fault)
                await self._rest(pause_s)
                pause_s, was_down = min(LONGEST_PAUSE_S, pause_s * 2), True
                continue
            counts["opened"] += 1
            heard = self._heard_count
            self._escalation.opened(self._loop.time())
            if was_down:
                self._owner.came_up(self)
            if not self._escalation.deaf:
                self._say(None)
            fault = await self._listen(down)
            await self.radio.close()
            was_down = fault is not None
            if fault is None:
                continue
            counts["lost"] += 1
            self._say(fault)
            if self._heard_count > heard:
                pause_s = FIRST_PAUSE_S
            else:
                await self._rest(pause_s)
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    async def _rest(self, pause_s: float) -> None:
        """A pause, cut short when something about the adapter changes."""
        self._progress.expect(self.name, pause_s)
        try:
            async with asyncio.timeout(pause_s):
                await self.radio.changed()
        except TimeoutError:
            return

    async def _listen(self, down: asyncio.Future[Fault]) -> Fault | None:
        """Works until the radio goes down, with the reason, or should be opened anew, without one."""
        self.connections = connections = Connections(
            self.radio, self._slots, self._candidates, self._said, self._tried, self._owner.local_time
        )
        working = self._loop.create_task(connections.run())
        stepping = self._loop.create_task(self._step())
        try:
            await asyncio.wait((down, working, stepping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.connections = None
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
            self._progress.expect(self.name, LOOK_S)
            await asyncio.sleep(LOOK_S)
            step = self._escalation.next(self._loop.time())
            if self._escalation.deaf:
                self._say(adapter_fault("deaf", self.name))
            if step == "scan" and self._owner.listens(self):
                self._owner.counts["rescans"] += 1
                return
            if step == "power" and self._owner.connects():
                self._owner.counts["power_cycles"] += 1
                try:
                    await self.radio.power_cycle()
                except DriverError as error:
                    self._say(error.fault)
                return

    def _say(self, fault: Fault | None) -> None:
        self.ever_up = self.ever_up or fault is None
        if fault is None or fault != self.fault:
            self.fault = fault
            self._owner.changed()

    def _heard(self, heard: Heard) -> None:
        self._escalation.sign(self._loop.time())
        self._heard_count += 1
        self._owner.heard(self, heard)

    def _said(self, post: Post, uuid: int, value: bytes) -> None:
        self._escalation.sign(self._loop.time())
        self._owner.said(self, post, uuid, value)

    def _tried(self, post: Post, success: bool) -> None:
        if success:
            self._escalation.connected()
        else:
            self._escalation.refused(post.device.id)
