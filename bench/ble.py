"""Wearables: what the driver costs at a thousand adverts a second, and whether every call for help arrives.

The driver ends in a real journal: a press has arrived when its alarm is on disk.
Presses are timed from the first advert of each, by the clock of the machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.alarms.engine import AlarmEngine
from courtyard.agent.clock import SystemClock
from courtyard.agent.condition import Condition
from courtyard.agent.recorder import Recorder
from courtyard.buffer import JournalError, Options
from courtyard.buffer.journal import Journal
from courtyard.drivers.base import Fault, NotKept, Reading, Signal, Text
from courtyard.drivers.ble.bluez.radio import BluezRadio
from courtyard.drivers.ble.driver import BleDriver
from courtyard.drivers.ble.receive import Setup
from courtyard.drivers.ble.settings import BleDevice, WearableProfile
from hw_sim.control import Client

WEARABLES, ADVERTS_HZ, PRESSES = 500, 2.0, 1000
PROFILE = WearableProfile("Button", "按钮", calls={"press": "sos"}, silent_s=86_400)


class Result(NamedTuple):
    """Shares are of one core; `lost` are presses that never reached the subscriber."""

    adverts_per_s: float
    cpu: float
    rss_growth_mb: float
    pressed: int
    lost: int
    p50_ms: float
    p99_ms: float


class Kept:
    """A sink that ends in the journal: alarms go the way that they go on a gateway; readings are counted."""

    def __init__(self, journal: Journal, clock: SystemClock) -> None:
        recorder = Recorder(journal, clock, lambda device: "b01")
        self._book = AlarmBook(recorder)
        self._engine = AlarmEngine(self._book, gateway="bench")
        self.readings = 0
        self.arrived_s: dict[str, list[float]] = {}

    def reading(self, reading: Reading) -> None:
        self.readings += 1

    async def signal(self, signal: Signal) -> None:
        text = Text("Call for help.", "紧急求助。")
        condition = Condition(
            signal.device, signal.kind, signal.source, 1, signal.active, signal.at_ms, signal.mono_ms, text=text
        )
        try:
            written = self._engine.apply(condition)
            if written is not None:
                await written
        except JournalError as error:
            raise NotKept from error
        if signal.active:
            self.arrived_s.setdefault(signal.device, []).append(time.monotonic())

    def health(self, subject: str, fault: Fault | None) -> None:
        return


def measure(*, wearables: int = WEARABLES, presses: int = PRESSES, quiet_s: float = 15.0) -> Result:
    """Runs once: `quiet_s` without presses for the cost, then the presses, one of each wearable in turn."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hw_sim", "bluetooth", "--folder", folder, "--crowd", str(wearables)]
        command += ["--adverts", str(ADVERTS_HZ), "--beats", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as simulator:
            assert simulator.stdout is not None
            description = json.loads(simulator.stdout.readline())
            os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = description["bus"]
            os.environ["PATH"] = f"{description['tools']}:{os.environ['PATH']}"
            client = Client(Path(description["control"]))
            try:
                return asyncio.run(_run(description, client, Path(folder), presses, quiet_s))
            finally:
                client.close()
                simulator.terminate()
                simulator.wait(10)


async def _run(description: dict[str, Any], client: Client, folder: Path, presses: int, quiet_s: float) -> Result:
    clock, process = SystemClock(), psutil.Process()
    journal = Journal.open(folder / "journal", Options(), boot=clock.boot, wall_ms=clock.wall_ms)
    sink = Kept(journal, clock)
    devices = [
        BleDevice(
            name.lower(), address, PROFILE, Setup(bytes.fromhex(address.replace(":", "")), calls={"press": "sos"})
        )
        for name, address in description["wearables"].items()
    ]
    driver = BleDriver("ble-1", devices, {"hci0": BluezRadio()}, clock)
    running = asyncio.ensure_future(driver.run(sink))
    await asyncio.sleep(5.0)
    before_mb, used_s, start_s = process.memory_info().rss / 1e6, time.process_time(), time.monotonic()
    heard = _heard(driver)
    await asyncio.sleep(quiet_s)
    passed_s = time.monotonic() - start_s
    cpu, rate = (time.process_time() - used_s) / passed_s, (_heard(driver) - heard) / passed_s
    pressed: dict[str, list[float]] = {}
    names = list(description["wearables"])
    for number in range(presses):
        name = names[number % len(names)]
        if number and number % len(names) == 0:
            await asyncio.sleep(40.0)  # until the first calls are over, so that each press is a call of its own
        at = (await asyncio.to_thread(client, f"press {name}"))["at_mono_s"]
        pressed.setdefault(name.lower(), []).append(at)
        await asyncio.sleep(0.005)
    await asyncio.sleep(3.0)
    grown_mb = process.memory_info().rss / 1e6 - before_mb
    running.cancel()
    await asyncio.wait((running,))
    await journal.close()
    waits, lost = [], 0
    for name, times in pressed.items():
        arrived = sink.arrived_s.get(name, [])
        lost += max(0, len(times) - len(arrived))
        waits += [(there - at) * 1000 for at, there in zip(times, arrived, strict=False)]
    waits.sort()
    p50, p99 = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
    return Result(rate, cpu, grown_mb, presses, lost, p50, p99)


def _heard(driver: BleDriver) -> int:
    return driver.counters()["ble-1"].get("heard", 0)
