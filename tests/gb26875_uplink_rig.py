"""A gateway with a real journal that reports to simulated fire-control centres."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from courtyard.agent.condition import Condition
from courtyard.agent.records import AlarmRecord, stamp
from courtyard.agent.uplinks.gb26875.analogues import Measured, Quantity
from courtyard.agent.uplinks.gb26875.centre import Centre
from courtyard.agent.uplinks.gb26875.inventory import Inventory
from courtyard.agent.uplinks.gb26875.uplink import Gb26875Uplink
from courtyard.buffer import Options
from courtyard.buffer.journal import Journal
from courtyard.config.station import Station
from courtyard.config.uplink import Uplink
from courtyard.drivers.base import Fault, Severity, Text
from courtyard.drivers.lines.wire import Listener, Wire
from hw_sim import centre as simulated
from tests.gateway_rig import START_MS, Gateway, VirtualClock
from tests.gateway_rig import site as site_of
from tests.tasks import end

OWN = 0x11223344
PANEL = "fire-b03"


class Cable:
    """A wire between an uplink and a simulated centre, without a network; `whole` says whether it carries anything."""

    def __init__(self, there: simulated.Centre) -> None:
        self.there, self.sent = there, list[tuple[float, bytes]]()
        self.whole = True
        self._listener: Listener | None = None
        self._buffer = bytearray()

    async def open(self, listener: Listener) -> Wire:
        self._listener = listener
        self.there.connections += 1
        return self

    @property
    def is_open(self) -> bool:
        return self._listener is not None

    def send(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.sent.append((loop.time(), data))
        if self.whole:
            self._buffer += data
            loop.call_soon(self.there.heard, self._buffer, self._back)

    def close(self) -> None:
        self._listener = None

    def _back(self, data: bytes) -> None:
        if self._listener is not None and self.whole:
            asyncio.get_running_loop().call_soon(self._listener.received, data)


class Box:
    """Alarms in a journal on disk, and uplinks that report them."""

    def __init__(self, folder: Path, *, threads: bool = True) -> None:
        self.folder, self._threads = folder, threads
        self.patrols: list[int] = []
        self.offsets: list[float] = []
        self.over: list[str] = []
        self.faults: list[str | None] = []
        self.handed: set[str] | None = None
        self.inventory = Inventory()
        self.uplinks: list[Gb26875Uplink] = []
        self.quantities: list[Quantity] = []
        self.measured: dict[str, Measured] = {}
        self.kept = b""
        self._tasks: list[asyncio.Task[None]] = []
        self.start()

    def start(self) -> None:
        """Opens the journal, also after `kill`."""
        patient = {"commit_timeout_s": 60.0, "disk_timeout_s": 60.0} if self._threads else {}
        options = Options(stamp=stamp, threads=self._threads, quota_bytes=64 << 20, **patient)
        clock = VirtualClock()
        self.journal = Journal.open(self.folder / "journal", options, boot="b", wall_ms=clock.wall_ms)
        panel = {"id": PANEL, "profile": "water/tuf-2000", "line": "l", "address": 1, "place": "b03"}
        self.gateway = Gateway(self.journal, site_of(devices=[panel]), clock)

    def alarms(self) -> list[AlarmRecord]:
        return [alarm.record for alarm in self.gateway.book if alarm.active]

    def uplink(self, name: str = "centre", *, url: str = "tcp://127.0.0.1:1", **more: Any) -> Gb26875Uplink:
        connect = more.pop("connect", None)
        systems = more.pop("systems", {})
        settings = Uplink(name, url, format="gb26875", station=Station(OWN, 1, 30.0, systems), start="oldest", **more)
        feed = self.journal.attach(name, lanes=("alarm", "event"), start="oldest")
        centre = Centre(
            present=self.alarms,
            received=lambda record: self.received(name, record),
            wanted=lambda alarm_id: self.handed is None or alarm_id in self.handed,
            over=self.over.append,
            patrol=self.patrols.append,
            clock=self.offsets.append,
            configuration=lambda: "gw-0007",
            inventory=lambda: self.inventory,
            quantities=lambda: self.quantities,
            measure=lambda analogue: self.measured.get(analogue.device),
            recall=self.kept,
            note=self._keep,
        )
        made = Gb26875Uplink(
            settings,
            self.gateway.site.gateway,
            feed,
            centre,
            version="3.14.1",
            wall_ms=self.gateway.clock.wall_ms,
            fault=lambda fault: self.faults.append(_code(fault)),
            jitter=lambda: 0.0,
            connect=connect,
        )
        self.uplinks.append(made)
        self._tasks.append(asyncio.create_task(made.run()))
        return made

    async def _keep(self, operations: bytes) -> None:
        self.kept = operations

    def received(self, name: str, record: AlarmRecord) -> None:
        alarm = self.gateway.book.get(record.alarm_id)
        if alarm is not None and alarm.record.occurrence == record.occurrence:
            self.gateway.acts.received(name, record.alarm_id, record.occurrence)

    async def alarm(
        self,
        source: str = "1-6-12",
        kind: str = "fire",
        *,
        active: bool = True,
        device: str = PANEL,
        severity: Severity = 1,
        test: bool = False,
        **details: Any,
    ) -> None:
        """Returns when it is on disk."""
        now = self.gateway.recorder.now()
        text = Text("fire", "3号楼6层走廊")
        condition = Condition(
            device, kind, source, severity, active, *now, text=text, details=details, test=test, evidence=True
        )
        written = self.gateway.engine.apply(condition)
        if written is not None:
            await asyncio.shield(written)

    async def stop(self) -> None:
        """Uplinks first, as the daemon does; raises what went wrong in one of them."""
        tasks, self._tasks = self._tasks, []
        await end(tasks)
        await self.journal.close()


def _code(fault: Fault | None) -> str | None:
    return fault.code if fault else None


__all__ = ["OWN", "PANEL", "START_MS", "Box", "Cable"]
