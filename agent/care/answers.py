"""Somebody has acknowledged a call for help: what called buzzes, so that its wearer knows.

Invariants
1. Nothing waits for it: not the acknowledgement, not the next call.
2. Once an acknowledgement, also over a restart; never for a drill.
3. What fails becomes an event, with the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from courtyard.agent.alarms.alarm import Alarm
from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.recorder import Recorder
from courtyard.agent.records import AlarmRecord, Details
from courtyard.config.care import Answer
from courtyard.drivers.base import Alert, Alerts, Driver, DriverError

CALLS: Final = frozenset({"sos", "fall"})
AT_ONCE: Final = 8


class Drivers(Protocol):
    """What this needs of `courtyard.agent.lines.Lines`."""

    def driver_of(self, device: str) -> Driver: ...


class Answers:
    """Used from the event loop only."""

    def __init__(self, book: AlarmBook, lines: Drivers, settings: Callable[[], Answer], recorder: Recorder) -> None:
        self._book, self._lines, self._settings, self._recorder = book, lines, settings, recorder
        self._told: dict[str, tuple[int, str | None]] = {}
        self._waiting: dict[str, AlarmRecord] = {}
        self._busy: set[str] = set()
        self._news = asyncio.Event()
        self._listening = False

    async def run(self) -> None:
        """Until cancelled."""
        if not self._listening:
            self._listening = True
            self._told = {alarm.record.alarm_id: _act(alarm.record) for alarm in self._book if _calls(alarm.record)}
            self._book.listen(self._heard)
        self._busy.clear()
        async with asyncio.TaskGroup() as group:
            while True:
                await self._news.wait()
                self._news.clear()
                for device in [name for name in self._waiting if name not in self._busy]:
                    if len(self._busy) < AT_ONCE:
                        self._busy.add(device)
                        group.create_task(self._answer(device, self._waiting.pop(device)))

    def _heard(self, alarm: Alarm) -> None:
        record = alarm.record
        if not _calls(record) or record.acknowledged_at is None or self._told.get(record.alarm_id) == _act(record):
            return
        self._told[record.alarm_id] = _act(record)
        self._waiting[record.device] = record
        self._news.set()

    async def _answer(self, device: str, record: AlarmRecord) -> None:
        details: Details = {"alarm_id": record.alarm_id, "occurrence": record.occurrence}
        try:
            if not await self._alert(device):
                return
        except DriverError as error:
            said: Mapping[str, str] = {"code": error.fault.code, "text_en": error.fault.what.en}
            self._recorder.event("answer.failed", {**details, **said, "text_zh": error.fault.what.zh}, device=device)
        else:
            self._recorder.event("answer.given", details, device=device)
        finally:
            self._busy.discard(device)
            self._news.set()

    async def _alert(self, device: str) -> bool:
        """Whether there was anything to do.  Raises DriverError."""
        settings, driver = self._settings(), self._lines.driver_of(device)
        if settings.alert == "off" or not isinstance(driver, Alerts) or not driver.alerting(device):
            return False
        await driver.alert(device, Alert(settings.alert, settings.alert_for_s, settings.alert_stop))
        return True


def _calls(record: AlarmRecord) -> bool:
    return record.alarm_class in CALLS and not record.test


def _act(record: AlarmRecord) -> tuple[int, str | None]:
    """What tells one acknowledgement from another."""
    return record.occurrence, record.acknowledged_at
