"""What a text message says: what, where, when, and how many more; short, in the site's language."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

from courtyard.agent.alarms.classes import CLASSES
from courtyard.agent.records import AlarmRecord, parse_instant
from courtyard.config.site import Gateway
from courtyard.drivers.base import Text

MAX_PLACE = 60


def message(gateway: Gateway, records: list[AlarmRecord], name: str | None) -> str:
    """One message for alarms that wait together, of which the first is told in full; `name` is its device's."""
    record = records[0]
    at = datetime.datetime.fromtimestamp(parse_instant(record.raised_at) / 1000, ZoneInfo(gateway.timezone))
    called = CLASSES.get(record.alarm_class, Text(record.alarm_class, record.alarm_class))
    own = record.place.removeprefix(f"{gateway.place}/").removeprefix(gateway.place)
    zh, en = record.text_zh[:MAX_PLACE], record.text_en[:MAX_PLACE]
    more = len(records) - 1
    drill = Text("DRILL, no emergency. ", "【演习，非真实警情】") if record.test else Text("", "")
    where = " ".join(filter(None, (name or record.device, own, record.source)))
    text = Text(
        f"{drill.en}{called.en}: {where}. {en} {at:%H:%M:%S} {gateway.id}."
        + (f" And {more} more." if more else "")
        + " The platform has not confirmed.",
        f"{drill.zh}【{called.zh}】{where}，{zh.rstrip('。')}，{at:%H:%M:%S}，{gateway.id}"
        + (f"，另有 {more} 起" if more else "")
        + "。平台未确认收到，请立即核实。",
    )
    return text.say(gateway.language)
