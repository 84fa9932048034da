"""The driver of wearables on a real private D-Bus with a simulated BlueZ, or on a radio in virtual time."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from courtyard.drivers.base import Fault, NotKept, Reading, Signal
from courtyard.drivers.ble.settings import BleDevice, WearableProfile
from courtyard.drivers.ble.setup import Setup
from hw_sim.control import Client

LOOK_S = 0.05
START_MS = 1_795_329_015_000
"""2026-11-22T06:30:15Z."""
BAND = WearableProfile(
    "Band", "手环", connect="always", characteristics=("2A37", "2A5F"), stale_s=5.0, silent_s=30.0, priority=3
)
CUFF = WearableProfile(
    "Cuff", "血压计", connect="when_heard", characteristics=("2A35",), priority=1, sets_clock=True, silent_s=86_400
)
BUTTON = WearableProfile("Button", "按钮", calls={"press": "sos", "long_press": "fall"}, silent_s=86_400)


def octets(address: str) -> bytes:
    return bytes.fromhex(address.replace(":", ""))


def wearable(name: str, address: str, profile: WearableProfile, **setup: Any) -> BleDevice:
    """A device of a site."""
    return BleDevice(name, address, profile, Setup(octets(address), calls=dict(profile.calls), **setup))


def band(number: int) -> BleDevice:
    return wearable(f"band-{number}", f"C0:FF:EE:00:00:{number:02X}", BAND)


class RealClock:
    """The clocks of this machine."""

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def mono_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000


class LoopClock:
    """Both clocks follow the running loop."""

    def wall_ms(self) -> int:
        return START_MS + self.mono_ms()

    def mono_ms(self) -> int:
        return round(asyncio.get_running_loop().time() * 1000)


class Collected:
    """A sink that remembers.  `keeps` False makes signals come back as not kept."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.signals: list[Signal] = []
        self.faults: dict[str, Fault | None] = {}
        self.said: list[tuple[str, str | None]] = []
        self.keeps = True
        self._news = asyncio.Event()

    def reading(self, reading: Reading) -> None:
        self.readings.append(reading)
        self._news.set()

    async def signal(self, signal: Signal) -> None:
        self.signals.append(signal)
        self._news.set()
        if not self.keeps:
            raise NotKept

    def health(self, subject: str, fault: Fault | None) -> None:
        self.faults[subject] = fault
        self.said.append((subject, fault and fault.code))
        self._news.set()

    async def until(self, true: Callable[[], object], timeout_s: float = 100.0) -> None:
        """Waits for something to hold; raises TimeoutError."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(timeout_s):
            while not true():
                self._news.clear()
                look_again = loop.call_later(LOOK_S, self._news.set)  # for what changes without a word to the sink
                await self._news.wait()
                look_again.cancel()

    def values(self, device: str, point: str) -> list[Any]:
        """In the order in which they came."""
        return [each.values[point] for each in self.readings if each.device == device and point in each.values]


class Stack:
    """A running `hw-sim bluetooth`."""

    def __init__(self, description: dict[str, Any]) -> None:
        self.bus, self.tools = description["bus"], description["tools"]
        self.names: dict[str, str] = description["wearables"]
        self._client = Client(Path(description["control"]))

    def __call__(self, *words: object) -> Any:
        return self._client(" ".join(map(str, words)))

    def close(self) -> None:
        self._client.close()

    @property
    def environment(self) -> dict[str, str]:
        """What makes a client meet this stack and no other."""
        return {"DBUS_SYSTEM_BUS_ADDRESS": self.bus, "PATH": f"{self.tools}:{os.environ['PATH']}"}


@contextmanager
def bluetooth(folder: Path, *options: str) -> Iterator[Stack]:
    """Starts a simulated stack in a process of its own."""
    command = [sys.executable, "-m", "hw_sim", "bluetooth", "--folder", str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            stack = Stack(json.loads(process.stdout.readline()))
            yield stack
            stack.close()
        finally:
            process.terminate()
            process.wait(60)


@contextmanager
def meeting(stack: Stack) -> Iterator[None]:
    """This process meets this stack."""
    before = {name: os.environ.get(name) for name in stack.environment}
    os.environ.update(stack.environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
