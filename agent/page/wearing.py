"""Residents as those may see them who care for them: what their devices said last, as far as each one agreed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from courtyard.agent.care.consents import Consents
from courtyard.agent.page.shelf import point_value
from courtyard.agent.records import parse_instant
from courtyard.agent.web.model import Alarm, Device
from courtyard.agent.web.watched import Resident, Worn
from courtyard.config.care import PRESENCE, VITAL
from courtyard.config.care import Resident as Declared
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import Reading, Scalar

BATTERY = "battery.level"


class _Said(NamedTuple):
    value: Scalar | None
    at_ms: int
    reading: Reading


class Wearing:
    """Used from the event loop only; remembers the last value of each point of devices that residents have."""

    def __init__(self, snapshot: Callable[[], Snapshot], consents: Consents) -> None:
        self._snapshot, self._consents = snapshot, consents
        self._site: Snapshot | None = None
        self._owners: dict[str, str] = {}
        self._said: dict[str, dict[str, _Said]] = {}

    def note(self, reading: Reading) -> None:
        """Takes a reading as it is recorded, so within what the site's policy lets be known."""
        snapshot = self._snapshot()
        if snapshot is not self._site:
            self._site = snapshot
            self._owners = {device: each.id for each in snapshot.site.residents for device in each.devices}
            self._said = {device: said for device, said in self._said.items() if device in self._owners}
        if reading.device in self._owners:
            kept = self._said.setdefault(reading.device, {})
            kept.update({point: _Said(value, reading.at_ms, reading) for point, value in reading.values.items()})

    def residents(self, devices: Mapping[str, Device], alarms: Sequence[Alarm]) -> tuple[Resident, ...]:
        """All residents of the site."""
        return tuple(self._resident(each, devices, alarms) for each in self._snapshot().site.residents)

    def _resident(self, declared: Declared, devices: Mapping[str, Device], alarms: Sequence[Alarm]) -> Resident:
        consent, catalogue = self._consents.granted(declared.id), self._snapshot().catalogue
        acts = [act for act in self._consents.acts if act.resident == declared.id]
        if not consent:
            for device in declared.devices:
                self._said[device] = {
                    point: said for point, said in self._said.get(device, {}).items() if point == BATTERY
                }
        said = dict(sorted(self._latest(declared), key=lambda pair: pair[1].at_ms))
        vitals = {point: one for point, one in said.items() if point.startswith(VITAL)} if consent else {}
        room = said.get(PRESENCE) if consent else None
        alarm = next((each for each in alarms if each.device in declared.devices and each.active), None)
        return Resident(
            declared.id,
            consent,
            parse_instant(acts[-1].at) if acts else None,
            declared.report,
            tuple(self._worn(declared, devices[name]) for name in declared.devices if name in devices),
            str(room.value) if room and room.value is not None else None,
            tuple(point_value(catalogue, one.reading, point) for point, one in sorted(vitals.items())),
            max((one.at_ms for one in vitals.values()), default=None),
            alarm.title if alarm else None,
        )

    def _latest(self, declared: Declared) -> Iterator[tuple[str, _Said]]:
        """What all devices of a resident said last; of one point whichever said it later counts."""
        for device in declared.devices:
            yield from self._said.get(device, {}).items()

    def _worn(self, declared: Declared, device: Device) -> Worn:
        said = self._said.get(device.id, {})
        battery = said.get(BATTERY)
        level = float(battery.value) if battery and isinstance(battery.value, int | float) else None
        times = [device.at_ms, *(one.at_ms for one in said.values())]
        seen_ms = max((at for at in times if at is not None), default=None)
        low = level is not None and level < declared.battery_below
        return Worn(device.id, device.title, device.state, seen_ms, level, low)
