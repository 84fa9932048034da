"""One camera over time: connected, supervised, its events pulled; back-off after every failure.

Invariants
1. Every request runs in a thread of this camera alone and ends within its time, so that no camera delays another.
2. After a refused login nothing is asked for LOGIN_RETRY_S.
3. A subscription is given back when the session ends; a lost one is made anew.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from courtyard.drivers.base import DriverError, Fault
from courtyard.drivers.camera.faults import camera_error, camera_fault, is_login
from courtyard.drivers.camera.onvif import LEASE_S, PULL_S, OnvifCamera
from courtyard.drivers.camera.settings import Camera, Login
from courtyard.drivers.camera.transport import CONNECT_S, READ_S
from courtyard.drivers.camera.values import Notification, Profile, Subscription

T = TypeVar("T")
CALL_S = 3 * (CONNECT_S + READ_S)
"""Three requests at most make one call."""
HEALTH_S = 20.0
SKEW_S = 5.0
RENEW_SHARE = 0.6
FIRST_RETRY_S, LAST_RETRY_S, LOGIN_RETRY_S = 1.0, 5.0, 600.0
LONGEST_SUBSCRIBE_RETRY_S = 60.0
LEAVE_S = 1.0


class Listener(Protocol):
    """What a session tells of its camera."""

    def answered(self) -> None:
        """It has answered a request just now."""

    def ailing(self, part: str, fault: Fault | None) -> None:
        """The present state of one part: `device`, `events`, `clock`."""

    def streams(self, address: str, profile: Profile) -> None:
        """Where its picture is."""

    async def happened(self, notification: Notification) -> None: ...


class Session:
    """`make` builds the blocking camera; tests give another."""

    def __init__(
        self,
        camera: Camera,
        login: Callable[[], Login],
        listener: Listener,
        *,
        make: Callable[[Camera, Login], OnvifCamera] = OnvifCamera,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.camera, self._login, self._listener = camera, login, listener
        self._make, self._chance = make, chance
        self._threads = ThreadPoolExecutor(3, thread_name_prefix=camera.id)
        self._device: OnvifCamera | None = None
        self._events: OnvifCamera | None = None

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                await self._repeat("device", self._live, LAST_RETRY_S)
        finally:
            for device in (self._device, self._events):
                if device is not None:
                    device.close()
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def switch(self, relay: str, active: bool) -> None:
        """Raises DriverError."""
        if self._device is None:
            raise camera_error("camera.unreachable", self.camera.id, reason="not connected")
        device = self._device
        await self._call(device, lambda: device.switch(relay, active))

    async def snapshot(self) -> bytes:
        """A JPEG of now.  Raises DriverError."""
        if self._device is None:
            raise camera_error("camera.unreachable", self.camera.id, reason="not connected")
        device = self._device
        return await self._call(device, lambda: device.snapshot(device.stream()[1].token))

    async def _repeat(self, part: str, live: Callable[[], Awaitable[None]], longest_s: float) -> None:
        """Lives again after every fault, until cancelled."""
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            try:
                await live()
            except DriverError as error:
                self._listener.ailing(part, error.fault)
                failures = 0 if loop.time() - began_s > longest_s else min(failures + 1, 8)
                retry_s = min(FIRST_RETRY_S * 2**failures, longest_s) * (0.5 + self._chance() / 2)
                await asyncio.sleep(LOGIN_RETRY_S if is_login(error.fault) else retry_s)

    async def _live(self) -> None:
        """From connecting to the first fault."""
        device = self._device = await self._connect()
        if self.camera.video:
            self._listener.streams(*await self._call(device, device.stream))
        self._listener.ailing("device", None)
        self._events = self._make(self.camera, device.login)
        self._events.known = device.known
        async with asyncio.TaskGroup() as group:
            pulling = group.create_task(self._pull_events()) if self.camera.events else None
            ended = await self._supervise(device)
            if pulling is not None:
                pulling.cancel()
        self._device = None
        raise ended

    async def _connect(self) -> OnvifCamera:
        login = self._login()
        device = await asyncio.get_running_loop().run_in_executor(self._threads, self._make, self.camera, login)
        await self._call(device, device.connect)
        return device

    async def _supervise(self, device: OnvifCamera) -> DriverError:
        """Looks at it now and then; why it can be looked at no longer."""
        while True:
            skew_s = device.known.skew.total_seconds()
            off = abs(skew_s) > SKEW_S
            self._listener.ailing("clock", camera_fault("camera.clock", self.camera.id, skew=skew_s) if off else None)
            await asyncio.sleep(HEALTH_S)
            try:
                await self._call(device, device.clock_skew)
            except DriverError as error:
                return error

    async def _pull_events(self) -> None:
        await self._repeat("events", self._subscribed, LONGEST_SUBSCRIBE_RETRY_S)

    async def _subscribed(self) -> None:
        """One subscription after the other, until one fails."""
        device = self._events
        assert device is not None
        while True:
            subscription = await self._call(device, device.subscribe)
            try:
                self._listener.ailing("events", None)
                await self._pull(device, subscription)
            finally:
                await self._give_back(device, subscription)

    async def _pull(self, device: OnvifCamera, subscription: Subscription) -> None:
        """Until it cannot be renewed, as with some cameras, which need a new one instead."""
        loop = asyncio.get_running_loop()
        renew_at_s = loop.time() + RENEW_SHARE * (subscription.lease_s or LEASE_S)
        while True:
            pull_s = max(1.0, min(PULL_S, renew_at_s - loop.time()))
            pull = functools.partial(device.pull, subscription, pull_s)
            for each in await self._call(device, pull, pull_s + CALL_S):
                await self._listener.happened(each)
            if loop.time() >= renew_at_s:
                try:
                    subscription = await self._call(device, functools.partial(device.renew, subscription))
                except DriverError as error:
                    if error.fault.code != "camera.refused":
                        raise
                    return
                renew_at_s = loop.time() + RENEW_SHARE * (subscription.lease_s or LEASE_S)

    async def _give_back(self, device: OnvifCamera, subscription: Subscription) -> None:
        """Within LEAVE_S, also while the session is being cancelled; a camera that cannot keeps it for its lease."""
        device.transport.abort()  # a pull that still waits
        asked = asyncio.get_running_loop().run_in_executor(self._threads, device.unsubscribe, subscription)
        asked.add_done_callback(_heard)  # a refusal means that it has forgotten the subscription by itself
        await asyncio.wait([asked], timeout=LEAVE_S)

    async def _call(self, device: OnvifCamera, call: Callable[[], T], most_s: float = CALL_S) -> T:
        """Runs a blocking call; one that takes too long is ended with its connection."""
        asked = asyncio.get_running_loop().run_in_executor(self._threads, call)
        asked.add_done_callback(_heard)
        try:
            done, _ = await asyncio.wait([asked], timeout=most_s)
        except asyncio.CancelledError:
            device.transport.abort()
            raise
        if not done:
            device.transport.abort()
            raise camera_error("camera.silent", self.camera.id, reason=f"{most_s:.0f} s")
        result = asked.result()
        self._listener.answered()
        return result


def _heard(asked: asyncio.Future[T]) -> None:
    """What a call that nobody waits for any more ends with matters to nobody."""
    if not asked.cancelled():
        asked.exception()
