"""Buttons that call for help by changing what they are: an iBeacon or an Eddystone UID with a second identity.

The alarm is raised by the first frame that shows the alarm identity.  It ends with a frame of the normal identity,
but not while alarm frames still come: many buttons send both in turns.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from courtyard.drivers.ble.adverts.eddystone import Uid
from courtyard.drivers.ble.adverts.ibeacon import Beacon
from courtyard.drivers.ble.observation import Event

HOLD_OFF_MS = 30_000


class Identity(NamedTuple):
    """Who a beacon says it is: `space` is the UUID of an iBeacon (16 bytes) or the namespace of an Eddystone UID
    (10 bytes), `item` is major and minor (4 bytes) or the instance (6 bytes).

    As a pattern, `item` may be shorter: only what it has must agree.
    """

    space: bytes
    item: bytes = b""

    def covers(self, other: Identity) -> bool:
        return self.space == other.space and other.item.startswith(self.item)


def identity(beacon: Beacon | Uid) -> Identity:
    """Of a frame."""
    if isinstance(beacon, Uid):
        return Identity(beacon.namespace, beacon.instance)
    return Identity(beacon.uuid.bytes, beacon.major.to_bytes(2, "big") + beacon.minor.to_bytes(2, "big"))


class BeaconRule(msgspec.Struct, frozen=True):
    """What a device shows normally and when somebody needs help; `kind` is `sos` or `fall`.

    Where both patterns cover a frame, it is an alarm.
    """

    normal: Identity
    alarm: Identity
    kind: str = "sos"
    hold_off_ms: int = HOLD_OFF_MS


class Call(msgspec.Struct, frozen=True):
    """Whether help is being called for, and when an alarm frame was last heard (monotonic milliseconds)."""

    active: bool = False
    heard_ms: int = 0


def judge(rule: BeaconRule, call: Call, seen: Identity, now_ms: int) -> tuple[Event | None, Call]:
    """What a frame means after those before it: the event, if it begins or ends a call, and the new state."""
    if rule.alarm.covers(seen):
        event = None if call.active else Event(rule.kind, details={"rule": "beacon"})
        return event, Call(True, now_ms)
    if not rule.normal.covers(seen) or not call.active:
        return None, call
    if 0 <= now_ms - call.heard_ms < rule.hold_off_ms:
        return None, call
    return Event(rule.kind, active=False, details={"rule": "beacon"}), Call()
