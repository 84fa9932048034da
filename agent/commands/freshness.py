"""How long a command may still be executed, by clocks of which one may be wrong.

A deadline is a wall time, so it can be judged where this gateway's wall clock is set.  Where it is not (`unsynced`),
the broker's clock helps: MQTT 5 counts a message's expiry interval down while it waits, so that the remaining seconds
on arrival tell its age.  Without either, a command that moves something is refused; one that does not is taken to be
as fresh as its sender made it.  What came from this box itself was stamped by the same clock.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from courtyard.agent.records import ClockQuality, Command, parse_instant
from courtyard.agent.refusal import Refusal
from courtyard.drivers.base import Text

MAX_LIFETIME_MS: Final = 86_400_000
MAX_SKEW_MS: Final = 300_000


class Arrival(NamedTuple):
    """How a command came.  `via` is the uplink's name, or what on this box took it (`page`, `cli`)."""

    via: str
    local: bool = False
    retained: bool = False
    remaining_s: float | None = None
    """What was left of the message's expiry interval (MQTT 5) on arrival."""


class Times(NamedTuple):
    """When a command was issued and when it ends, in Unix milliseconds."""

    issued_ms: int
    expires_ms: int


def times(command: Command) -> Times:
    """Raises Refusal when they are no instants, or the command would live for no time or more than a day."""
    try:
        issued_ms, expires_ms = parse_instant(command.issued_at), parse_instant(command.expires_at)
    except (ValueError, OverflowError):
        raise Refusal(
            "times.unreadable",
            Text(
                "issued_at and expires_at must be RFC 3339 with an offset.",
                "issued_at 和 expires_at 须为带时区的 RFC 3339 时间。",
            ),
        ) from None
    if not 0 < expires_ms - issued_ms <= MAX_LIFETIME_MS:
        raise Refusal(
            "times.lifetime",
            Text("A command may live for at most a day.", "命令有效期须大于零且不超过一天。"),
        )
    return Times(issued_ms, expires_ms)


def remaining_ms(when: Times, arrival: Arrival, wall_ms: int, clock: ClockQuality, *, actuates: bool) -> int:
    """Milliseconds that are left; 0 or less: expired.  Raises Refusal when that cannot be known and matters."""
    lifetime_ms = when.expires_ms - when.issued_ms
    if clock == "unsynced" and not arrival.local:
        if arrival.remaining_s is not None:
            return min(lifetime_ms, round(arrival.remaining_s * 1000))
        if actuates:
            raise Refusal(
                "clock.unsynced",
                Text(
                    "The gateway's clock is not set: send the command with a message expiry interval (MQTT 5).",
                    "网关时钟未校准，无法判断命令是否过期；请设置 MQTT 5 消息过期时间后重发。",
                ),
            )
        return lifetime_ms
    if when.issued_ms - wall_ms > MAX_SKEW_MS:
        raise Refusal(
            "times.future",
            Text(
                "The command was issued in the future; check the sender's clock.",
                "命令签发时间晚于当前时间，请检查发送方时钟。",
            ),
        )
    left_ms = min(when.expires_ms - wall_ms, lifetime_ms + MAX_SKEW_MS)
    return left_ms if arrival.remaining_s is None else min(left_ms, round(arrival.remaining_s * 1000))
