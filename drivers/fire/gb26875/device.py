"""The transmission device's side: what this gateway says as a device to a fire-control centre (6, 8.3.1)."""

from __future__ import annotations

from collections.abc import Sequence

from courtyard.drivers.fire.gb26875.frame import (
    ANSWER,
    CLOCK,
    CONFIRM,
    CONTROL,
    DENY,
    PATROL,
    REQUEST,
    SEND,
    Link,
    Message,
    unit,
)
from courtyard.drivers.fire.gb26875.objects import ANSWERS, ClockSetting, InformationObject, PatrolCheck
from courtyard.drivers.fire.gb26875.wire import TimeTag


def report(link: Link, kind: int, objects: Sequence[InformationObject], serial: int, now: TimeTag) -> bytes:
    """Data for the centre: one of the types 1 to 8, 21, 24 to 26 and 28.  Raises ValueError."""
    return link.packet(SEND, unit(kind, *objects), serial, now)


def heartbeat(link: Link, serial: int, now: TimeTag) -> bytes:
    """Command 2 with nothing in it, every 20 to 30 s: the convention of the field, confirmed like any other data."""
    return link.packet(SEND, None, serial, now)


def answer(request: Message, kind: int, objects: Sequence[InformationObject], now: TimeTag) -> bytes:
    """The answer to a request, with its serial number.  Raises ValueError when `kind` does not answer it."""
    if request.command != REQUEST or request.unit is None or ANSWERS.get(request.unit.type) != kind:
        raise ValueError(f"type {kind} does not answer this request")
    return Link.back(request).packet(ANSWER, unit(kind, *objects), request.serial, now)


def reply(message: Message, now: TimeTag) -> bytes | None:
    """What a device owes to a centre's `message`, apart from answers; None when it owes nothing.

    Clock synchronisation and patrol check are confirmed.  Initialisation and every other control command are
    denied: nothing in this gateway is started or reset from afar.  A request is denied with this unless `answer`
    serves it.
    """
    if message.command not in (CONTROL, REQUEST):
        return None if message.command in (SEND, CONFIRM, ANSWER, DENY) else _back(message, DENY, now)
    accepted = setting(message) is not None or patrol_minutes(message) is not None
    return _back(message, CONFIRM if accepted else DENY, now)


def setting(message: Message) -> TimeTag | None:
    """The time of a good clock synchronisation, else None."""
    item = _control(message)
    return item.time if isinstance(item, ClockSetting) else None


def patrol_minutes(message: Message) -> int | None:
    """The time to answer of a good patrol check, else None."""
    item = _control(message)
    return item.minutes if isinstance(item, PatrolCheck) else None


def _control(message: Message) -> InformationObject | None:
    payload = message.unit
    if message.command != CONTROL or message.flaw is not None or payload is None or not payload.objects:
        return None
    return payload.objects[0] if payload.type in (CLOCK, PATROL) else None


def _back(message: Message, command: int, now: TimeTag) -> bytes:
    return Link.back(message).packet(command, None, message.serial, now)
