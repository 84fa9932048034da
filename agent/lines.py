"""The lines of a site: which driver runs on each, and how the rest of the gateway reaches it.

A driver must have `run(sink)`; all else that it can do is told by the protocols of `drivers.base`: Reads, Writes,
Adjusts, Counts, Traces and Progresses.

Invariants
1. A line has one driver, and a driver one line; a line on which nothing hangs has none.
2. A new site touches only the lines that differ: a driver that cannot take its new devices while it runs is made anew.
3. A driver that failed, or no longer gets on, is made anew: nothing that held up the old one is kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from courtyard.agent.ble_scan import Watches, own_driver
from courtyard.agent.families import DRIVERS, MakeDriver, Surroundings, zone_of
from courtyard.agent.notebook import JournalNotebook
from courtyard.agent.recorder import GatewayClock
from courtyard.agent.scannable import scannable
from courtyard.agent.supervisor import Supervisor
from courtyard.config.snapshot import Family, Line, Snapshot
from courtyard.drivers.base import (
    Adjusts,
    Counts,
    Driver,
    DriverError,
    Fault,
    Progresses,
    Reading,
    Reads,
    Sink,
    Text,
    Traces,
    Write,
    Writes,
)
from courtyard.drivers.ble.rooms import Rooms
from courtyard.drivers.lines.settings import BleLine, LineSettings

REST_S = 1.5


class Lines:
    """The drivers of a site, each kept running by the supervisor.  Used from the event loop only."""

    def __init__(
        self,
        snapshot: Snapshot,
        clock: GatewayClock,
        sink: Sink,
        supervisor: Supervisor,
        *,
        drivers: Mapping[Family, MakeDriver] = DRIVERS,
        notebook: JournalNotebook | None = None,
        rooms: Rooms | None = None,
    ) -> None:
        self._snapshot, self._clock, self._sink, self._supervisor = snapshot, clock, sink, supervisor
        self._rooms = rooms
        self._make, self._notebook = drivers, notebook
        self._drivers: dict[str, Driver] = {}

    def start(self) -> None:
        """Starts the driver of every line that has devices and no driver yet."""
        for name, line in self._snapshot.lines.items():
            if line.family is not None and name not in self._drivers:
                self._drivers[name] = self._made(line)
                self._run(name)

    async def take(self, snapshot: Snapshot) -> None:
        """Takes another site."""
        before, self._snapshot = self._snapshot, snapshot
        stale = [name for name in self._drivers if not self._goes_on(name, before, snapshot)]
        await self._supervisor.stop(map(line_part, stale))
        for name in stale:
            del self._drivers[name]
        self.start()

    @asynccontextmanager
    async def at_rest(self, name: str) -> AsyncIterator[LineSettings]:
        """The settings of a line without its driver, for a scan that needs it alone; it goes on afterwards.

        Raises DriverError for a line that must not be scanned.
        """
        settings = scannable(self._snapshot, name)
        await self._supervisor.stop([line_part(name)], REST_S)
        try:
            yield settings
        finally:
            if name in self._drivers and line_part(name) not in self._supervisor.names():
                self._run(name)

    @asynccontextmanager
    async def watching(self, name: str | None) -> AsyncIterator[Watches]:
        """The driver of a Bluetooth line, or of the only one: to see what is around.

        A line without devices gets a driver for so long.  Raises DriverError.
        """
        bluetooth = [each for each, line in self._snapshot.lines.items() if isinstance(line.settings, BleLine)]
        wanted = [each for each in bluetooth if name in (None, each)]
        if not wanted:
            raise DriverError(NO_WEARABLES, name or "")
        driver: Any = self._drivers.get(wanted[0])
        if driver is not None:
            yield driver
            return
        async with own_driver(self._snapshot.lines[wanted[0]].settings.adapters, self._clock) as own:
            yield own

    async def read(self, device: str) -> Reading:
        """Reads one device now.  Raises DriverError, also for a device that cannot be asked."""
        driver = self.driver_of(device)
        if not isinstance(driver, Reads):
            raise DriverError(SPEAKS_BY_ITSELF, device)
        return await driver.read(device)

    async def write(self, write: Write) -> None:
        """Writes one value.  Raises DriverError, also for a device on which nothing may ever be written."""
        driver = self.driver_of(write.device)
        if not isinstance(driver, Writes):
            raise DriverError(ONLY_LISTENED_TO, write.device)
        await driver.write(write)

    def frames(self, device: str) -> Sequence[Any]:
        """The last frames of a device, of a driver that keeps them.  Raises DriverError for an unknown device."""
        driver = self.driver_of(device)
        return driver.frames(device) if isinstance(driver, Traces) else ()

    def counters(self) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
        """What the drivers count, by line."""
        return {name: driver.counters() for name, driver in self._drivers.items() if isinstance(driver, Counts)}

    def counters_of(self, device: str) -> Mapping[str, int]:
        """What its driver counts of one device.  Raises DriverError for an unknown device."""
        driver = self.driver_of(device)
        return driver.counters().get(device, {}) if isinstance(driver, Counts) else {}

    def driver_of(self, device: str) -> Driver:
        """The driver that a device belongs to.  Raises DriverError for one that is not in the site."""
        installed = self._snapshot.devices.get(device)
        if installed is None:
            what = Text(f"{device} is not in the site.", f"站点中没有 {device}。")
            raise DriverError(Fault("device.unknown", what, Text("Check the name.", "请检查设备编号。")), device)
        driver = self._drivers.get(installed.line)
        if driver is None:
            what = Text(f"The line {installed.line} is being set up anew.", f"线路 {installed.line} 正在重新配置。")
            raise DriverError(Fault("line.changing", what, Text("Try again.", "请重试。")), device)
        return driver

    def _goes_on(self, name: str, before: Snapshot, after: Snapshot) -> bool:
        """Whether the driver of a line can run on, with its new devices if they differ."""
        old, new, driver = before.lines[name], after.lines.get(name), self._drivers[name]
        if new is None or (old.settings, old.family) != (new.settings, new.family) or zone_of(before) != zone_of(after):
            return False
        if old.devices == new.devices:
            return True
        if not isinstance(driver, Adjusts):
            return False
        try:
            driver.adjust(new.devices)
        except ValueError:
            return False
        return True

    def _made(self, line: Line) -> Driver:
        assert line.family is not None
        return self._make[line.family](
            line,
            Surroundings(
                self._clock, zone_of(self._snapshot), self._notebook, self._rooms, directory=self._snapshot.directory
            ),
        )

    def _run(self, name: str) -> None:
        failed = False

        async def run() -> None:
            nonlocal failed
            if failed:  # whatever broke the driver, or held it up, may still be in it
                self._drivers[name] = self._made(self._snapshot.lines[name])
            failed = True
            await self._drivers[name].run(self._sink)

        def on_time() -> bool:
            driver = self._drivers[name]
            return not isinstance(driver, Progresses) or driver.on_time()

        self._supervisor.start(line_part(name), run, on_time=on_time)


def line_part(name: str) -> str:
    """The supervised part that runs a line."""
    return f"line {name}"


SPEAKS_BY_ITSELF = Fault(
    "device.speaks_by_itself",
    Text(
        "This device reports by itself and cannot be asked: fire panels and wearables are only ever listened to.",
        "该设备自行上报，不能查询：对消防控制器和穿戴设备只监听。",
    ),
    Text(
        "See its alarms with `courtyard status`, its latest frames with `courtyard read --raw`.",
        "请用 courtyard status 查看其报警，用 courtyard read --raw 查看最近的报文。",
    ),
)
ONLY_LISTENED_TO = Fault(
    "device.only_listened_to",
    Text(
        "Nothing can be written on this device: the gateway only listens to it.",
        "不能写入该设备：网关对其只监听。",
    ),
    Text("Operate it by hand, on the device itself.", "请在设备本机上手动操作。"),
)
NO_WEARABLES = Fault(
    "line.no_wearables",
    Text("The site has no such Bluetooth line.", "站点中没有该蓝牙线路。"),
    Text('Add one: [[lines]] name = "ble-1" kind = "ble"', '请添加：[[lines]] name = "ble-1" kind = "ble"'),
)
