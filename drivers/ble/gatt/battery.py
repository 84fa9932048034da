"""Battery Level, 2A19; the same byte also comes as service data of 180F in advertisements.

Source: Bluetooth SIG GATT Specification Supplement, Battery Level.
"""

from __future__ import annotations

from typing import Any

from courtyard.drivers.base import Text
from courtyard.drivers.ble.layout import U8, Field, Layout
from courtyard.drivers.ble.observation import Draft, Observation

LAYOUT = Layout(
    Text("battery level", "电池电量"),
    "GATT Specification Supplement, Battery Level",
    (Field("level", Text("battery level, %", "电池电量，%"), U8),),
    flagged=False,
)


def observe(fields: dict[str, Any]) -> Observation:
    """The charge in percent."""
    draft = Draft()
    draft.put("battery.level", fields["level"])
    return draft.done()
