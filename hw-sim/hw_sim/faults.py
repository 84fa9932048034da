"""Faults of one unit on a bus, switched at run time, optionally for a number of answers only."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Literal

Framing = Literal["rtu", "tcp"]

KINDS = {
    "dead": "never answers",
    "slow": "answers after MS, unless a new request comes first",
    "late": "answers after MS, even into the next request",
    "noise": "every byte of its answers has a wrong bit with probability P",
    "wrong-unit": "answers with address N",
    "exception": "answers every request with exception CODE",
    "empty": "answers with a byte count of 0",
    "short": "answers with N registers fewer than asked",
    "truncated": "answers only the first N bytes of the frame",
    "wrong-crc": "checksum (TCP: transaction number) is wrong",
    "stuck": "register values stand still",
    "nan": "every value reads as not-a-number",
}
"""Every kind of fault and what it means; the word in capitals is its value."""
DEFAULTS = {
    "slow": 300.0,
    "late": 800.0,
    "noise": 0.05,
    "wrong-unit": 247.0,
    "exception": 4.0,
    "short": 1.0,
    "truncated": 4.0,
}


@dataclass
class Fault:
    """One active fault; `times` counts down with every answer it spoils, None lasts until healed."""

    value: float = 0.0
    times: int | None = None


@dataclass
class Reply:
    """An answer on its way to the wire, and what is done to it."""

    unit: int
    pdu: bytes
    delay_s: float = 0.0
    stubborn: bool = False
    """Sent although a new request arrived meanwhile."""
    wrong_check: bool = False
    keep_bytes: int | None = None
    noise: float = 0.0
    spoilt: bool = False
    """Not what a healthy unit would have answered in time."""


@dataclass
class Faults:
    """The active faults of one unit."""

    active: dict[str, Fault] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def set(self, kind: str, value: float | None = None, times: int | None = None) -> None:
        """Raises ValueError for an unknown kind."""
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}; known: {', '.join(KINDS)}")
        self.active[kind] = Fault(DEFAULTS.get(kind, 0.0) if value is None else value, times)

    def heal(self, kind: str | None = None) -> None:
        if kind is None:
            self.active.clear()
        else:
            self.active.pop(kind, None)

    def __contains__(self, kind: str) -> bool:
        return kind in self.active

    def spoil(self, reply: Reply) -> Reply | None:
        """Applies every active fault to an answer; None is silence."""
        if not self.active:
            return reply
        for kind, fault in list(self.active.items()):
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    del self.active[kind]
            if kind == "dead":
                return None
            reply.spoilt = reply.spoilt or kind not in ("slow", "stuck", "nan")
            self._apply(kind, fault.value, reply)
        return reply

    def mangle(self, frame: bytes, reply: Reply) -> bytes:
        """What is left of the encoded frame."""
        if reply.noise:
            frame = bytes(
                byte ^ (1 << self.chance.randrange(8)) if self.chance.random() < reply.noise else byte for byte in frame
            )
        return frame if reply.keep_bytes is None else frame[: reply.keep_bytes]

    def _apply(self, kind: str, value: float, reply: Reply) -> None:
        number = int(value)
        match kind:
            case "slow" | "late":
                reply.delay_s = max(reply.delay_s, value / 1000)
                reply.stubborn = reply.stubborn or kind == "late"
            case "noise":
                reply.noise = value
            case "wrong-unit":
                reply.unit = number
            case "exception":
                reply.pdu = bytes([reply.pdu[0] | 0x80, number])
            case "empty":
                reply.pdu = bytes([reply.pdu[0], 0])
            case "short" if reply.pdu[0] in (3, 4):
                kept = max(0, reply.pdu[1] - 2 * number)
                reply.pdu = bytes([reply.pdu[0], kept]) + reply.pdu[2 : 2 + kept]
            case "truncated":
                reply.keep_bytes = number
            case "wrong-crc":
                reply.wrong_check = True
