"""The monitoring centre's side: replies to transmission devices, questions to them (GB/T 26875.3-2011, 6).

A centre may also initialise a device (type 89).  This one cannot: `Link.packet` refuses it.
"""

from __future__ import annotations

from collections.abc import Sequence

from courtyard.drivers.fire.framing import Damage
from courtyard.drivers.fire.gb26875.frame import (
    ANSWER,
    CLOCK,
    CONFIRM,
    CONTROL,
    DENY,
    HEADER,
    PATROL,
    REQUEST,
    SEND,
    Link,
    Message,
    header,
    unit,
)
from courtyard.drivers.fire.gb26875.objects import ClockSetting, InformationObject, PatrolCheck
from courtyard.drivers.fire.gb26875.wire import TimeTag


def reply(message: Message, now: TimeTag) -> bytes | None:
    """What a centre owes to `message`; None when it owes nothing.  Events go to disk before this is sent.

    Data are confirmed, or denied when their data unit is damaged.  Confirmations, answers and denials end an
    exchange.  Whatever is left is no command that a device gives, and is denied (6.5).
    """
    if message.command in (CONFIRM, ANSWER, DENY):
        return None
    confirmed = message.command == SEND and message.flaw is None
    return Link.back(message).packet(CONFIRM if confirmed else DENY, None, message.serial, now)


def deny(damage: Damage, now: TimeTag) -> bytes | None:
    """The denial of a packet with a wrong checksum, end or length (6.5); None when its addresses are not there.

    Noise and packets that were cut off are not answered.
    """
    if damage.flaw.code not in ("checksum", "end", "length") or len(damage.data) < HEADER:
        return None
    message = header(damage.data, None, damage.flaw)
    return Link.back(message).packet(DENY, None, message.serial, now)


def ask(link: Link, kind: int, objects: Sequence[InformationObject], serial: int, now: TimeTag) -> bytes:
    """A request: one of the types 61 to 68, 81, 84 to 86 and 88 with its query objects.  Raises ValueError."""
    return link.packet(REQUEST, unit(kind, *objects), serial, now)


def synchronise_clock(link: Link, at: TimeTag, serial: int, now: TimeTag) -> bytes:
    """Sets the clock of a transmission device (type 90); it touches no panel."""
    return link.packet(CONTROL, unit(CLOCK, ClockSetting(at)), serial, now)


def check_patrol(link: Link, minutes: int, serial: int, now: TimeTag) -> bytes:
    """Asks whether somebody is on duty (type 91); the transmission device calls until somebody answers there."""
    return link.packet(CONTROL, unit(PATROL, PatrolCheck(minutes)), serial, now)
