"""The Modbus driver: owner of one line, poller of its devices.

Invariants
1. At most one request is on the line; who sends keeps the legal silence.
2. A device has at most one Reading per due time.  Due times that pass are skipped and counted, never queued.
3. Waiting for units that do not answer takes at most the share of line time that `timing` allows.
4. An unreachable device publishes one Reading without values when it becomes so, then nothing until it answers.
5. A poll goes on only when what it said of smoke and gas is on disk, or the disk has had its time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence

from courtyard.drivers.base import Clock, DriverError, Fault, Reading, Sink, Write
from courtyard.drivers.lines.settings import LineSettings, SerialLine
from courtyard.drivers.lines.wire import OpenWire, open_wire
from courtyard.drivers.modbus.connection import CLOSED, Connection
from courtyard.drivers.modbus.cycle import NO_ANSWER, Busy, Cycle, run_cycle
from courtyard.drivers.modbus.faults import device_fault, line_down_fault, refused_fault
from courtyard.drivers.modbus.link import LineDown, NotYet
from courtyard.drivers.modbus.raw import RawFrame, RawFrames
from courtyard.drivers.modbus.roster import Roster
from courtyard.drivers.modbus.settings import ModbusDevice
from courtyard.drivers.modbus.timing import TICK_S
from courtyard.drivers.modbus.unit import OFFLINE_CYCLES, SUSPECT_CYCLES, WAKE_PAUSE_S, Unit
from courtyard.drivers.modbus.writing import allowed, write_target

BUSY_S = 1.0
"""A device that says it is busy is left alone so long, then twice as long, and so on."""
LATE_S = 30.0
"""More than opening a line may take, and than a frame needs to pass at the slowest speed, together with a busy
process."""


class ModbusDriver:
    """Driver, Progresses, Reads, Writes, Adjusts and Counts of `drivers.base` for one line.

    Make it inside the event loop.
    """

    def __init__(
        self,
        line: LineSettings,
        devices: Sequence[ModbusDevice],
        clock: Clock,
        *,
        open_line: OpenWire = open_wire,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._line, self._clock = line, clock
        self._loop = asyncio.get_running_loop()
        self._connection = Connection(line, open_line, chance, self._ring)
        self._roster = Roster(line, self._connection.records, self._loop.time())
        self._roster.take(devices, self._loop.time())
        self._sink: Sink | None = None
        self._told: dict[str, Fault | None] = {}
        self._raw = RawFrames(clock, self._loop.time)
        self._alarm: asyncio.Future[None] | None = None
        self._wakes_at = self._loop.time()

    # Driver

    async def run(self, sink: Sink) -> None:
        """Polls until cancelled."""
        self._sink = sink
        self._told.clear()
        connection, roster, loop = self._connection, self._roster, self._loop
        self._wakes_at = loop.time()
        try:
            for unit in roster:
                self._tell_unit(unit)
            while True:
                if not connection.link.up and loop.time() + TICK_S >= connection.reopen_at:
                    await connection.open()
                self._wakes_at = now = loop.time()
                unit_due, look_again = roster.next(now)
                if connection.link.up:
                    if unit_due is None:
                        await self._pause(look_again)
                    else:
                        await self._poll(unit_due, now)
                elif connection.fault is None:
                    await self._pause(connection.reopen_at)
                else:
                    self._tell(self._line.name, connection.fault)
                    if unit_due is None:
                        await self._pause(min(look_again, connection.reopen_at))
                    else:
                        self._take_slot(unit_due, now)
                        await self._fail(unit_due, line_down_fault(unit_due.device.address, connection.fault))
        finally:
            self.close()
            self._sink = None

    def close(self) -> None:
        """Gives the line back after `read` or `write` without `run`."""
        self._connection.close()

    # Progresses, Reads, Writes, Adjusts, Counts

    def on_time(self) -> bool:
        """Whether it slept no longer than it meant to, or asked within the longest time-out of its devices."""
        longest_s = max((unit.device.profile.timeout_s for unit in self._roster), default=0.0)
        return self._loop.time() <= max(self._wakes_at, self._connection.link.asked_at + longest_s) + LATE_S

    async def read(self, device: str) -> Reading:
        """Reads one device now, whether it is due or offline; opens the line where `run` has not."""
        unit = await self._reach(device)
        unit.plan(self._loop.time())
        for _ in range(unit.device.profile.retries + 1):
            try:
                cycle = await run_cycle(unit, self._connection.link, self._may_retry_for_a_person)
            except NotYet as early:
                await asyncio.sleep(max(0.0, early.until - self._loop.time()))
            except Busy as busy:
                unit.trouble = refused_fault(unit.device.address, busy.code)
                await asyncio.sleep(BUSY_S)
            except LineDown as down:
                raise DriverError(down.fault, device) from down
            else:
                if not cycle.answered and cycle.trouble is not None:
                    raise DriverError(cycle.trouble, device)
                return self._reading(unit, cycle)
        raise DriverError(unit.trouble or device_fault("device.silent", unit=unit.device.address), device)

    async def write(self, write: Write) -> None:
        """Writes what the profile lists, and reads it back where it can be read."""
        checked = allowed(self._unit(write.device).device, write)
        unit = await self._reach(write.device)
        try:
            await write_target(unit.device, checked, self._connection.link, unit.record)
        except LineDown as down:
            raise DriverError(down.fault, write.device) from down

    def adjust(self, devices: Sequence[ModbusDevice]) -> None:
        """Takes a new list of devices; those that did not change keep their state."""
        for name in self._roster.take(devices, self._loop.time()):
            self._told.pop(name, None)
        for unit in self._roster:
            self._tell_unit(unit)
        self._ring()

    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """Per device and for the line: `polls`, `answered`, `overdue_skipped`, `late_replies`, `silent` and so on."""
        counts = {unit.device.id: unit.counts | unit.record.counts for unit in self._roster}
        return counts | {self._line.name: dict(self._connection.link.counts)}

    def frames(self, device: str) -> list[RawFrame]:
        """The last frames sent to and received from a device.  Raises DriverError for one that is not of this line."""
        return self._raw.of(self._unit(device).record.frames)

    def _unit(self, device: str) -> Unit:
        unit = self._roster.get(device)
        if unit is None:
            raise DriverError(device_fault("device.unknown", device=device), device)
        if unit.unusable is not None:
            raise DriverError(unit.unusable, device)
        return unit

    async def _reach(self, device: str) -> Unit:
        unit = self._unit(device)
        if not await self._connection.open():
            raise DriverError(self._connection.fault or CLOSED, self._line.name)
        return unit

    def _may_retry_for_a_person(self, unit: Unit, tries: int, waited_s: float) -> bool:
        self._roster.charge(waited_s)
        return tries <= unit.device.profile.retries

    # Polling

    async def _poll(self, unit: Unit, now: float) -> None:
        unit.plan(now)
        if not unit.jobs:
            unit.schedule.take(now)
            return  # it refuses everything, and is asked again when its requests are learned anew
        try:
            cycle = await run_cycle(unit, self._connection.link, self._may_retry)
        except NotYet as early:
            unit.not_before = early.until
            return
        except Busy as busy:
            await self._leave_alone(unit, now, busy)
            return
        except LineDown:
            return  # the device stays due; the line is opened again, or its fault fails the device
        self._take_slot(unit, now)
        if cycle.answered:
            self._connection.heard()
            await self._succeed(unit, cycle, now)
        else:
            self._connection.waited_in_vain()
            await self._fail(unit, cycle.trouble)
        unit.judge(silent=cycle.silent)
        self._tell(self._line.name, self._line_fault())

    async def _succeed(self, unit: Unit, cycle: Cycle, began: float) -> None:
        unit.count("answered")
        unit.offline = False
        unit.failed_cycles = unit.busy = 0
        unit.trouble = cycle.trouble
        unit.late_before = unit.late_replies
        unit.heard_at = self._loop.time()
        unit.cost_s = unit.heard_at - began
        if unit.counters:
            cycle.quality.update(unit.counters.judge(cycle.values, self._clock.mono_ms()))
        self._publish(self._reading(unit, cycle))
        self._tell(unit.device.id, unit.fault())
        if self._sink is not None and unit.signals:
            await unit.signals.answered(self._sink, cycle.values, self._clock, unit.record.frames[-1].data.hex())

    async def _fail(self, unit: Unit, trouble: Fault | None) -> None:
        """The device gave nothing in this cycle."""
        unit.count("failed_cycles")
        unit.failed_cycles += 1
        unit.trouble = trouble
        if not unit.offline:
            unit.offline = unit.failed_cycles >= OFFLINE_CYCLES
            nothing = Cycle(dict(unit.blank), dict.fromkeys(unit.blank, NO_ANSWER), False, True, trouble)
            self._publish(self._reading(unit, nothing))
        if unit.offline:
            self._tell_unit(unit)
        if self._sink is not None and unit.failed_cycles >= SUSPECT_CYCLES:  # later polls may have to wait
            await unit.signals.silent(self._sink, self._clock)

    def _take_slot(self, unit: Unit, now: float) -> None:
        unit.count("polls")
        skipped = unit.schedule.take(now)
        if skipped:
            unit.count("overdue_skipped", skipped)

    async def _leave_alone(self, unit: Unit, now: float, busy: Busy) -> None:
        """Waits for a busy device; after as many times as it may be retried, the cycle has failed."""
        unit.busy += 1
        unit.not_before = self._loop.time() + BUSY_S * 2 ** min(unit.busy - 1, 3)
        if unit.busy > unit.device.profile.retries:
            unit.busy = 0
            self._take_slot(unit, now)
            await self._fail(unit, refused_fault(unit.device.address, busy.code))

    def _may_retry(self, unit: Unit, tries: int, waited_s: float) -> bool:
        """Whether to ask again at once; what was waited in vain is charged to the line's budget."""
        now = self._loop.time()
        profile = unit.device.profile
        if profile.wake and tries == 1 and now - unit.heard_at > WAKE_PAUSE_S:
            return True
        self._roster.charge(waited_s)
        if tries > profile.retries or unit.offline:
            return False
        return waited_s == 0.0 or self._roster.may_retry(unit, now)

    def _reading(self, unit: Unit, cycle: Cycle) -> Reading:
        return Reading(unit.device.id, self._clock.wall_ms(), self._clock.mono_ms(), cycle.values, cycle.quality)

    def _publish(self, reading: Reading) -> None:
        if self._sink is not None:
            self._sink.reading(reading)

    # Telling and waiting

    def _tell_unit(self, unit: Unit) -> None:
        known = unit.offline or unit.unusable is not None or unit.count_of("answered") > 0
        if known:
            self._tell(unit.device.id, unit.fault())

    def _line_fault(self) -> Fault | None:
        """Of a line that is up."""
        silent = isinstance(self._line, SerialLine) and self._roster.all_silent()
        return device_fault("line.silent") if silent else None

    def _tell(self, subject: str, fault: Fault | None) -> None:
        if self._sink is not None and (subject not in self._told or self._told[subject] != fault):
            self._told[subject] = fault
            self._sink.health(subject, fault)

    async def _pause(self, until: float) -> None:
        """Waits for a loop time, or until `_ring`."""
        self._wakes_at = until
        self._alarm = alarm = self._loop.create_future()
        timer = self._loop.call_at(until, self._ring) if until != float("inf") else None
        try:
            await alarm
        finally:
            self._alarm = None
            if timer is not None:
                timer.cancel()

    def _ring(self) -> None:
        if self._alarm is not None and not self._alarm.done():
            self._alarm.set_result(None)
