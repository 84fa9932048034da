"""Alarms of the past, from the records of the journal: bounded, read by a thread, also while records are written."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import msgspec

from courtyard.agent.page.alarming import class_title, record_view
from courtyard.agent.records import AlarmRecord
from courtyard.agent.web.model import Alarm, Refused, Words
from courtyard.agent.web.past import Found, Wanted
from courtyard.buffer.faults import DiskFault

MOST_RECORDS: Final = 5000
_decode = msgspec.json.Decoder(AlarmRecord).decode


class JournalPast:
    """Implements `courtyard.agent.web.past.PastAlarms`.  What only memory has is not found."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal

    async def find(self, wanted: Wanted) -> Found:
        """Raises Refused when the journal cannot be read."""
        return await asyncio.to_thread(self._find, wanted)

    def _find(self, wanted: Wanted) -> Found:
        from courtyard.buffer import inspection  # its library brings numpy, 14 MB; few ever look back

        try:
            records = inspection.tail(self._journal, MOST_RECORDS, "alarm")
        except FileNotFoundError:
            records = []
        except DiskFault as fault:
            raise Refused(Words(f"The journal cannot be read: {fault}.", f"无法读取缓存：{fault}。")) from fault
        latest: dict[tuple[str, int], AlarmRecord] = {}
        for stored in records:
            record = _decode(stored.body)
            key = record.alarm_id, record.occurrence
            known = latest.pop(key, None)
            latest[key] = record if known is None or record.change >= known.change else known
        alarms = [record_view(record) for record in latest.values()]
        whole = len(records) < MOST_RECORDS or records[0].at_ms <= wanted.since_ms
        kinds = {alarm.alarm_class for alarm in alarms} | ({wanted.alarm_class} if wanted.alarm_class else set())
        chosen = [alarm for alarm in alarms if _fits(alarm, wanted)]
        chosen.sort(key=lambda alarm: alarm.raised_ms, reverse=True)
        return Found(tuple(chosen), tuple((kind, class_title(kind)) for kind in sorted(kinds)), whole)


def _fits(alarm: Alarm, wanted: Wanted) -> bool:
    text = f"{alarm.device}\n{alarm.place}\n{alarm.text.en}\n{alarm.text.zh}".casefold()
    return (
        wanted.since_ms <= alarm.raised_ms < wanted.until_ms
        and wanted.alarm_class in ("", alarm.alarm_class)
        and all(word in text for word in wanted.q.casefold().split())
    )
