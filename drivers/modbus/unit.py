"""One device on a Modbus line: its requests as far as they are learned, its place in the schedule, its health."""

from __future__ import annotations

from collections.abc import Sequence

from courtyard.drivers.base import Fault, Scalar
from courtyard.drivers.lines.settings import LineSettings, TcpLine
from courtyard.drivers.modbus.counting import Counters
from courtyard.drivers.modbus.decoding import decoder_for
from courtyard.drivers.modbus.faults import device_fault, refused_fault
from courtyard.drivers.modbus.link import Ask, Records
from courtyard.drivers.modbus.planning import Part, halves, plan
from courtyard.drivers.modbus.reads import Read
from courtyard.drivers.modbus.settings import ModbusDevice
from courtyard.drivers.modbus.signals import Signals
from courtyard.drivers.modbus.timing import Schedule

OFFLINE_CYCLES = 3
RELEARN_S = 1800.0
"""After this long, everything is asked in the fewest requests again."""
RELEARN_ALL_S = 60.0
"""The same for a device that refuses everything; until then it is not asked."""
SUSPECT_CYCLES = 2
"""Polls in a row with a request in vain, after which asking the device costs the line's budget; the first will do for
a device that has never answered."""
WAKE_PAUSE_S = 5.0
"""A battery meter that was not asked for so long may lose the first request."""
SILENT_PARTS = 3
"""Cycles in which a request found no answer while others of the unit did, before it is split."""


class Job:
    """One request of a device and what becomes of its answer."""

    __slots__ = ("ask", "decoder", "part", "silences")

    def __init__(self, part: Part, device: ModbusDevice, records: Records) -> None:
        self.part = part
        self.ask = Ask(device.address, part.read, device.profile, records[device.address])
        self.decoder = decoder_for(part.read, [item.point for item in part.items], device.profile.order)
        self.silences = 0


class Unit:
    """State of one device."""

    def __init__(self, device: ModbusDevice, line: LineSettings, records: Records, schedule: Schedule) -> None:
        self.device, self.schedule = device, schedule
        self.counts: dict[str, int] = {}
        self.blank: dict[str, Scalar | None] = dict.fromkeys(point.register.point for point in device.points)
        self.counters = Counters(device.points)
        self.signals = Signals(device.id, self.blank)
        self.record = records[device.address]
        self.unusable = self._check(line)
        """A mistake in the configuration because of which the device is not polled at all."""
        self.polled = self.unusable is None and bool(device.points)
        self.jobs: list[Job] = []
        self.refused: dict[str, int] = {}
        """Points that the device refuses to give, with the exception code."""
        self._refused_reads: set[Read] = set()
        self._plan_anew = True
        self.relearn_at = 0.0
        self.not_before = 0.0
        self.busy = 0
        self.silent_cycles = 0
        """Polls in a row with a request in vain."""
        self.suspect = False
        """Whether asking it costs the line's budget."""
        self.failed_cycles = 0
        self.offline = False
        self.trouble: Fault | None = None
        self.late_before = 0
        self.cost_s = 0.0
        """Line time of the last whole cycle."""
        self.heard_at = -WAKE_PAUSE_S
        self._records = records
        profile = device.profile
        self.probe_s = profile.timeout_s * (2 if profile.wake else 1)

    @property
    def ready_at(self) -> float:
        return max(self.schedule.due, self.not_before)

    @property
    def late_replies(self) -> int:
        return self.record.counts.get("late_replies", 0)

    def judge(self, *, silent: bool) -> None:
        """After a cycle on a line that works."""
        self.silent_cycles = self.silent_cycles + 1 if silent else 0
        enough = SUSPECT_CYCLES if self.count_of("answered") else 1
        self.suspect = self.offline or self.silent_cycles >= enough

    def count(self, name: str, by: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + by

    def count_of(self, name: str) -> int:
        return self.counts.get(name, 0)

    def plan(self, now: float) -> None:
        """The fewest requests that the device has not refused; every `RELEARN_S` it is given another chance."""
        if self._refused_reads and now >= self.relearn_at:
            self.refused.clear()
            self._refused_reads.clear()
            self._plan_anew = True
        if self._plan_anew:
            self._plan_anew = False
            points = [point for point in self.device.points if point.register.point not in self.refused]
            self.jobs = [self.job(part) for part in plan(points, self.device.profile, self._refused_reads)]
            self.relearn_at = now + (RELEARN_S if self.jobs else RELEARN_ALL_S)
            if not self.jobs:
                self.not_before = self.relearn_at

    def job(self, part: Part) -> Job:
        return Job(part, self.device, self._records)

    def split(self, job: Job, code: int) -> Sequence[Job]:
        """Two requests instead of one that was refused; none when a single point remains, which is given up."""
        cut = halves(job.part)
        if cut is None:
            self.give_up(job, code)
            return ()
        self.count("splits")
        self._refused_reads.add(job.part.read)
        self._plan_anew = True
        return [self.job(part) for part in cut]

    def give_up(self, job: Job, code: int) -> None:
        """The points of a request that will not be asked again before the requests are learned anew."""
        self._refused_reads.add(job.part.read)
        self._plan_anew = True
        self.refused.update(dict.fromkeys(job.decoder.names, code))

    def fault(self) -> Fault | None:
        """What to tell of this device now."""
        if self.unusable or self.offline or self.trouble:
            return self.unusable or self.trouble
        if self.refused:
            return refused_fault(self.device.address, next(iter(self.refused.values())), tuple(self.refused))
        return None

    def _check(self, line: LineSettings) -> Fault | None:
        address = self.device.address
        lowest, highest = (0, 255) if isinstance(line, TcpLine) else (1, 247)
        if not lowest <= address <= highest:
            return device_fault("device.address", unit=address)
        try:
            plan(self.device.points, self.device.profile)
        except ValueError as error:
            return device_fault("device.profile", reason=error)
        return None
