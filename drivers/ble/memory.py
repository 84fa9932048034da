"""What a device's last packets leave behind: enough to tell a repeat from a press and a replay from news.

All of it is a plain value: every function takes a memory and gives the next one, so that it can be kept over restarts
in the same transaction as what it led to.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from courtyard.drivers.ble.adverts.beacon_rule import Call
from courtyard.drivers.ble.observation import Event

COUNTED_WINDOW_MS = 600_000
"""How long a packet may be repeated, from when it was last heard, when its counter tells it from all others."""
NUMBERED_WINDOW_MS = 30_000
"""The same when its number comes again after 256 packets."""
PLAIN_WINDOW_MS = 3_000
"""The same for packets without a number, where a later equal one is a second press."""
REFRESH_MS = 60_000
"""A packet that is repeated for longer counts as a measurement again."""
MOST_PRESSES = 16


class Last(msgspec.Struct, frozen=True):
    """The last packet of one family: its bytes, when they were decoded and last heard, and the moments it told."""

    payload: bytes
    decoded_ms: int
    heard_ms: int
    window_ms: int
    stamps: tuple[str, ...] = ()

    def repeated(self, payload: bytes, now_ms: int) -> bool:
        return payload == self.payload and 0 <= now_ms - self.heard_ms < self.window_ms


class Press(NamedTuple):
    """A moment that was told already, and when it was last heard."""

    stamp: str
    heard_ms: int
    window_ms: int


class Memory(msgspec.Struct, frozen=True):
    """One device.  Times are monotonic milliseconds: `restarted` puts them right after a restart.

    `counters` are the highest of each family; `conditions` what was last told of each; `refused` counts packets by
    the code of their refusal.
    """

    counters: dict[str, int] = {}
    last: dict[str, Last] = {}
    presses: tuple[Press, ...] = ()
    call: Call = Call()
    conditions: dict[str, bool] = {}
    refused: dict[str, int] = {}
    repeats: int = 0


def restarted(memory: Memory, now_ms: int) -> Memory:
    """After a restart: counters, conditions and counts hold; what was measured by the old boot's clock begins anew."""
    call = Call(memory.call.active, now_ms)
    return Memory(counters=memory.counters, call=call, conditions=memory.conditions, refused=memory.refused)


def heard_again(memory: Memory, family: str, now_ms: int) -> Memory:
    """The last packet was repeated, and with it the moments that it told."""
    last = msgspec.structs.replace(memory.last[family], heard_ms=now_ms)
    presses = tuple(
        Press(press.stamp, now_ms, press.window_ms) if press.stamp in last.stamps else press for press in memory.presses
    )
    return msgspec.structs.replace(
        memory, last={**memory.last, family: last}, presses=presses, repeats=memory.repeats + 1
    )


def heard_new(memory: Memory, family: str, last: Last) -> Memory:
    """Another packet has come: what earlier ones told may still arrive late, but not be pressed again unheard."""
    presses = []
    for press in memory.presses:
        if press.stamp.startswith(f"{family}:") and press.stamp not in last.stamps:
            press = Press(press.stamp, press.heard_ms, min(press.window_ms, PLAIN_WINDOW_MS))
        if 0 <= last.heard_ms - press.heard_ms < press.window_ms:
            presses.append(press)
    return msgspec.structs.replace(memory, last={**memory.last, family: last}, presses=tuple(presses))


def told(memory: Memory, press: Press) -> tuple[bool, Memory]:
    """Whether this moment was told already, in a packet that is still being repeated; and the memory with it."""
    known = next((one for one in memory.presses if one.stamp == press.stamp), None)
    again = known is not None and 0 <= press.heard_ms - known.heard_ms < known.window_ms
    others = tuple(one for one in memory.presses if one.stamp != press.stamp)
    return again, msgspec.structs.replace(memory, presses=(*others, press)[-MOST_PRESSES:])


def changed(memory: Memory, event: Event) -> tuple[bool, Memory]:
    """Whether a condition differs from what was last told; the first word on it always does."""
    key = f"{event.kind}/{event.source}"
    if memory.conditions.get(key) == event.active:
        return False, memory
    return True, msgspec.structs.replace(memory, conditions={**memory.conditions, key: event.active})


def refused(memory: Memory, code: str) -> Memory:
    """One more packet refused."""
    counts = {**memory.refused, code: memory.refused.get(code, 0) + 1}
    return msgspec.structs.replace(memory, refused=counts)
