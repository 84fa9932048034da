"""BlueUp safety beacons: service data of UUID 8800, one byte of flags.

Source: BlueUp, BlueBeacon Configuration GATT, firmware 6.x, proprietary flags.
"""

from __future__ import annotations

from courtyard.drivers.base import Text
from courtyard.drivers.ble.observation import Draft, Observation
from courtyard.drivers.ble.refusal import Refused, too_short

UUID = 0x8800
ALARM_ACTIVE, ALARM_SUPPORTED = 0x80, 0x40


def observe(data: bytes) -> Observation:
    """A call for help while the alarm flag is set; nothing from beacons that have no alarm.  Raises Refused."""
    if not data:
        raise too_short(0, Text("the flags", "标志"))
    if len(data) > 1:
        raise Refused("trailing", 1, Text("bytes behind the flags", "标志之后有多余字节"))
    draft = Draft()
    if data[0] & (ALARM_ACTIVE | ALARM_SUPPORTED):
        draft.tell("sos", bool(data[0] & ALARM_ACTIVE))
    return draft.done()
