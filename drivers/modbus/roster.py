"""The devices of one line: who is polled next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from courtyard.drivers.lines.settings import LineSettings
from courtyard.drivers.modbus.link import Records
from courtyard.drivers.modbus.settings import ModbusDevice
from courtyard.drivers.modbus.timing import TICK_S, Budget, Schedule, phase_of, share_for_silence
from courtyard.drivers.modbus.unit import Unit


class _Others(NamedTuple):
    """The units that answer: their share of the line, the shortest period and the earliest due time of any."""

    load: float
    shortest_period_s: float | None
    busy_at: float


class Roster:
    """Units by device id.  The earliest due time goes first; units that were silent also need the line's budget."""

    def __init__(self, line: LineSettings, records: Records, now: float) -> None:
        self._line, self._records = line, records
        self._units: dict[str, Unit] = {}
        self._budget = Budget(now)

    def __iter__(self) -> Iterator[Unit]:
        return iter(self._units.values())

    def __len__(self) -> int:
        return len(self._units)

    def get(self, device: str) -> Unit | None:
        return self._units.get(device)

    def take(self, devices: Sequence[ModbusDevice], now: float) -> Iterable[str]:
        """The new list; devices that did not change keep their unit.  Returns the ids that are gone or replaced."""
        old, self._units = self._units, {}
        for index, device in enumerate(devices):
            unit = old.get(device.id)
            if unit is None or unit.device != device:
                schedule = Schedule(device.every_s, phase_of(self._line.name, index, len(devices)), now)
                unit = Unit(device, self._line, self._records, schedule)
            self._units[device.id] = unit
        self._budget.probe_s = max((unit.probe_s for unit in self), default=0.0)
        return [name for name, unit in old.items() if self._units.get(name) is not unit]

    def next(self, now: float) -> tuple[Unit | None, float]:
        """The unit to poll now, or None and when to look again."""
        chosen: Unit | None = None
        look_again = float("inf")
        others: _Others | None = None
        for unit in self._units.values():
            if not unit.polled:
                continue
            ready_at = unit.ready_at
            if unit.suspect and ready_at <= now + TICK_S:
                others = others or self._others(None)
                ready_at = self._affordable_at(unit, others, now)
            if ready_at > now + TICK_S:
                look_again = min(look_again, ready_at)
            elif chosen is None or unit.schedule.due < chosen.schedule.due:
                chosen = unit
        return chosen, look_again

    def charge(self, spent_s: float) -> None:
        """A unit was waited for in vain."""
        self._budget.charge(spent_s)

    def may_retry(self, unit: Unit, now: float) -> bool:
        """Whether waiting for this unit in vain once more disturbs nobody, or the budget pays for it."""
        others = self._others(unit)
        return others.busy_at >= now + unit.probe_s or self._affordable_at(unit, others, now) <= now

    def all_silent(self) -> bool:
        """Whether no device answers of several that are polled."""
        polled = [unit for unit in self if unit.polled]
        return len(polled) > 1 and all(unit.offline for unit in polled)

    def _others(self, unit: Unit | None) -> _Others:
        living = [other for other in self if not other.suspect and other is not unit and other.polled]
        return _Others(
            sum(min(1.0, other.cost_s / other.schedule.period_s) for other in living),
            min((other.schedule.period_s for other in living), default=None),
            min((other.ready_at for other in living), default=float("inf")),
        )

    def _affordable_at(self, unit: Unit, others: _Others, now: float) -> float:
        share = share_for_silence(others.load, others.shortest_period_s, unit.probe_s)
        return self._budget.free_at(now, unit.probe_s, share)
