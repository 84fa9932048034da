"""A fire-control centre as an uplink of the gateway: what its confirmations, questions and patrol checks mean here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.metadata import version

from courtyard.agent.alarms.acts import ActRefused, Acts
from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.condition import Condition
from courtyard.agent.escalation.handed import Handed
from courtyard.agent.recorder import Recorder
from courtyard.agent.records import AlarmRecord
from courtyard.agent.uplinks.gb26875.mapping import PATROL
from courtyard.agent.uplinks.gb26875.uplink import Centre, Gb26875Uplink
from courtyard.agent.uplinks.ports import Feed
from courtyard.buffer import JournalError
from courtyard.config.site import Uplink
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import Fault, Text

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
    *,
    say: Callable[[Condition], None],
    fault: Callable[[Fault | None], None],
) -> Gb26875Uplink:
    """The uplink of format gb26875 with this name; `say` takes the alarm of a patrol check."""
    name = settings.name

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
        return f"{site.gateway.id} {site.gateway.place}, {len(site.installed)} devices"

    centre = Centre(
        present=lambda: [alarm.record for alarm in book if alarm.active],
        received=received,
        wanted=lambda alarm_id: not settings.only_escalated or handed.wants(name, alarm_id),
        over=lambda alarm_id: handed.end(name, alarm_id),
        patrol=patrol,
        clock=lambda offset_s: _note(recorder, name, offset_s),
        configuration=configuration,
    )
    return Gb26875Uplink(
        settings,
        snapshot().site.gateway,
        feed,
        centre,
        version=version("courtyard"),
        wall_ms=recorder.clock.wall_ms,
        fault=fault,
    )


def _note(recorder: Recorder, name: str, offset_s: float) -> None:
    """The box's own time server sets its clock; by how much the centre differs is worth a record."""
    recorder.event("centre.clock", {"uplink": name, "offset_s": round(offset_s, 1)})
