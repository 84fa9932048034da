"""A fire-control centre as an uplink of the gateway: what its confirmations, questions and patrol checks mean here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from zoneinfo import ZoneInfo

from courtyard.agent.alarms.acts import ActRefused, Acts
from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.condition import Condition
from courtyard.agent.escalation.handed import Handed
from courtyard.agent.latest import Latest
from courtyard.agent.notebook import JournalNotebook
from courtyard.agent.recorder import Recorder
from courtyard.agent.records import AlarmRecord
from courtyard.agent.uplinks.gb26875.analogues import Measured, Quantity
from courtyard.agent.uplinks.gb26875.answers import local_now
from courtyard.agent.uplinks.gb26875.centre import Centre
from courtyard.agent.uplinks.gb26875.inventory import Inventory, inventory_of
from courtyard.agent.uplinks.gb26875.mapping import PATROL
from courtyard.agent.uplinks.gb26875.uplink import Gb26875Uplink
from courtyard.agent.uplinks.ports import Feed
from courtyard.agent.version import VERSION
from courtyard.buffer import JournalError
from courtyard.config.snapshot import Snapshot
from courtyard.config.station import Analogue, Station, scales
from courtyard.config.uplink import Uplink
from courtyard.drivers.base import Fault, Text

OLDEST_POLLS, EVERY_S = 3, 60.0
"""A value older than so many polls is not reported; the period of devices that report by themselves."""
CALLED = Text(
    "The fire-control centre {name} asks whether somebody is on duty: acknowledge within {minutes} minutes.",
    "消防监控中心 {name} 查岗，请在 {minutes} 分钟内确认。",
)


def centre_uplink(
    settings: Uplink,
    feed: Feed,
    recorder: Recorder,
    book: AlarmBook,
    acts: Acts,
    handed: Handed,
    snapshot: Callable[[], Snapshot],
    latest: Latest,
    *,
    say: Callable[[Condition], None],
    fault: Callable[[Fault | None], None],
) -> Gb26875Uplink:
    """The uplink of format gb26875 with this name; `latest` knows the readings, `say` takes the alarm of a patrol
    check."""
    name, station = settings.name, settings.station or Station(1)
    notebook, key = JournalNotebook(recorder), f"centre/{settings.name}"
    known = _Known(station, snapshot)

    def received(record: AlarmRecord) -> None:
        try:
            acts.received(name, record.alarm_id, record.occurrence)
        except (ActRefused, JournalError):
            return  # gone on to another occurrence, or no disk: then the centre is told again, and confirms again

    def patrol(minutes: int) -> None:
        loop = asyncio.get_running_loop()
        _patrol(True, minutes)
        loop.call_later(minutes * 60, _patrol, False, minutes)

    def _patrol(active: bool, minutes: int) -> None:
        text = Text(*(each.format(name=name, minutes=minutes) for each in CALLED))
        gateway, now = snapshot().site.gateway.id, recorder.now()
        say(Condition(gateway, PATROL, name, 2, active, *now, text=text, details={"minutes": minutes}))

    def configuration() -> str:
        site = snapshot().site
        panels = len(site.fire_panels) + len(site.fire_modbus_panels)
        return f"{site.gateway.id}，{site.gateway.place}，{panels} 台消防控制器，{len(site.installed)} 台设备"

    centre = Centre(
        present=lambda: [alarm.record for alarm in book if alarm.active],
        received=received,
        wanted=lambda alarm_id: not settings.only_escalated or handed.wants(name, alarm_id),
        over=lambda alarm_id: handed.end(name, alarm_id),
        patrol=patrol,
        clock=lambda offset_s: _note(recorder, name, offset_s),
        configuration=configuration,
        inventory=known.inventory,
        quantities=lambda: [
            Quantity(each, scales(snapshot().catalogue[each.point].unit or "")) for each in station.analogues
        ],
        measure=lambda analogue: _measured(analogue, latest, snapshot(), recorder.clock.wall_ms()),
        recall=notebook.recall(key).get(key, b""),
        note=lambda operations: notebook.note(key, operations),
    )
    return Gb26875Uplink(
        settings,
        snapshot().site.gateway,
        feed,
        centre,
        version=VERSION,
        wall_ms=recorder.clock.wall_ms,
        fault=fault,
    )


def _note(recorder: Recorder, name: str, offset_s: float) -> None:
    """The box's own time server sets its clock; by how much the centre differs is worth a record."""
    recorder.event("centre.clock", {"uplink": name, "offset_s": round(offset_s, 1)})


class _Known:
    """What the site lists, made once for each site."""

    def __init__(self, station: Station, snapshot: Callable[[], Snapshot]) -> None:
        self._station, self._snapshot = station, snapshot
        self._of: Snapshot | None = None
        self._inventory = Inventory()

    def inventory(self) -> Inventory:
        snapshot = self._snapshot()
        if snapshot is not self._of:
            self._of, self._inventory = snapshot, inventory_of(snapshot, self._station)
        return self._inventory


def _measured(analogue: Analogue, latest: Latest, snapshot: Snapshot, wall_ms: int) -> Measured | None:
    """The last reading of a point, while it is good and not older than three polls."""
    known, installed = latest.of(analogue.device), snapshot.devices.get(analogue.device)
    if known is None or installed is None:
        return None
    value, quality = known.last.values.get(analogue.point), known.last.quality.get(analogue.point)
    if quality is not None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if wall_ms - known.last.at_ms > OLDEST_POLLS * (installed.every_s or EVERY_S) * 1000:
        return None
    return Measured(float(value), local_now(ZoneInfo(snapshot.site.gateway.timezone), known.last.at_ms))
